"""The command ``ask``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.ask import Asked, AskedVariable, AskOptions, ask
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.errors import InputError
from localensemble.core.estimates import number
from localensemble.core.options import Option
from localensemble.core.shown_text import shown_json

_UNLABELED = 3
_STANDARD_INPUT = "-"


class _AskCommand(click.Command):
    """The command; its errors never repeat the words of a text."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            InputError: a word of the text was taken for an option. Click would repeat it.
        """
        options = args[: args.index("--")] if "--" in args else args
        # A text like "-cough at night" would otherwise be read as the value of -c.
        texts = [one for one in options if one[:1] == "-" != one[1:2] and len(one.split()) > 1]
        try:
            if not texts:
                return super().parse_args(ctx, args)
        except click.NoSuchOption:
            pass
        raise InputError(
            "Cannot read the command: an option is unknown. It is not repeated here, because it "
            "may be part of the text.",
            hint="Check the spelling of the options. Put a text that begins with - last, after --.",
        )


@click.command("ask", cls=_AskCommand)
@click.argument("text", nargs=-1, metavar="[TEXT]")
@with_options
@isolated_option
def command(
    text: tuple[str, ...],
    *,
    codebook: CodebookFile,
    options: AskOptions,
    as_json: Annotated[bool, Option("Print the answers as JSON.", "--json")] = False,
) -> None:
    """Show what every rater says about one TEXT; nothing is recorded or written.

    Prints the probability that each rater gives each category, and the consensus under the
    ensemble's rules. Prompts are evaluated one at a time, as with `label --strict`. Use - to read
    the text from standard input: a text that you type stays in the history of the shell. Exits
    with code 3 if a rater gives no category.
    """
    console = progress_output()
    asked = ask(
        _one_text(text),
        codebook=codebook,
        options=options,
        on_message=lambda message: say(console, message),
        on_rater=lambda name: say(console, f"Asking {name}."),
    )
    if as_json:
        click.echo(shown_json(json.dumps(asked.as_json(), indent=2, ensure_ascii=False)))
    else:
        _show(asked, output())
    if any(variable.unlabeled_sentences for variable in asked.variables):
        sys.exit(_UNLABELED)


def _one_text(words: tuple[str, ...]) -> str | None:
    """Return the text; None if there is none.

    Raises:
        InputError: there are several, as when a text is not in quotes, or it is not UTF-8.
    """
    if len(words) > 1:
        raise InputError(f"Found {len(words)} texts; expected one.", hint="Put it in quotes.")
    if words == (_STANDARD_INPUT,):
        try:
            # The line end that a terminal or an editor adds is not part of the text.
            return sys.stdin.buffer.read().decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            place = f"Standard input: byte {error.start} is not UTF-8."
        raise InputError(place, hint="Give the text as UTF-8.")
    return words[0] if words else None


def _show(asked: Asked, console: Console) -> None:
    for variable in asked.variables:
        _show_variable(variable, console)


def _show_variable(asked: AskedVariable, console: Console) -> None:
    table = WordTable(
        asked.variable.name,
        words=("category",),
        numbers=tuple(rater.name for rater in asked.raters),
    )
    given = [dict(rater.ranked(asked.variable)) for rater in asked.raters]
    for category in asked.ranked_categories:
        table.add_row(category, *(_probability(found.get(category)) for found in given))
    masses = [rater.label.off_codebook_mass for rater in asked.raters]
    table.add_row("(off-codebook mass)", *map(_probability, masses))
    spelled = [rater.other_spellings for rater in asked.raters]
    if any(share is not None for share in spelled):
        table.add_row("(share of other spellings)", *map(_probability, spelled))
    console.print(table)
    for sentence in asked.unlabeled_sentences:
        say(console, sentence)
    for rater in asked.raters:
        if rater.own_words is not None:
            say(console, f"{rater.name} writes: {json.dumps(rater.own_words, ensure_ascii=False)}")
    say(console, f"{asked.consensus_line}\n")


def _probability(value: float | None) -> str:
    return "" if value is None else number(value)
