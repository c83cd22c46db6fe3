"""Answer a call that names a table of ratings instead of a study."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.core.command_lines import import_line
from localensemble.core.errors import InputError

_TAKEN_BY_IMPORT = frozenset(
    {"--level", "--layout", "--item", "--rater", "--label", "--raters", "--variable-column"}
    | {"--sheet", "--gap", "--categories", "--codebook", "-c", "--items", "--ensemble", "-e"}
)

_DATABASE = b"SQLite format 3\0"


class StudyCommand(click.Command):
    """A command on a study; given a table of ratings, it answers with the line to type."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, unless the first one is a file.

        Raises:
            InputError: the first argument is a file; names the line to type.
        """
        if args and not args[0].startswith("-") and Path(args[0]).is_file():
            table = Path(args[0])
            refused = f"{table.name} is a file; `{self.name}` takes a study folder."
            if _is_database(table):
                raise InputError(
                    refused,
                    hint="If it is a study's ledger, such as a backup, copy it into a folder of "
                    "its own under the name study.sqlite, and give that folder.",
                )
            raise InputError(
                refused,
                hint="Make a study from the ratings first:\n  "
                + import_line(table, _for_import(args[1:]) or ("--level", "nominal")),
            )
        return super().parse_args(ctx, args)


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_DATABASE)) == _DATABASE
    except OSError:
        return False


def _for_import(args: list[str]) -> list[str]:
    """Return the arguments that `import` also takes."""
    taken: list[str] = []
    for place, arg in enumerate(args):
        name, equals, _ = arg.partition("=")
        if name in _TAKEN_BY_IMPORT:
            taken += [arg] if equals else args[place : place + 2]
    return taken
