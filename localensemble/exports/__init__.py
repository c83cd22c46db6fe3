"""Export a study: typed rows, and the tables and DataFrames made from them."""
