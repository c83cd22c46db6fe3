"""`spans match` and `spans agree` on tables that people have, in code points and other units."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

TEXTS = {
    "n-1": "😷 Le patient a de la fièvre, traité par ibuprofène.",
    "n-2": "Aucun symptôme.",
    "n-3": "दर्द और बुखार; IBUPROFÈNE 400",
}


def table(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


@pytest.fixture
def items(tmp_path: Path) -> Path:
    return table(tmp_path / "notes.csv", ("id", "text"), *TEXTS.items())


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    return table(
        tmp_path / "terms.csv",
        ("term", "id", "synonyms", "category"),
        ("fièvre", "S1", "बुखार|pyrexie", "Sign"),
        ("ibuprofène", "D1", "", "Drug"),
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_terms_are_found_at_their_code_points(
    run: Run, items: Path, vocabulary: Path, tmp_path: Path
) -> None:
    written = tmp_path / "spans.csv"
    ended = run("spans", "match", items, "--vocabulary", vocabulary, "-o", written)
    assert ended.code == 0
    assert "4 spans in 2 of 3 items" in ended.out
    found = rows(written)
    assert [(one["item"], one["category"], one["id"], one["match"]) for one in found] == [
        ("n-1", "Sign", "S1", "exact"),
        ("n-1", "Drug", "D1", "exact"),
        ("n-2", "", "", ""),
        ("n-3", "Sign", "S1", "exact"),
        ("n-3", "Drug", "D1", "normalized"),
    ]
    for one in found:
        if one["start"]:
            start, stop = int(one["start"]), int(one["stop"])
            assert TEXTS[one["item"]][start:stop] == one["passage"]


def test_raters_are_compared_with_each_other_and_with_gold(
    run: Run, items: Path, tmp_path: Path
) -> None:
    ann = table(
        tmp_path / "ann.csv",
        ("item", "start", "stop", "category"),
        ("n-1", 21, 27, "Sign"),
        ("n-2", "", "", ""),
        ("n-3", 0, 4, "Sign"),
    )
    ben = table(
        tmp_path / "ben.csv",
        ("id", "spans"),
        ("n-1", json.dumps([{"start": 15, "end": 27, "type": "Sign"}])),
        ("n-2", "[]"),
        ("n-3", json.dumps([{"start": 0, "end": 4, "type": "Sign", "text": TEXTS["n-3"][:4]}])),
    )
    written, by_item = tmp_path / "agreement.json", tmp_path / "by_item.csv"
    gold = tmp_path / "gold.csv"
    gold.write_bytes(ann.read_bytes())
    ended = run(
        *("spans", "agree", ann, ben, "--items", items, "--gold", gold),
        *("--json", written, "--by-item", by_item),
    )
    assert ended.code == 0
    assert "Krippendorff's alpha on" in ended.out
    found = json.loads(written.read_text(encoding="utf-8"))
    assert found["raters"] == ["ann", "ben"]
    assert found["exact"]["value"] == pytest.approx(0.5)
    assert found["overlap"]["value"] == 1.0
    f1 = {(one["rater"], one["part"]): one["f1"] for one in found["gold"]}
    assert (f1["ann", "exact"], f1["ben", "exact"]) == (1.0, 0.5)
    assert [one["matched"] for one in rows(by_item) if one["rater"] == "ben"][:3] == ["0", "0", "1"]
    assert "fièvre" not in written.read_text(encoding="utf-8")


def test_places_in_utf_16_are_refused_with_the_option_that_reads_them(
    run: Run, items: Path, tmp_path: Path
) -> None:
    # An emoji is two UTF-16 units, so every place after it is one too far.
    columns = ("item", "start", "stop", "category", "passage")
    other = table(tmp_path / "js.csv", columns, ("n-1", 22, 28, "Sign", "fièvre"))
    mine = table(tmp_path / "py.csv", columns, ("n-1", 22, 28, "Sign", ""))
    ended = run("spans", "agree", other, mine, "--items", items)
    assert ended.code == 2
    assert "row 1" in ended.err
    assert "--places utf-16" in ended.err
    assert "fièvre" not in ended.err
    assert run("spans", "agree", other, mine, "--items", items, "--places", "utf-16").code == 0


def test_terms_count_once_for_each_item_wherever_they_stand(run: Run, tmp_path: Path) -> None:
    items = table(tmp_path / "notes.csv", ("id", "text"), ("a", "Fever. No fever, fever!"))
    columns = ("item", "start", "stop", "category")
    one = table(tmp_path / "one.csv", columns, ("a", 0, 5, "Sign"), ("a", 10, 15, "Sign"))
    two = table(tmp_path / "two.csv", columns, ("a", 17, 22, "Sign"))
    assert "F1, exact: undefined" not in run("spans", "agree", one, two, "--items", items).out
    written = tmp_path / "terms.json"
    options = ("--items", items, "--terms", "--json", written)
    assert run("spans", "agree", one, two, *options).code == 0
    found = json.loads(written.read_text(encoding="utf-8"))
    assert (found["exact"]["value"], found["found"]) == (1.0, [1, 1])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("n-9", 0, 2, "Sign"), "n-9"),
        (("n-2", 3, 99, "Sign"), "does not fit"),
    ],
)
def test_spans_of_other_texts_are_refused(
    run: Run, items: Path, tmp_path: Path, changed: tuple[object, ...], said: str
) -> None:
    wrong = table(tmp_path / "wrong.csv", ("item", "start", "stop", "category"), changed)
    ended = run("spans", "agree", wrong, "--items", items)
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--terms",), "--items"),
        (("--places", "bytes"), "--items"),
        (("--by-item", "x.csv"), "--gold"),
    ],
)
def test_what_an_option_needs_is_named(
    run: Run, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    spans = table(tmp_path / "a.csv", ("item", "start", "stop", "category"), ("a", 0, 2, "x"))
    ended = run("spans", "agree", spans, *options)
    assert ended.code == 2
    assert said in ended.err


def test_gold_spans_are_of_one_rater_whatever_its_name(run: Run, tmp_path: Path) -> None:
    columns = ("item", "rater", "start", "stop", "category")
    (tmp_path / "gold").mkdir()
    mine = table(tmp_path / "one.csv", columns, ("a", "ann", 0, 2, "x"), ("a", "ben", 0, 2, "x"))
    same = table(tmp_path / "gold" / "one.csv", columns, ("a", "ann", 0, 2, "x"))
    written = tmp_path / "found.json"
    assert run("spans", "agree", mine, "--gold", same, "--json", written).code == 0
    found = json.loads(written.read_text(encoding="utf-8"))
    assert found["raters"] == ["ann", "ben"]
    assert {one["rater"] for one in found["gold"]} == {"ann", "ben"}
    ended = run("spans", "agree", mine, "--gold", mine)
    assert ended.code == 2
    assert "gold spans of 2 raters" in ended.err


def test_one_rater_in_two_tables_is_refused(run: Run, tmp_path: Path) -> None:
    columns = ("item", "rater", "start", "stop", "category")
    one = table(tmp_path / "one.csv", columns, ("a", "ann", 0, 2, "x"))
    two = table(tmp_path / "two.csv", columns, ("b", "ann", 0, 2, "x"))
    ended = run("spans", "agree", one, two)
    assert ended.code == 2
    assert '"ann" stands in two tables' in ended.err
