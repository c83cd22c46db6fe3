"""Render prompts from a template, a codebook and an item."""
