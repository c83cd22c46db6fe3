"""Show raters, and on request people, texts without identifiers."""
