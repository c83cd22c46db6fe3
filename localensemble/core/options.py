"""How a value is given on the command line, written in the annotation of the value itself.

A field or parameter ``seed: Annotated[int, Option("Seed of the draw.", least=0)] = 0`` becomes
the option ``--seed``. Python code sees a plain ``int``; only ``cli`` reads the annotation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command.

    Attributes:
        help: one sentence for ``--help``.
        names: names of the option, separated by spaces, as in ``"-o --output"``. If empty, the
            name is made from the name of the field.
        metavar: placeholder for the value in ``--help``. If empty, it depends on the type.
        least: the smallest number allowed.
        most: the largest number allowed.
        between: True if ``least`` and ``most`` themselves are refused.
        folder: True if a path must be a folder, False if it must be a file.
        split: True if several values are given at once, separated by commas; False if the
            option is repeated.
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
    """The fields of an options dataclass for which a command has no option."""

    fields: tuple[str, ...]
