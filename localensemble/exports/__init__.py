"""What a study hands out: typed rows, and the tables and DataFrames made of them."""
