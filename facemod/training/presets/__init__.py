"""Learning presets from what the decoder shows, and measuring what they move."""
