"""Load and check a codebook: its variables, categories, rules and examples."""
