"""Values and rules that every other package shares; imports nothing of ours."""
