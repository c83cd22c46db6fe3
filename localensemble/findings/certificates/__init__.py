"""What certificates promise, and whether gold labels contradict it."""
