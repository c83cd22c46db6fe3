"""The commands with which people decide, beside one another."""
