"""Label a sample of a study's items again, and compare with what is recorded."""
