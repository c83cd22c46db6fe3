"""Strategies: which rater is asked about which item."""
