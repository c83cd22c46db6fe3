"""Agreement on passages of text: F1 of pairs of raters, and alpha on the labels of words."""
