"""Ask raters for the passages of a text that show why they say yes."""
