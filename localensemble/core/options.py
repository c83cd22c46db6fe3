"""How a value is given on a command line, said in the annotation of the value itself.

A field or parameter ``seed: Annotated[int, Option("Another draws others.", least=0)] = 0`` is the
option ``--seed``. Python code sees a plain ``int``; only ``cli`` reads the annotation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command.

    Attributes:
        help: one sentence for ``--help``.
        names: separated by blanks, as ``"-o --output"``; empty makes one from the name of the
            field.
        metavar: stands for the value in ``--help``; empty goes by the type.
        least: the smallest number.
        most: the largest number.
        between: whether ``least`` and ``most`` themselves are refused.
        folder: whether a path is that of a folder; else it is that of a file.
        split: whether several values stand in one, separated by commas; else the option is
            repeated.
    """

    help: str = ""
    names: str = ""
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    between: bool = False
    folder: bool = False
    split: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """Fields of an options dataclass for which a command has no option."""

    fields: tuple[str, ...]
