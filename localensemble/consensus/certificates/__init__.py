"""Promises about accepted labels, derived from random gold labels."""
