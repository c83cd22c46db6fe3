"""Classifiers trained on gold labels, as raters."""
