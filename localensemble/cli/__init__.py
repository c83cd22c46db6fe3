"""The command line: one command group per file; only this package uses click and rich."""
