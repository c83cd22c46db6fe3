"""Turn texts into vectors with the embedding model, to find texts that mean the same."""
