"""Combine raters' probabilities with weights that were fitted to gold labels."""
