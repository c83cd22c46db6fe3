"""The append-only SQLite record of a study. Only this package opens SQLite."""
