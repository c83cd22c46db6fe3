"""The command ``spans agree``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from localensemble.api.extraction.span_agreement import (
    SpanAgreement,
    SpanAgreeOptions,
    agree_on_spans,
    write_matches_by_item,
    write_span_agreement,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import MOST_ROWS, more, output, say
from localensemble.cli.isolated import isolated_option
from localensemble.core.estimates import UNDEFINED, estimate, interval
from localensemble.core.options import Option
from localensemble.core.words import counted

_WHOLE = "--json has all"


@click.command("agree")
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_options
@isolated_option
def agree_command(
    tables: tuple[Path, ...],
    *,
    options: SpanAgreeOptions,
    json: Annotated[Path | None, Option("Write everything to a JSON file.")] = None,
    by_item: Annotated[
        Path | None, Option("Write each item's matches with the gold spans to a CSV file.")
    ] = None,
) -> None:
    """Measure how far raters mark the same passages.

    TABLES are tables of spans: one row for each span (item, start, stop, category) or one for
    each item with a list of spans as JSON. A table without a column `rater` is one rater. The
    row of an item without a span says that the rater found none.
    """
    if by_item is not None and options.gold is None:
        raise click.UsageError("--by-item needs --gold.")
    found = agree_on_spans(tables, options=options)
    _show(found, output())
    for path, write in ((json, write_span_agreement), (by_item, write_matches_by_item)):
        if path is not None:
            write(found, path=path)
            click.echo(f"Wrote {path}.")


def _show(found: SpanAgreement, console: Console) -> None:
    for message in found.messages:
        say(console, message)
    spans = ", ".join(
        f"{rater} {count:,}" for rater, count in zip(found.raters, found.found, strict=True)
    )
    what = "terms" if found.terms else "spans"
    say(console, f"{counted(found.items, 'item')}; {what}: {spans}.")
    if len(found.raters) > 1:
        _show_pairs(found, console)
    if found.gold:
        _show_gold(found, console)


def _show_pairs(found: SpanAgreement, console: Console) -> None:
    table = _table("pair of raters", "items", "F1, exact", "95% interval", "F1, overlap")
    overlaps = found.exact.pairs if found.overlap is None else found.overlap.pairs
    for exact, overlap in [*zip(found.exact.pairs, overlaps, strict=True)][:MOST_ROWS]:
        table.add_row(
            f"{exact.first}, {exact.second}",
            f"{exact.items:,}",
            estimate(exact.value, exact.low, exact.high),
            interval(exact.low, exact.high),
            "" if found.overlap is None else estimate(overlap.value, overlap.low, overlap.high),
        )
    console.print(table)
    if len(found.exact.pairs) > MOST_ROWS:
        say(console, more(len(found.exact.pairs) - MOST_ROWS, whole=_WHOLE))
    for name, mean in (("exact", found.exact), ("overlap", found.overlap)):
        if mean is None:
            continue
        if mean.value is None:
            say(console, f"F1, {name}: {UNDEFINED}, because {mean.undefined_because}.")
        elif len(mean.pairs) > 1:
            shown = f"{estimate(mean.value, mean.low, mean.high)} ({interval(mean.low, mean.high)})"
            say(console, f"Mean F1 of the pairs, {name}: {shown}.")
    if found.words is not None:
        words = found.words
        value = (
            f"{estimate(words.value, words.low, words.high)} ({interval(words.low, words.high)})"
            if words.value is not None
            else f"{UNDEFINED}, because {words.undefined_because}"
        )
        say(console, f"Krippendorff's alpha on {counted(words.words, 'word')}: {value}.")
    elif not found.terms:
        say(console, "Alpha on words needs the texts: add --items.")


def _show_gold(found: SpanAgreement, console: Console) -> None:
    table = _table(
        "rater", "category", "compared", "gold", "found", "precision", "recall", "F1",
        "95% interval",
    )  # fmt: skip
    for one in found.gold[:MOST_ROWS]:
        table.add_row(
            one.rater,
            one.category or "all",
            one.part,
            f"{one.gold:,}",
            f"{one.found:,}",
            estimate(one.precision.value, one.precision.low, one.precision.high),
            estimate(one.recall.value, one.recall.low, one.recall.high),
            estimate(one.f1, one.f1_low, one.f1_high),
            interval(one.f1_low, one.f1_high),
        )
    console.print(table)
    if len(found.gold) > MOST_ROWS:
        say(console, more(len(found.gold) - MOST_ROWS, whole=_WHOLE))


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right")
    return table
