"""The commands for the work of people: review, import decisions, finish."""
