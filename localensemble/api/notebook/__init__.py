"""The Python API as a notebook uses it: DataFrames in, DataFrames and short pages out."""
