"""The command ``replay``."""
