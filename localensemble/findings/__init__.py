"""Compute everything a table, report or page may show from a study, as plain values."""
