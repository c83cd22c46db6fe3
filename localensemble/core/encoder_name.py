"""The encoder that the program knows how to use."""

ENCODER = "all-minilm-l6-v2"
"""The catalog name of the model that turns texts into vectors."""
