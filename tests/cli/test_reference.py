"""The reference of the command line says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.cli.reference import cli_reference


def test_the_reference_is_what_the_program_says(repository: Path) -> None:
    written = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == cli_reference(), "run scripts/docs and commit docs/cli.md"


def test_no_sentence_is_cut_in_a_list_of_commands() -> None:
    # Dots directly after a name in capitals say that it may be repeated.
    assert "..." not in re.sub(r"(?<=[A-Z\]])\.\.\.", "", cli_reference())
