"""Read and write tables of items and ratings, strictly and in bounded memory."""
