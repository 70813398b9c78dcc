"""Weight files: safetensors whose header says what they are. Headers are read without torch."""
