"""Examples from gold labels that prompts show."""
