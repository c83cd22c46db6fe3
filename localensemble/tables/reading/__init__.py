"""Read files as records: bounded, and with every damage named by its place."""
