"""Making weights and presets, and measuring them."""
