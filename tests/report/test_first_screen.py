"""The first screen shows a picture of every variable and rater, then a verdict, worst first."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.label import LabelOptions, label
from localensemble.api.report import write_report
from localensemble.core.estimates import share
from localensemble.findings.study_findings import Accuracy, StudyFindings
from localensemble.report.first_screen import MOST_VARIABLES, first_screen
from localensemble.report.verdict import compared, short_verdict
from localensemble.report.wording import shortened
from localensemble.tables.rating_columns import NamedColumns
from tests.report.page import Page, check_page
from tests.studies import CODEBOOK, study_files

pytestmark = pytest.mark.slow  # imports and draws a study for most tests


def ratings_study(folder: Path, rows: list[list[str]], raters: list[str]) -> StudyFindings:
    table = folder / "ratings.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", *raters))
        writer.writerows((f"i-{n}", *row) for n, row in enumerate(rows))
    options = RatingsOptions(level="nominal", columns=NamedColumns(raters=tuple(raters)))
    return import_ratings(table, output=folder / "study", options=options).findings


def page_of(folder: Path) -> Page:
    return check_page((folder / "study" / "report.html").read_text(encoding="utf-8"))


def varied(items: int, raters: int, categories: int) -> list[list[str]]:
    return [
        [f"c{(n + (n * j) % 3) % categories}" for j in range(1, raters + 1)] for n in range(items)
    ]


def test_the_picture_stands_before_the_verdict_and_everything_else(tmp_path: Path) -> None:
    ratings_study(tmp_path, varied(30, 3, 3), ["anna", "ben", "chris"])
    page = page_of(tmp_path)
    captions = [" ".join(one.text.split()) for one in page.all("caption")]
    assert captions[:2] == ["Variables at a glance", "Raters at a glance"]
    headings = [one.text.strip() for one in page.all("h2")]
    assert headings[:3] == ["At a glance", "Verdict", "Contents"]


def test_people_have_no_share_inside_the_codebook(tmp_path: Path) -> None:
    found = ratings_study(tmp_path, varied(30, 3, 3), ["anna", "ben", "chris"])
    screen = first_screen(found)
    assert screen.measures == ("answers used", "differs from others")
    assert all(len(row.cells) == 2 for row in screen.raters[0].rows)
    (row,) = screen.variables
    assert row.accuracy.lines == ("no gold: accuracy unknown",)


def test_nothing_accepted_and_a_rater_without_labels_are_shown_and_named(tmp_path: Path) -> None:
    ensemble = (
        "raters:\n  - {model: first, engine: scripted}\n"
        "  - {model: second, engine: scripted, context_tokens: 400}\n"
    )
    texts = ["word " * 390 + str(n) for n in range(20)]
    files = study_files(tmp_path, texts, ensemble=ensemble)
    options = LabelOptions(ensemble=files.ensemble)
    found = label(files.items, codebook=files.codebook, study=files.study, options=options).findings
    screen = first_screen(found)
    assert screen.variables[0].decided.lines == ("0 accepted (0.0%)", "20 escalated (100.0%)")
    assert [row.note for row in screen.raters[0].rows] == ["", "unfit?"]
    sentence = screen.verdict[0].sentences[0]
    assert "No item has a final label" in sentence
    assert "second" in sentence
    assert "Agreement cannot be measured" in screen.verdict[0].sentences[1]
    assert "AC1 undefined" in page_of(tmp_path).text


def test_a_rater_declared_unfit_is_marked_by_name(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(20)])
    options = LabelOptions(ensemble=files.ensemble, unfit=("third",))
    found = label(files.items, codebook=files.codebook, study=files.study, options=options).findings
    screen = first_screen(found)
    for group in screen.raters:
        assert [(row.name, row.note) for row in group.rows][-1] == ("third", "declared unfit")


def test_a_required_agreement_is_marked_on_the_scale(tmp_path: Path) -> None:
    codebook = CODEBOOK.replace(
        "    level: nominal\n",
        "    level: nominal\n    required_agreement:\n"
        "      {coefficient: Krippendorff alpha, at_least: 0.667, below: review}\n",
    )
    files = study_files(tmp_path, [f"text {n}" for n in range(20)], codebook=codebook)
    options = LabelOptions(ensemble=files.ensemble)
    found = label(files.items, codebook=files.codebook, study=files.study, options=options).findings
    screen = first_screen(found)
    leading, required = screen.variables[0].agreement
    assert leading.keyed == ()
    assert required.keyed == (("required", "required 0.667: NOT MET"),)
    assert 'class="required"' in required.mark
    decided, trusted = screen.verdict[0].sentences
    assert "codebook requires (Krippendorff alpha >= 0.667)" in decided
    assert "0.667" not in trusted


def test_many_variables_show_the_worst_first_and_link_to_all(tmp_path: Path) -> None:
    variables = "".join(
        f"  - name: v{n}\n    level: nominal\n    question: What?\n    categories:\n"
        "      - {name: a, definition: A.}\n      - {name: b, definition: B.}\n"
        for n in range(5)
    )
    codebook = f"name: big\nversion: '1'\nvariables:\n{variables}"
    files = study_files(tmp_path, [f"text {n}" for n in range(12)], codebook=codebook)
    options = LabelOptions(ensemble=files.ensemble)
    found = label(files.items, codebook=files.codebook, study=files.study, options=options).findings
    *others, last = found.variables
    worst = replace(last, accepted=0, escalated=12)
    screen = first_screen(replace(found, variables=(*others, worst)))
    assert len(screen.variables) == MOST_VARIABLES
    assert len(screen.all_variables) == 5
    assert screen.all_variables[0].name == "v4"
    assert [one.variables for one in screen.verdict] == [("all 5 variables",), ("v4",)]
    assert [len(one.sentences) for one in screen.verdict] == [2, 2]
    page = page_of(tmp_path)
    assert [one.attributes["href"] for one in page.all("a") if "All 5" in one.text] == ["#all"]


def test_many_raters_show_the_most_different_first_and_link_to_all(tmp_path: Path) -> None:
    raters = [f"r{n}" for n in range(12)]
    rows = [["ab"[n % 2]] * 11 + ["ba"[n % 2]] for n in range(30)]
    screen = first_screen(ratings_study(tmp_path, rows, raters))
    (group,) = screen.raters
    assert group.rows[0].name == "r11"
    assert len(group.rows) + group.left_out == 12
    assert len(screen.all_raters[0].rows) == 12
    assert "more raters" in page_of(tmp_path).text


def test_seventy_seven_categories_and_long_names_render(tmp_path: Path) -> None:
    rows = [[f"category {n % 77}", f"category {n * 5 % 77}"] for n in range(154)]
    raters = [f"a rater whose name is longer than any column, number {n}" for n in range(2)]
    ratings_study(tmp_path, rows, raters)
    page = page_of(tmp_path)
    assert "77 of 77" in page.text
    for name in raters:
        assert shortened(name) in page.text
        assert any(one.attributes.get("title") == name for one in page.all("span"))
    assert shortened(raters[0]) != shortened(raters[1])


def test_long_tables_and_confusion_matrices_are_folded(tmp_path: Path) -> None:
    ratings_study(tmp_path, varied(60, 2, 20), ["anna", "ben"])
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "id,gold_ratings\n" + "".join(f"i-{n},c{n % 20}\n" for n in range(60)), encoding="utf-8"
    )
    write_report(tmp_path / "study", gold=gold)
    page = page_of(tmp_path)
    inside = [" ".join(one.text.split()) for one in page.all("caption") if "details" in one.inside]
    outside = [
        " ".join(one.text.split()) for one in page.all("caption") if "details" not in one.inside
    ]
    assert sum(caption.startswith("Confusion matrix") for caption in inside) == 4
    assert any(caption.startswith("Final labels") for caption in inside)
    assert any(caption.startswith("Coefficients") for caption in outside)
    for summary in page.all("summary"):
        assert summary.text.strip()


def test_baselines_are_told_apart_by_shape_and_by_name(tmp_path: Path) -> None:
    ratings_study(tmp_path, varied(30, 3, 3), ["anna", "ben", "chris"])
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "id,gold_ratings\n" + "".join(f"i-{n},c{n % 3}\n" for n in range(30)), encoding="utf-8"
    )
    found = write_report(tmp_path / "study", gold=gold).findings
    (variable,) = found.variables
    assert variable.gold is not None
    everywhere, accepted, *_ = variable.gold.baselines
    third = replace(variable.gold, baselines=(everywhere, accepted, everywhere))
    screen = first_screen(replace(found, variables=(replace(variable, gold=third),)))
    cell = screen.variables[0].accuracy
    assert [sign for sign, _ in cell.keyed] == ["baseline", "learned"]
    assert cell.keyed[0][1].startswith('always "c')
    assert cell.keyed[1][1].startswith("trained classifier")
    assert cell.mark.count('class="baseline"') == 2
    assert screen.has_learned


shares = st.integers(0, 1000).map(lambda part: part / 1000) | st.floats(0.0, 1.0)


@given(ends=st.tuples(shares, shares, shares), baseline=shares)
def test_no_comparison_with_a_baseline_contradicts_the_interval(
    ends: tuple[float, float, float], baseline: float
) -> None:
    low, value, high = sorted(ends)
    word = compared(Accuracy(1, 2, 0, value, low, high), baseline)
    # Beside a wide interval the ends have fewer digits than the baseline.
    lows, highs, (shown,) = (
        [float(one.removesuffix("%")) for one in texts]
        for texts in (
            (share(low), share(low, low, high)),
            (share(high), share(high, low, high)),
            (share(baseline),),
        )
    )
    if word == "more than":
        assert min(lows) > shown
    elif word == "less than":
        assert max(highs) < shown
    else:
        assert min(lows) <= shown <= max(highs)


def test_variables_with_the_same_sentences_share_them(tmp_path: Path) -> None:
    found = ratings_study(tmp_path, varied(30, 3, 3), ["anna", "ben", "chris"])
    (variable,) = found.variables
    (paragraph,) = short_verdict([variable, replace(variable, name="again")])
    assert paragraph.variables == (variable.name, "again")
