"""Combine what people decided with the consensus into final labels."""
