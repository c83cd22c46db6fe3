"""Run the command line with ``python -m localensemble``."""

from localensemble.cli.main import main

main()
