"""Keep everything on this machine, and prove it."""
