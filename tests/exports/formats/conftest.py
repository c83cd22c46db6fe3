"""A study that people worked on, to export: odd names, a multi-label variable, two reviewers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from localensemble.api.export_formats.export_study import ExportFormat, WrittenExport, export_study
from localensemble.api.label import LabelOptions, label
from localensemble.exports.rows import DecidedStudy, StudyRow, study_rows
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from tests.people import decide
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, study_files

ITEMS = 24
SECRET = "Zebrafink"  # in every text, and nowhere else
NESTED = """\
  - name: problems
    level: multi_label
    question: "Does the text report {category}?"
    categories:
      - name: Pain
        definition: Any pain.
      - name: Sleep
        definition: Trouble with sleep.
  - name: degree
    level: ordinal
    question: How bad is it?
    categories:
      - name: none
        definition: Not at all.
      - name: some
        definition: A little.
      - name: much
        definition: Very.
"""
RULES = """\
escalation:
  - {policy: support_below, limit: 0.9}
"""
# variable -> reviewer -> position -> answer
DECIDED: Mapping[str, Mapping[str, Mapping[int, str]]] = {
    "topic": {
        "AB": {0: "staff", 1: "=food", 2: "cannot_decide", 3: "other"},
        "Cleo": {0: "staff", 3: "staff"},
    },
    "problems.pain": {"AB": {0: "yes", 4: "no", 5: "codebook_unclear"}},
    "problems.sleep": {"AB": {0: "no"}, "Cleo": {4: "yes"}},
    "degree": {"Cleo": {6: "much"}},
}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The files of a study in which people decided, and a way to export it."""

    files: StudyFiles
    folder: Path

    @property
    def study(self) -> Path:
        return self.folder / "study"

    def export(
        self, form: ExportFormat, name: str = "", *, include_text: bool = False
    ) -> WrittenExport:
        """Export into the folder of the test."""
        return export_study(
            self.study,
            format=form,
            output=self.folder / (name or f"out.{form}"),
            items=self.files.items if include_text else None,
            include_text=include_text,
        )

    def rows(self) -> list[StudyRow]:
        """Read from the ledger what an export must hold."""
        with Study.open(self.study) as study:
            items = items_of(study, self.files.items, id_column=None, text_column=None)
            return [*study_rows(DecidedStudy.of(study, items=items, decisions=study.decide()))]


@pytest.fixture(scope="session")
def labeled_files(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = study_files(
        tmp_path_factory.mktemp("formats") / "labeled",
        [f"=comment {n} of {SECRET}; \x0b cold\nsoup \U0001f600" for n in range(ITEMS)],
        codebook=CODEBOOK.replace("name: food", 'name: "=food"') + NESTED,
        ensemble=SCRIPTED + RULES,
    )
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def reviewed(labeled_files: StudyFiles, tmp_path: Path) -> Reviewed:
    """The study after two people worked on it, and a third settled an item."""
    shutil.copytree(labeled_files.study, tmp_path / "study")
    for variable, people in DECIDED.items():
        for reviewer, answers in people.items():
            decide(tmp_path / "study", answers, variable=variable, reviewer=reviewer)
    decide(
        tmp_path / "study", {3: "other"}, variable="topic", reviewer="Dr. Li", role="adjudication"
    )
    return Reviewed(labeled_files, tmp_path)


@pytest.fixture
def untouched(labeled_files: StudyFiles, tmp_path: Path) -> Reviewed:
    """The same study before anybody decided."""
    shutil.copytree(labeled_files.study, tmp_path / "study")
    return Reviewed(labeled_files, tmp_path)


ReadBack = Callable[[Path], object]
