"""Classifiers trained on a few gold labels, over vectors or words of texts."""
