"""Variables, categories, rules and examples: load and check a codebook."""
