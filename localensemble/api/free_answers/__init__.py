"""Free-text answers: which of several raters' answers to choose."""
