"""Read and write tables of items and of ratings, strictly and in bounded memory."""
