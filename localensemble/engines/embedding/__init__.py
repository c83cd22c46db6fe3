"""The codebook as a classifier: texts and categories as vectors, compared."""
