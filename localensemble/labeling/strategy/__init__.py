"""Label by a strategy: who is asked about what, and what is scored together for it."""
