"""Measuring models: reconstructions, random pictures, presets on real photos."""
