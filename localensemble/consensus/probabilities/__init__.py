"""Correct raters' probabilities so that they match frequencies."""
