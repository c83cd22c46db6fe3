"""Read a table of ratings that people or other programs gave, and record it as a study."""
