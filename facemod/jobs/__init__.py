"""Many photos: which they are, where results go, what became of each, and who does the work."""
