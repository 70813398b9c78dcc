"""Finding faces in a photo, cutting them out upright, and putting changes back."""
