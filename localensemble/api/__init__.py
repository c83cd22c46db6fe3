"""The verbs: whatever the command line can do, Python can."""
