"""A study folder: the ledger and the files made from it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.command_lines import import_line
from localensemble.core.disk_errors import trouble_of
from localensemble.core.errors import InputError
from localensemble.core.leftovers import remove_leftovers_in
from localensemble.core.windows_names import refuse_name_on_windows

# Most file systems take 255 for a whole name.
_MOST_BYTES_OF_NAME = 180


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

    def spans(self, variable: str, *, among: Sequence[str] = ()) -> Path:
        """The passages of one variable, a table of spans; ``among`` as in `certificate`."""
        return self.path / f"spans-{_part_of_name(variable, among)}.csv"

    def certificate(self, variable: str, *, among: Sequence[str] = ()) -> Path:
        """The certified threshold of one variable, as JSON.

        Args:
            variable: its name.
            among: the names of all variables, so that no two get the same file.
        """
        return self.path / f"certificate-{_part_of_name(variable, among)}.json"

    def rater_calibration(self, variable: str, *, among: Sequence[str] = ()) -> Path:
        """The calibration of the raters on one variable, as JSON; ``among`` as above."""
        return self.path / f"rater-calibration-{_part_of_name(variable, among)}.json"

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
        refuse_name_on_windows(self.path)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            trouble = trouble_of(error)
            raise InputError(
                f"Cannot make the study folder {self.path}: {trouble.found}.",
                hint=f"{trouble.hint} `--output` chooses another folder.",
            ) from error


def _part_of_name(variable: str, among: Sequence[str]) -> str:
    """Return a variable's name as part of a file name.

    A column of imported ratings can have any name, for example with a slash; a category of a
    variable with several can have a long one. Windows and macOS take "Theme" and "theme" for one
    file: all but the first get a part of their hash.
    """
    part = _in_file_names(variable)
    same = [other for other in among if _folded(_in_file_names(other)) == _folded(part)]
    cut = part.encode()[:_MOST_BYTES_OF_NAME].decode(errors="ignore")
    if cut == part and (not same or same[0] == variable):
        return part
    return f"{cut}-{hashlib.sha256(variable.encode()).hexdigest()[:8]}"


def _in_file_names(variable: str) -> str:
    return re.sub(r"[^\w .-]", lambda found: f"%{ord(found[0]):02x}", variable)


def _folded(name: str) -> str:
    """Return a form that is equal for two names which a file system may take for one."""
    return unicodedata.normalize("NFKC", name).casefold()
