"""How much of the original photo survives an edit."""
