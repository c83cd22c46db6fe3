"""The commands about spans."""
