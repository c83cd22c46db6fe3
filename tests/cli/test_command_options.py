"""A command has the options that the annotations of its function describe, and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import click
import pytest
from click.testing import CliRunner

from localensemble.cli.command_options import with_options
from localensemble.core.options import Option, Without


@dataclass(frozen=True, slots=True)
class Columns:
    """Part of the options of a command."""

    raters: Annotated[tuple[str, ...], Option("The raters: a,b.", split=True)] = ()
    labels: Annotated[tuple[str, ...], Option("A label; repeatable.", "--label")] = ()
    group: Annotated[str | None, Option("Not for every command.")] = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The options of a command."""

    level: Annotated[Literal["nominal", "ordinal"] | None, Option("The level.")] = None
    columns: Annotated[Columns, Without(("group",))] = field(default_factory=Columns)
    categories: Annotated[tuple[str, ...] | None, Option(split=True)] = None
    draws: Annotated[int, Option("Draws.", "-d --bootstrap", least=0)] = 1000
    confidence: Annotated[float, Option(least=0, most=1, between=True)] = 0.95
    strict: Annotated[bool, Option("One by one.")] = False
    unseen: str = "not an option"


class Called:
    """A command, and what its function was called with."""

    def __init__(self) -> None:
        self.options = Reading()
        self.labels = ""
        self.output = Path()

        @click.command("read")
        @click.argument("labels")
        @with_options
        def command(
            labels: str,
            *,
            options: Reading,
            output: Annotated[Path, Option("A folder.", "-o --output", folder=True)],
        ) -> None:
            self.labels, self.options, self.output = labels, options, output

        self.command = command

    def __call__(self, *arguments: str) -> str:
        ended = CliRunner().invoke(self.command, arguments, standalone_mode=False)
        if ended.exception is not None:
            raise ended.exception
        return ended.output


def test_what_is_not_given_keeps_the_default_of_its_field() -> None:
    called = Called()
    called("ratings.csv", "-o", "study")
    assert (called.labels, called.output) == ("ratings.csv", Path("study"))
    assert called.options == Reading()


def test_every_option_reaches_its_field() -> None:
    called = Called()
    called(
        *("r.csv", "-o", "s", "--level", "ordinal", "--raters", 'ann,"b, o"', "--label", "x"),
        *("--label", "y", "--categories", "low,high", "-d", "0", "--confidence", "0.9", "--strict"),
    )
    columns = Columns(raters=("ann", "b, o"), labels=("x", "y"))
    assert called.options == Reading("ordinal", columns, ("low", "high"), 0, 0.9, True)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), "--output"),
        (("-o", "s", "--level", "ratio"), "nominal"),
        (("-o", "s", "-d", "-1"), "x>=0"),
        (("-o", "s", "-d", "1.5"), "integer"),
        (("-o", "s", "--confidence", "1"), "0<x<1"),
        (("-o", __file__), "is a file"),
        (("-o", "s", "--group", "ward"), "No such option"),
        (("-o", "s", "--unseen", "x"), "No such option"),
    ],
)
def test_what_the_annotation_does_not_allow_is_refused(
    arguments: tuple[str, ...], found: str
) -> None:
    with pytest.raises(click.UsageError) as raised:
        Called()("r.csv", *arguments)
    assert found in raised.value.format_message()


def test_the_help_lists_the_options_in_the_order_of_the_fields() -> None:
    text = Called()("--help")
    names = ["--level", "--raters", "--label ", "--categories", "-d, --bootstrap", "--confidence"]
    places = [text.index(name) for name in [*names, "--strict", "-o, --output DIRECTORY"]]
    assert places == sorted(places)
    assert "[default: 1000; x>=0]" in text
