"""Files of every kind: appearing complete or not at all, and what their bytes are known by."""
