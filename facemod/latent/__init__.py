"""Codes and what moves them: mixes, walks, presets."""
