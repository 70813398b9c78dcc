"""Training the networks that are shipped."""
