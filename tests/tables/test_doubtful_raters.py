"""A rater who may be something else is asked about, and ordinary names are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.doubts.doubtful_raters import as_option, doubtful_raters
from localensemble.tables.rating_columns import NamedColumns, _Choice
from localensemble.tables.ratings import Ratings, read_ratings


def read(folder: Path, text: str, **named: Any) -> Ratings:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_ratings(path, named=NamedColumns(**named))


def raters(table: Ratings) -> tuple[str, ...]:
    return table.variables[0].groups[0].raters


def long(*names: str) -> str:
    lines = [f"i{n},{name},{'xy'[n % 2]}\n" for n in range(6) for name in names]
    return "item,rater,label\n" + "".join(lines)


def wide(*names: str) -> str:
    lines = [f"i{n}," + ",".join("xy"[n % 2] for _ in names) + "\n" for n in range(6)]
    return f"id,{','.join(names)}\n" + "".join(lines)


@pytest.mark.parametrize(
    "name",
    [
        "CURATION_USER",
        "INITIAL_CAS",
        "curator",
        "gold",
        "Gold_2",
        "consensus",
        "adjudicated",
        "final",
        "ann_final",
        "majorityVote",
        "expert",
        "admin",
        "reference",
        "Kurator",
        "R\u00e9f\u00e9rence",
        "Mehrheitsvotum",
        "y_true",
        "super_annotator",
        "both",
        "ann+ben",
        "Ann & Ben",
    ],
)
def test_a_rater_made_from_others_is_asked_about(tmp_path: Path, name: str) -> None:
    for text in (long("ann", "ben", name), wide("ann", "ben", name)):
        with pytest.raises(TableError, match=re.escape(f'"{name}"')) as refused:
            read(tmp_path, text)
        assert "--raters" in str(refused.value.hint)
        kept = ("ann", "ben", name)
        assert raters(read(tmp_path, text, raters=kept)) == kept
        assert raters(read(tmp_path, text, without_raters=(name,))) == ("ann", "ben")
        assert raters(read(tmp_path, text, raters=("ann", "ben"))) == ("ann", "ben")


@pytest.mark.parametrize(
    "name",
    [
        "ann_confidence",
        "time",
        "seconds",
        "duration",
        "comment_ann",
        "start",
        "end",
        "ip",
        "StartDate",
        "lead_time",
        "Status",
        "annTime",
        "Totals",
        "batch",
        "Dauer",
    ],
)
def test_a_column_beside_the_labels_is_asked_about(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableError, match=f'"{name}"') as refused:
        read(tmp_path, wide("ann", "ben", name))
    assert "--raters ann,ben" in str(refused.value.hint)


@pytest.mark.parametrize(
    "names",
    [
        ("ann", "ben", "cy"),
        ("time1", "time2"),
        ("expert_a", "expert_b", "novice"),
        ("gpt-4", "qwen2.5", "llama 3"),
        ("Goldberg", "Finalto", "Curie"),
        ("rater_1", "rater_2", "rater_3"),
        ("R1", "R2"),
        ("3", "7"),
        ("senior", "junior"),
        ("curator1", "curator2"),
        ("model_a", "human"),
        ("code-llama", "Cas", "answer_bot"),
    ],
)
def test_ordinary_names_are_not_doubted(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert doubtful_raters(names, columns=True) == []
    assert raters(read(tmp_path, long(*names))) == names
    assert raters(read(tmp_path, wide(*names))) == names


@pytest.mark.parametrize("name", ["label", "decision", "final code", "is_correct", "Category"])
def test_what_raters_agreed_on_is_asked_about(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableError, match=f'"{name}" may hold something else'):
        read(tmp_path, wide("ann", "ben", name))
    labels = ("label_ann", "label_ben")
    assert raters(read(tmp_path, wide(*labels))) == labels


def test_a_table_of_many_raters_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = _Choice._doubtful

    def counted(self: _Choice, columns: Sequence[str]) -> list[str]:
        looks.append(len(columns))
        return look(self, columns)

    monkeypatch.setattr(_Choice, "_doubtful", counted)
    names = [f"r{n}" for n in range(60)]
    assert len(raters(read(tmp_path, wide(*names)))) == 60
    assert looks == [60]


def test_words_beside_labels_are_only_doubted_in_columns() -> None:
    assert doubtful_raters(["Ann", "Reason"], columns=True) == ["Reason"]
    assert doubtful_raters(["Ann", "Reason"], columns=False) == []


def test_a_named_rater_who_does_not_occur_is_refused(tmp_path: Path) -> None:
    for named in ({"raters": ("ann", "bem")}, {"without_raters": ("bem",)}):
        with pytest.raises(TableError, match='no rater "bem"') as refused:
            read(tmp_path, long("ann", "ben"), **named)
        assert '"ben"' in str(refused.value.hint)


def test_labels_of_raters_left_out_are_not_categories(tmp_path: Path) -> None:
    text = long("ann", "ben") + "i1,gold,z\ni7,gold,z\n"
    table = read(tmp_path, text, without_raters=("gold",))
    assert table.variables[0].words == ("x", "y")
    assert len(table.variables[0].groups[0].items) == 6


def test_names_are_written_as_one_option() -> None:
    assert as_option(["ann", "ben"]) == "ann,ben"
    assert as_option(["Ann B", "Smith, J"]) == "'Ann B,\"Smith, J\"'"


@pytest.mark.parametrize("name", ["Nr", "Document name", "lfd. Nr."])
def test_a_column_that_numbers_the_rows_is_asked_about(tmp_path: Path, name: str) -> None:
    rows = "".join(f"{n},{n % 3},{n % 2}\n" for n in range(12))
    with pytest.raises(TableError, match=f'"{name}"') as refused:
        read(tmp_path, f"{name},ann,ben\n{rows}")
    assert "--raters ann,ben" in str(refused.value.hint)


def test_a_user_name_names_the_rater(tmp_path: Path) -> None:
    text = long("ann", "ben").replace("rater", "username")
    assert raters(read(tmp_path, text)) == ("ann", "ben")


def test_a_person_with_a_title_is_a_rater(tmp_path: Path) -> None:
    names = ("Dr. Gold", "Frau Master", "Dr. May")
    assert raters(read(tmp_path, wide(*names))) == names
