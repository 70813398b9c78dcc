"""Networks that tell what can be seen of a face; they teach and measure, and are not shipped."""
