"""Known models: find and verify their files."""
