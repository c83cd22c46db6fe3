"""Correct the probabilities of raters so that they mean frequencies."""
