"""The command line: one command group a file; click and rich live here alone."""
