"""Find passages in texts, verify them against a vocabulary, and settle on the final ones."""
