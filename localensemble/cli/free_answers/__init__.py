"""The commands about free-text answers."""
