"""A table of ratings is read once, lined up with its items, and refused where it is doubtful."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.core.errors import InputError, TableError
from localensemble.core.identity import sha256_text
from localensemble.ledger.ledger import Ledger
from localensemble.study.folder import StudyFolder
from localensemble.study.rating_table.read_ratings import (
    RatingsOptions,
    labels_lost,
    read_ratings_table,
    refuse_other_study,
)
from localensemble.study.rating_table.recorded_ratings import AlignedRatings
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import NamedColumns
from tests.studies import CODEBOOK, study_files
from tests.study.ratings import Said, read, record, said, wide, write_rows

PAIN = """\
name: pain
version: "1"
description: How much it hurts.
variables:
  - name: pain
    level: ordinal
    question: How much does it hurt?
    categories:
      - {name: "3", definition: A lot.}
      - {name: "2", definition: Some.}
      - {name: "1", definition: Little.}
"""
LONG = (
    ("id", "rater", "topic", "urgent"),
    ("1", "ann", "staff", "yes"),
    ("1", "bo", "food", ""),
    ("2", "cy", "other", "no"),
)
# Words that tables, spreadsheets and programs like to read as something else.
HOSTILE = (
    *("yes", "No", "naïve", "a,b", 'say "hm"', "=SUM(A1)", "-1", "0", "1.5", "1,5", "NA"),
    *("<script>", "日本", "x y", "None", "@all", "+", "<b", "a;b|c", "#N/A", "TRUE", "1e9"),
)
NAMES = ("ann", "bo b", "Cy", "cy", "=d", "é", "1", "rater,six")
VARIABLES = ("topic", "urgent", "how much?", "4")


@pytest.fixture
def codebook(tmp_path: Path) -> Path:
    path = tmp_path / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return path


def test_items_raters_and_categories_stand_in_the_order_of_the_table(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mood.csv", [("id", "b", "a"), ("9", "sad", ""), ("1", "", "ok")])
    labels = read(path, raters=("b", "a")).labels
    assert labels.raters == ("b", "a")
    assert [item_id for item_id, _ in labels.items] == ["9", "1"]
    assert labels.matrices["mood"].indices.tolist() == [[1, -1], [-1, 0]]
    assert labels.codebook.name == "mood"
    (variable,) = labels.codebook.variables
    assert (variable.name, variable.level, variable.answers) == ("mood", "binary", ("ok", "sad"))


@pytest.mark.parametrize(
    ("level", "categories", "found"),
    [
        ("nominal", None, ("nominal", ("a", "b", "c"))),
        ("ordinal", ("c", "b", "a"), ("ordinal", ("c", "b", "a"))),
        ("nominal", ("c", "b", "a", "never"), ("nominal", ("c", "b", "a", "never"))),
    ],
)
def test_declared_categories_keep_their_order_and_those_that_nobody_chose(
    tmp_path: Path, level: str, categories: tuple[str, ...] | None, found: tuple[str, Any]
) -> None:
    labels = wide(tmp_path, "ab", "bc", level=level, categories=categories)
    (variable,) = labels.codebook.variables
    assert (variable.level, variable.answers) == found
    assert said(labels.matrices["v"], ("1", "2")) == {
        *(("1", "r0", "a"), ("1", "r1", "b"), ("2", "r0", "b"), ("2", "r1", "c"))
    }


def test_variables_share_the_items_and_the_raters_of_the_table(tmp_path: Path) -> None:
    labels = read(write_rows(tmp_path / "t.csv", LONG), labels=("topic", "urgent")).labels
    assert labels.raters == ("ann", "bo", "cy")
    assert [item_id for item_id, _ in labels.items] == ["1", "2"]
    assert labels.matrices["topic"].indices.tolist() == [[2, 0, -1], [-1, -1, 1]]
    assert labels.matrices["urgent"].indices.tolist() == [[1, -1, -1], [-1, -1, 0]]


def test_a_rater_of_one_variable_has_gaps_in_the_others(tmp_path: Path) -> None:
    rows = [("v", "id", "rater", "label"), ("p", "1", "ann", "x"), ("q", "2", "bo", "y")]
    path = write_rows(tmp_path / "t.csv", rows)
    labels = read(path, variable="v", rater="rater", labels=("label",), item="id").labels
    assert labels.raters == ("ann", "bo")
    assert labels.matrices["p"].indices.tolist() == [[0, -1], [-1, -1]]
    assert labels.matrices["q"].indices.tolist() == [[-1, -1], [-1, 0]]


def test_cells_that_mean_no_label_are_named(tmp_path: Path) -> None:
    rows = [("id", "a", "b"), ("1", "x", "NA"), ("2", "", "x")]
    path = write_rows(tmp_path / "t.csv", rows)
    with pytest.raises(TableError, match="NA"):
        read(path)
    assert read(path, gaps=("NA",)).labels.matrices["t"].indices.tolist() == [[0, -1], [-1, 0]]


def test_the_level_of_measurement_is_asked_for_and_never_assumed(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "t.csv", LONG)
    with pytest.raises(InputError, match="level") as refused:
        read_ratings_table(path, options=RatingsOptions())
    assert refused.value.exit_code == 2
    for option in ("--level nominal", "--level ordinal", "--codebook"):
        assert option in refused.value.hint


def test_workbook_parquet_long_and_wide_are_the_same_ratings(tmp_path: Path) -> None:
    rows = [("id", "ann", "bo"), ("1", "x", "y"), ("2", "", "x"), ("3", "y", "y")]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "v.xlsx")
    columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "v.parquet")
    cells = [(row[0], name, row[1 + i]) for row in rows[1:] for i, name in enumerate(rows[0][1:])]
    long = write_rows(tmp_path / "long.csv", [("id", "rater", "v"), *cells])
    found = {
        read(path, **named).labels.sha256
        for path, named in (
            (write_rows(tmp_path / "v.csv", rows), {}),
            (tmp_path / "v.xlsx", {}),
            (tmp_path / "v.parquet", {}),
            (long, {"item": "id", "rater": "rater", "labels": ("v",)}),
        )
    }
    assert len(found) == 1


def test_a_codebook_gives_variables_categories_and_their_order(
    tmp_path: Path, codebook: Path
) -> None:
    labels = read(write_rows(tmp_path / "t.csv", LONG), codebook=codebook).labels
    assert labels.codebook.name == "small"
    assert labels.matrices["topic"].categories == ("staff", "food", "other")
    assert labels.matrices["topic"].indices.tolist() == [[0, 1, -1], [-1, -1, 2]]
    assert labels.matrices["urgent"].indices.tolist() == [[0, -1, -1], [-1, -1, 1]]


def test_a_variable_of_the_codebook_without_ratings_is_left_out_aloud(
    tmp_path: Path, codebook: Path
) -> None:
    path = write_rows(tmp_path / "t.csv", [row[:3] for row in LONG])
    found = read(path, codebook=codebook, labels=("topic",))
    assert [variable.name for variable in found.labels.codebook.variables] == ["topic"]
    assert list(found.labels.matrices) == ["topic"]
    assert [message for message in found.messages if '"urgent"' in message]


@pytest.mark.parametrize("named", [{}, {"variable": "what"}])
def test_ratings_of_no_variable_of_the_codebook_are_refused(
    tmp_path: Path, codebook: Path, named: dict[str, str]
) -> None:
    rows = [("id", "what", "a", "b"), ("1", "mood", "food", "food")]
    path = write_rows(tmp_path / "mood.csv", rows)
    with pytest.raises(InputError, match=r'"mood".*topic, urgent') as refused:
        read(path, codebook=codebook, raters=("a", "b"), item="id", **named)
    assert "--variable-column" in refused.value.hint


def test_categories_beside_a_codebook_are_refused(tmp_path: Path) -> None:
    options = RatingsOptions(codebook=tmp_path / "codebook.yaml", categories=("b", "a"))
    with pytest.raises(InputError, match="twice") as refused:
        read_ratings_table(tmp_path / "ratings.csv", options=options)
    assert refused.value.exit_code == 2


def test_a_level_that_is_given_replaces_the_one_of_the_codebook(tmp_path: Path) -> None:
    codebook = tmp_path / "pain.yaml"
    path = write_rows(tmp_path / "t.csv", [("id", "a", "b"), ("x", "1", "1"), ("y", "2", "3")])
    for stated, asked in (("ordinal", "nominal"), ("nominal", "ordinal")):
        codebook.write_text(PAIN.replace("ordinal", stated), encoding="utf-8")
        labels = read(path, codebook=codebook, raters=("a", "b"), level=asked).labels
        (variable,) = labels.codebook.variables
        assert (variable.level, variable.answers) == (asked, ("3", "2", "1"))


def test_a_table_of_one_variable_is_about_the_one_of_the_codebook(tmp_path: Path) -> None:
    codebook = tmp_path / "pain.yaml"
    codebook.write_text(PAIN, encoding="utf-8")
    path = write_rows(tmp_path / "t.csv", [("id", "a", "b"), ("x", "1", "1.0"), ("y", "2", "03")])
    labels = read(path, codebook=codebook, raters=("a", "b")).labels
    # Of an ordinal variable a label is its number.
    assert labels.matrices["pain"].categories == ("3", "2", "1")
    assert labels.matrices["pain"].indices.tolist() == [[2, 2], [1, 0]]
    with pytest.raises(TableError, match="row 2"):
        read(path, codebook=codebook, raters=("a", "b"), level="nominal")
    named = write_rows(tmp_path / "u.csv", [("v", "id", "a"), ("other", "x", "1")])
    with pytest.raises(InputError, match='"other"'):
        read(named, codebook=codebook, raters=("a",), variable="v", item="id")


def test_without_the_items_their_ids_are_all_that_is_known(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "t.csv", LONG)
    found = read(path, labels=("topic",))
    assert found.items == IdsOnly(path, found.items.ids if isinstance(found.items, IdsOnly) else ())
    assert {content for _, content in found.labels.items} == {sha256_text("")}
    other = wide(tmp_path, "xx", "xx")
    assert [item_id for item_id, _ in other.items] == ["1", "2"]
    assert found.labels.items_sha256 == other.items_sha256


def test_ratings_take_the_order_and_the_texts_of_the_items(tmp_path: Path) -> None:
    items = study_files(tmp_path / "items", ["first", "second", "third"]).items
    path = write_rows(tmp_path / "t.csv", [("id", "a", "b"), ("i-2", "x", "y"), ("i-0", "y", "y")])
    found = read(path, items=items, raters=("a", "b"))
    assert isinstance(found.items, ItemFile)
    assert found.labels.items_sha256 == found.items.sha256
    assert found.labels.items == tuple(
        (f"i-{n}", sha256_text(text)) for n, text in enumerate(("first", "second", "third"))
    )
    assert found.labels.matrices["t"].indices.tolist() == [[1, 1], [-1, -1], [0, 1]]
    assert set(found.items.messages) <= set(found.messages)


def test_rated_items_that_the_table_of_items_lacks_are_counted_and_refused(tmp_path: Path) -> None:
    items = study_files(tmp_path / "items", ["only one"]).items
    path = write_rows(tmp_path / "t.csv", [("id", "a"), ("i-0", "x"), ("i-7", "x"), ("i-8", "y")])
    with pytest.raises(InputError, match=r'2 .*"i-7".*items\.csv') as refused:
        read(path, items=items, raters=("a",))
    assert "--id-column" in refused.value.hint


@pytest.mark.parametrize(
    ("rows", "count", "allowed"),
    [
        (("xxy", "x..", ".y."), "2 items", 1),
        (("xy", "x."), "1 item ", 0),
        (("xy", "yy", ".."), None, None),
        (("x", "y"), None, None),
    ],
    ids=["several", "one", "none", "a single rater"],
)
def test_labels_of_one_rater_alone_are_a_caution_with_the_policy_that_helps(
    tmp_path: Path, rows: tuple[str, ...], count: str | None, allowed: int | None
) -> None:
    labels = wide(tmp_path, *rows)
    if count is None:
        assert labels.cautions == ()
        return
    (caution,) = labels.cautions
    assert count in caution
    assert '"v"' in caution
    assert f"--policy '{{policy: missing_raters, allowed: {allowed}}}'" in caution
    with Study.open(record(labels, tmp_path / "study").path) as study:
        assert study.cautions == labels.cautions


def test_a_folder_takes_more_items_more_raters_and_corrected_labels(tmp_path: Path) -> None:
    two: dict[str, Any] = {"categories": ("x", "y")}
    folder = record(wide(tmp_path, "xx", "xy", "..", **two), tmp_path / "study")
    same = wide(tmp_path, "xx", "xy", "..", **two)
    more = wide(tmp_path, "xxy", "xyy", "x..", "yyy", **two)
    assert labels_lost(folder, same) == labels_lost(folder, more) == 0
    corrected = wide(tmp_path, "yx", "x.", "..", **two)
    assert labels_lost(folder, corrected) == 2
    fewer_raters = wide(tmp_path, "x", "x", ".", **two)
    assert labels_lost(folder, fewer_raters) == 2
    record(corrected, folder.path)
    with Study.open(folder.path) as study:
        assert study.labels("v").indices.tolist() == [[1, 0], [0, -1], [-1, -1]]


def test_a_folder_of_another_study_is_refused(tmp_path: Path, of_models: Path) -> None:
    folder = record(wide(tmp_path, "xx", "yy"), tmp_path / "study")
    others = {
        "items": wide(tmp_path, "xy"),
        "variables": wide(tmp_path, "xx", "yz"),
    }
    for what, labels in others.items():
        with pytest.raises(InputError, match=what) as refused:
            refuse_other_study(folder, labels)
        assert "--output" in refused.value.hint
        with pytest.raises(InputError, match=what):
            labels_lost(folder, labels)
    with pytest.raises(InputError, match="models"):
        refuse_other_study(StudyFolder(of_models), others["items"])


def test_a_new_folder_or_one_whose_recording_was_cut_off_takes_any_ratings(tmp_path: Path) -> None:
    labels = wide(tmp_path, "xx", "yy")
    folder = StudyFolder(tmp_path / "study")
    assert labels_lost(folder, labels) == 0
    folder.make()
    with Ledger.open(folder.ledger, create=True) as ledger:
        ledger.start_run({"ratings_sha256": "0" * 64})
    assert labels_lost(folder, labels) == 0


class Table:
    """Labels of several variables, and the tables that could hold them."""

    def __init__(self, labels: dict[str, dict[tuple[str, str], str]]) -> None:
        self.labels = labels
        cells = [cell for of_variable in labels.values() for cell in of_variable]
        self.items = list(dict.fromkeys(item for item, _ in cells))
        self.raters = list(dict.fromkeys(rater for _, rater in cells))

    def said(self) -> dict[str, Said]:
        return {
            variable: {(item, rater, word) for (item, rater), word in given.items() if word}
            for variable, given in self.labels.items()
        }

    def rows(self, layout: str) -> tuple[list[Sequence[str]], dict[str, Any]]:
        """The rows of a table, header first, and the columns to name."""
        variables = list(self.labels)
        if layout == "wide":
            body: list[Sequence[str]] = [
                (item, name, *(given[item, rater] for rater in self.raters))
                for name, given in self.labels.items()
                for item in self.items
            ]
            named: dict[str, Any] = {"raters": tuple(self.raters)}
            return [("item id", "which", *self.raters), *body], {
                **named,
                "item": "item id",
                "variable": "which",
            }
        pairs = [(item, rater) for item in self.items for rater in self.raters]
        if layout == "long":
            body = [
                (item, name, rater, given[item, rater])
                for name, given in self.labels.items()
                for item, rater in pairs
            ]
            return [("item id", "which", "who", "said"), *body], {
                **{"item": "item id", "variable": "which", "rater": "who"},
                "labels": ("said",),
            }
        body = [
            (item, rater, *(given[item, rater] for given in self.labels.values()))
            for item, rater in pairs
        ]
        # With one label column, a column of variables names the variable.
        return [("item id", "who", *variables), *body], {
            **{"item": "item id", "rater": "who", "labels": tuple(variables)},
        }


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw labels with gaps, of one to three variables."""
    items = [f"i {n}" for n in range(draw(st.integers(1, 5)))]
    raters = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    variables = draw(st.lists(st.sampled_from(VARIABLES), min_size=1, max_size=3, unique=True))
    words = st.sampled_from(("", *HOSTILE))
    return Table(
        {
            variable: {(item, rater): draw(words) for item in items for rater in raters}
            for variable in variables
        }
    )


@settings(max_examples=25)
@given(tables(), st.sampled_from(["wide", "long", "a column each"]), st.randoms())
def test_whatever_the_table_its_labels_come_back_from_the_study(
    table: Table, layout: str, random: Any
) -> None:
    (header, *body), named = table.rows(layout)
    options = {"categories": HOSTILE, **named}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = read(write_rows(folder / "t.csv", [header, *body]), **options).labels
        ids = [item_id for item_id, _ in labels.items]
        assert {one: said(matrix, ids) for one, matrix in labels.matrices.items()} == table.said()
        with Study.open(record(labels, folder / "study").path) as study:
            assert list(study.items) == ids
            assert study.raters == labels.raters
            for variable, matrix in labels.matrices.items():
                held = study.labels(variable)
                assert held.indices.tolist() == matrix.indices.tolist()
                assert (held.categories, held.raters) == (matrix.categories, matrix.raters)
        random.shuffle(body)
        shuffled: AlignedRatings = read(
            write_rows(folder / "t.csv", [header, *body]), **options
        ).labels
        assert shuffled.sha256 == labels.sha256


SEVERAL = "id,ann,bo\n1,Back pain;sleep,sleep\n2,sleep,sleep\n3,Back pain,Back pain;sleep\n"
MULTI_LABEL = """\
name: t
version: "1"
description: Themes.
variables:
  - name: theme
    level: multi_label
    question: Does the text mention {category}?
    categories:
      - {name: Back pain, definition: It hurts.}
      - {name: sleep, definition: Bad nights.}
      - {name: food, definition: Meals.}
"""


def test_several_labels_in_a_cell_become_variables_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(SEVERAL, encoding="utf-8")
    columns = NamedColumns(raters=("ann", "bo"))
    with pytest.raises(TableError, match="several labels"):
        read_ratings_table(path, options=RatingsOptions(level="nominal", columns=columns))
    plain = RatingsOptions(level="nominal", columns=columns, split_labels=";")
    labels = read_ratings_table(path, options=plain).labels
    assert [*labels.matrices] == ["ratings.Back pain", "ratings.sleep"]
    assert labels.matrices["ratings.sleep"].indices.tolist() == [[0, 0], [0, 0], [1, 0]]
    (tmp_path / "codebook.yaml").write_text(MULTI_LABEL, encoding="utf-8")
    coded = RatingsOptions(codebook=tmp_path / "codebook.yaml", columns=columns, split_labels=";")
    read = read_ratings_table(path, options=coded)
    assert [*read.labels.matrices] == ["theme.back_pain", "theme.sleep"]
    assert '"theme.food" has no ratings' in " ".join(read.messages)


def test_counts_of_nameless_raters_cannot_become_a_study(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("id,a,b\n1,2,0\n2,1,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="which rater gave a label"):
        read(path, layout="counts")
