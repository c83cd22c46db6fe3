"""Plan and run: which labels are missing, get them, append them."""
