"""A person reads items and gives labels."""
