"""The verbs about spans: find terms, compare raters, extract, and settle."""
