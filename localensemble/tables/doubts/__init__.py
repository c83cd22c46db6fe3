"""Recognize what in a table may be something else than it looks, and ask or refuse."""
