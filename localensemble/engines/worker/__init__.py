"""One engine in its own process: the two processes, and what they say to each other."""
