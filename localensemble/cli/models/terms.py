"""Ask for consent to the terms of a model."""

from __future__ import annotations

import sys
from typing import Annotated

import click

from localensemble.api.models import License
from localensemble.cli.console import progress_output, say
from localensemble.core.options import Option

AgreedTerms = Annotated[
    tuple[str, ...],
    Option("Agree to these terms in advance, without a question.", "--agree", metavar="LICENSE"),
]


def asked(license: License) -> bool:
    """Show the terms in short and ask; return False if there is no terminal to ask on."""
    console = progress_output()
    say(console, f"{license.title}, in short: {license.terms}")
    say(console, f"Only the full terms are binding: {license.url}")
    if not sys.stdin.isatty():
        return False
    return click.confirm("Do you agree to these terms?", default=False, err=True)
