"""Open, decide and read a study: one folder, one record."""
