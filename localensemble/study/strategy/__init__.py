"""The strategy of a run, as its record keeps it."""
