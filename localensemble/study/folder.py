"""A study folder: the ledger and the files made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.command_lines import import_line
from localensemble.core.disk_errors import trouble_of
from localensemble.core.errors import InputError
from localensemble.core.leftovers import remove_leftovers_in


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Where the files of a study are."""

    path: Path

    @classmethod
    def of(cls, study: Path) -> StudyFolder:
        """Return the folder of an existing study, without what killed processes left in it.

        Raises:
            InputError: the path is a file, perhaps a table of ratings.
        """
        if study.is_file():
            raise InputError(
                f"{study.name} is a file; expected a study folder.",
                hint=f"Make a study of a table of ratings: {import_line(study)}",
            )
        remove_leftovers_in(study)
        return cls(study)

    @property
    def ledger(self) -> Path:
        """The append-only record."""
        return self.path / "study.sqlite"

    @property
    def labels(self) -> Path:
        """The labeled table."""
        return self.path / "labels.csv"

    @property
    def escalations(self) -> Path:
        """The queue of items that wait for a person."""
        return self.path / "escalations.csv"

    @property
    def shots(self) -> Path:
        """The table of the examples that each item was shown, by their ids."""
        return self.path / "shots.csv"

    @property
    def findings(self) -> Path:
        """The numbers, as JSON."""
        return self.path / "findings.json"

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.path / "report.html"

    @property
    def manifest(self) -> Path:
        """The identities of what was run, by hash, as JSON."""
        return self.path / "manifest.json"

    @property
    def data_sheet(self) -> Path:
        """The record of processing activities, as Markdown."""
        return self.path / "data-sheet.md"

    def certificate(self, variable: str) -> Path:
        """The certified threshold of one variable, as JSON."""
        return self.path / f"certificate-{_part_of_name(variable)}.json"

    def rater_calibration(self, variable: str) -> Path:
        """The calibration of the raters on one variable, as JSON."""
        return self.path / f"rater-calibration-{_part_of_name(variable)}.json"

    def studies_within(self) -> tuple[Path, ...]:
        """Return the folders in this one that are studies of their own, in order."""
        ledgers = self.path.rglob(self.ledger.name)
        return tuple(sorted(one.parent for one in ledgers if one != self.ledger))

    def own_paths(self, form: str = "*") -> tuple[Path, ...]:
        """Return what is in the folder, in order, without what belongs to a study within it."""
        others = set(self.studies_within())
        return tuple(
            path for path in sorted(self.path.rglob(form)) if not others & {path, *path.parents}
        )

    def make(self) -> None:
        """Make the folder, readable only by its owner, if it does not exist.

        Raises:
            InputError: the path is a file, or the folder cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            trouble = trouble_of(error)
            raise InputError(
                f"Cannot make the study folder {self.path}: {trouble.found}.",
                hint=f"{trouble.hint} `--output` chooses another folder.",
            ) from error


def _part_of_name(variable: str) -> str:
    """Return a variable's name as part of a file name.

    A column of imported ratings can have any name, for example with a slash.
    """
    return re.sub(r"[^\w .-]", lambda found: f"%{ord(found[0]):02x}", variable)
