"""Spans of raters beside gold spans."""
