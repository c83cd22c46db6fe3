"""Replace identifiers in texts before raters see them."""
