"""Coefficients of agreement between raters: pure functions of a label matrix."""
