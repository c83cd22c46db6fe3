"""The page on which a person reads items and answers, one item at a time."""
