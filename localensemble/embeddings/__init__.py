"""Vectors of texts, for finding texts that mean the same: everything for the embedding model."""
