"""Models from elsewhere: fetched, read without running anything, and converted."""
