"""The consensus methods, one a file, and the names an ensemble file uses for them."""
