"""The consensus methods, one per file, and their names in ensemble files."""
