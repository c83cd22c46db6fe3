"""The append-only SQLite record of a study. No other package opens SQLite."""
