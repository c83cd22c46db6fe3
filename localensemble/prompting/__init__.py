"""Template + codebook + item -> prompt."""
