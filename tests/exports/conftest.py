"""Two decided studies: one labeled by scripted raters, one of ratings with gaps."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.label import LabelOptions, label
from localensemble.exports.rows import DecidedStudy
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import NamedColumns
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, study_files

ITEMS = 40
# Every engine takes 4,096 tokens at most; the scripted one counts words.
TOO_LONG = "word " * 5000
LONG_ITEM = 7
PAIN = """\
  - name: pain
    level: ordinal
    question: How much pain is there?
    categories:
      - name: none
        definition: No pain.
      - name: some
        definition: Pain that lets the person sleep.
      - name: much
        definition: Pain that keeps the person awake.
"""
RULES = """\
escalation:
  - {policy: support_below, limit: 0.9}
  - {policy: missing_raters}
"""
# Item, then what ann, bo and cy chose; nothing where one of them saw no item.
RATINGS = (
    ("a", "low", "low", ""),
    ("b", "low", "high", ""),
    ("c", "", "mid", "mid"),
    ("d", "high", "high", "high"),
    ("e", "", "low", "high"),
)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    """The files of a labeled study: three variables, and an item that is too long for all."""
    texts = [TOO_LONG if n == LONG_ITEM else f"=comment {n}; cold soup" for n in range(ITEMS)]
    files = study_files(
        tmp_path_factory.mktemp("exports") / "labeled",
        texts,
        codebook=CODEBOOK.replace("name: food", 'name: "=food"') + PAIN,
        ensemble=SCRIPTED + RULES,
    )
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def labeled(files: StudyFiles) -> Iterator[Study]:
    """The labeled study, open."""
    with Study.open(files.study) as study:
        yield study


@pytest.fixture
def decided(files: StudyFiles, labeled: Study) -> DecidedStudy:
    """The labeled study with its items and decisions."""
    items = ItemFile.open(files.items, id_column="id", text_column="text")
    return DecidedStudy.of(labeled, items=items, decisions=labeled.decide())


@pytest.fixture(scope="session")
def rated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of ratings with gaps, whose one variable is ordinal."""
    folder = tmp_path_factory.mktemp("rated")
    table = folder / "anxiety.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "ann", "bo", "cy"), *RATINGS])
    import_ratings(
        table,
        output=folder / "study",
        options=RatingsOptions(
            level="ordinal",
            columns=NamedColumns(item="id", raters=("ann", "bo", "cy")),
            categories=("low", "mid", "high"),
        ),
    )
    return folder / "study"


@pytest.fixture
def rated(rated_folder: Path) -> Iterator[Study]:
    """The study of ratings, open."""
    with Study.open(rated_folder) as study:
        yield study
