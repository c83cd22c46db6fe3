"""The command group ``prompt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.prompt.show_prompt import (
    ShownPrompt,
    show_prompts,
    show_recorded_prompts,
    template_text,
)
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.core.errors import InputError
from localensemble.core.options import Option


@click.group("prompt", cls=CommandGroup)
def command() -> None:
    """Show what raters are asked, write your own prompt, and compare prompts."""


@command.command("show")
@click.argument("study", required=False, type=click.Path(path_type=Path))
@with_options
def show_command(
    study: Path | None,
    *,
    codebook: Annotated[Path | None, Option("The codebook (YAML).", "-c --codebook")] = None,
    ensemble: Annotated[
        Path | None,
        Option("The ensemble file (YAML). [default: the embedded models]", "-e --ensemble"),
    ] = None,
) -> None:
    """Print the prompt that an item gets, with a placeholder for its text.

    Give a codebook and an ensemble file, or a STUDY, for the prompts that its raters were given.
    """
    if (study is None) == (codebook is None) or (study is not None and ensemble is not None):
        raise InputError(
            "Found no prompt to show, or two; expected a codebook or a study.",
            hint="Give -c codebook.yaml and -e ensemble.yaml, or only the folder of a study.",
        )
    if codebook is not None:
        shown = show_prompts(codebook=codebook, ensemble=ensemble)
    elif study is not None:
        shown = show_recorded_prompts(study)
    for prompt in shown:
        _show(prompt)


def _show(prompt: ShownPrompt) -> None:
    console = output()
    readout = f", readout {prompt.readout}" if prompt.readout else ""
    say(console, f"== {prompt.variable}, {prompt.layout.replace('_', ' ')}{readout}")
    if prompt.orders > 1:
        say(console, f"Asked in {prompt.orders} orders of the categories; this is the first.")
    for message in prompt.messages:
        say(console, f"\n[{message.role}]\n{message.text}")
    say(console, f"\n[answers that are read]\n{', '.join(map(repr, prompt.answers))}\n")


@command.command("template")
def template_command() -> None:
    """Print the prompt template that ships with the program, to start your own from.

    Save it, change it, and name it in the ensemble file: `prompt: {file: my.yaml}`.
    """
    click.echo(template_text(), nl=False)
