"""What can be promised about accepted labels, derived from random gold labels."""
