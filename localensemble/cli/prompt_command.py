"""The command group ``prompt``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.prompt.compare_prompts import (
    ComparePromptsOptions,
    PromptComparison,
    Share,
    compare_prompts,
)
from localensemble.api.prompt.show_prompt import (
    ShownPrompt,
    show_prompts,
    show_recorded_prompts,
    template_text,
)
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.errors import InputError
from localensemble.core.estimates import number, share, share_interval
from localensemble.core.options import Option
from localensemble.core.shown_text import shown_json
from localensemble.core.words import counted


@click.group("prompt", cls=CommandGroup)
def command() -> None:
    """Show what raters are asked, write your own prompt, and compare prompts."""


@command.command("show")
@click.argument("study", required=False, type=click.Path(path_type=Path))
@with_options
@isolated_option
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
            "Cannot tell which prompt to show: expected either a codebook or a study.",
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
    if prompt.own_shots:
        examples = counted(prompt.own_shots, "example")
        say(console, f"Each text also gets {examples} of its own, which are not shown here.")
    for message in prompt.messages:
        say(console, f"\n[{message.role}]\n{message.text}")
    say(console, f"\n[answers that are read]\n{', '.join(map(repr, prompt.answers))}\n")


@command.command("template")
def template_command() -> None:
    """Print the prompt template that ships with the program, to start your own from.

    Save it, change it, and name it in the ensemble file: `prompt: {file: my.yaml}`.
    """
    click.echo(template_text(), nl=False)


@command.command("compare")
@click.argument("templates", nargs=-1, metavar="TEMPLATES")
@with_options
@isolated_option
def compare_command(
    templates: tuple[str, ...],
    *,
    items: Annotated[Path, Option("The table of items.", "--items")],
    codebook: CodebookFile,
    options: ComparePromptsOptions,
    as_json: Annotated[bool, Option("Print the comparison as JSON.", "--json")] = False,
) -> None:
    """Label the same items under each of the TEMPLATES and compare; record nothing.

    Each is a file, or the name of one that ships, such as label/v1. The others are compared
    with the first. With --shots, ways of choosing examples are compared, too, and TEMPLATES can be
    left out. With gold labels, shows how often each rater is right under each template, and
    whether the difference can be chance.
    """
    console = progress_output()
    found = compare_prompts(
        templates,
        items=items,
        codebook=codebook,
        options=options,
        on_message=lambda message: say(console, message),
        on_rater=lambda rater, template: say(console, f"Asking {rater} with {template}."),
    )
    if as_json:
        content = {**asdict(found), "sentences": list(found.sentences())}
        click.echo(shown_json(json.dumps(content, indent=2, ensure_ascii=False)))
    else:
        _show_comparison(found)


def _show_comparison(found: PromptComparison) -> None:
    console = output()
    for variable in dict.fromkeys(one.variable for one in found.results):
        console.print(_comparison_table(found, variable))
    if found.baselines:
        say(console, "Intervals are exact. An item without a category counts as wrong.")
    for sentence in found.sentences():
        say(console, sentence)


def _comparison_table(found: PromptComparison, variable: str) -> WordTable:
    baseline = next((one for one in found.baselines if one.variable == variable), None)
    numbers: tuple[str, ...] = ("off-codebook mass", "same as first")
    if baseline is not None:
        numbers = (*numbers, "right", "95% interval", "only first right", "only this right", "p")
    table = WordTable(
        f"{variable}: {found.items:,} items"
        if baseline is None
        else f"{variable}: {baseline.accuracy.items:,} items with a gold label",
        words=("rater", "prompt"),
        numbers=numbers,
    )
    for one in found.results:
        if one.variable != variable:
            continue
        cells = [
            number(one.median_off_codebook_mass),
            "" if one.same_as_first is None else share(one.same_as_first.value),
        ]
        if baseline is not None:
            cells += _right(one.accuracy)
            test = one.against_first
            p_value = None if test is None else test.p_value.value
            cells += [
                "" if test is None else f"{test.only_first:,}",
                "" if test is None else f"{test.only_second:,}",
                "" if p_value is None else f"{p_value:.2g}",
            ]
        table.add_row(one.rater, one.template, *cells)
    if baseline is not None:
        always = f'always "{baseline.category}"'
        table.add_row("(no rater)", always, "", "", *_right(baseline.accuracy), "", "", "")
    return table


def _right(accuracy: Share | None) -> list[str]:
    if accuracy is None:
        return ["", ""]
    low, high = accuracy.interval_low, accuracy.interval_high
    return [share(accuracy.value, low, high), share_interval(low, high)]
