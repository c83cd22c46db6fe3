"""Signs in a text that it was written to change its own label."""
