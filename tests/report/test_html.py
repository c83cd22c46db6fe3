"""The report is one file that loads nothing, escapes everything and explains what is not there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from localensemble.agreement import Requirement, measure_agreement
from localensemble.agreement.result import Level
from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.agreement import Agreement
from localensemble.report.agreement_wording import agreement_verdict
from localensemble.report.html import AgreementSource, NamedAgreement, write_agreement_report
from tests.report.page import Page, check_page, is_mark

pytestmark = pytest.mark.slow  # draws every figure

MARKUP = '<b onclick="x()">&amp; "it\'s" {{ 7 * 7 }} $x^2$ </script>'


def agreement_of(
    rows: list[list[int]], *, categories: int = 3, level: Level = "nominal", prefix: str = "c"
) -> Agreement:
    indices = np.array(rows, dtype=np.int16).reshape(len(rows), -1)
    matrix = LabelMatrix(
        indices,
        tuple(f"{prefix}{k}" for k in range(categories)),
        tuple(f"r{j}" for j in range(indices.shape[1])),
    )
    return measure_agreement(matrix, level=level, resamples=100)


def page_of(agreement: Agreement, folder: Path, *, name: str = "theme") -> Page:
    path = folder / "report.html"
    write_agreement_report(
        [NamedAgreement(name, agreement)], source=AgreementSource("ratings.csv", "1.0"), path=path
    )
    return check_page(path.read_text(encoding="utf-8"))


def random_rows(items: int, raters: int, categories: int, *, seed: int = 5) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    gold = draw.integers(categories, size=(items, 1))
    said = draw.integers(categories, size=(items, raters))
    keep = draw.random((items, raters)) < 0.7
    found: list[list[int]] = np.where(keep, gold, said).tolist()
    return found


def test_ordinary_data_give_every_part(tmp_path: Path) -> None:
    page = page_of(agreement_of(random_rows(200, 3, 3)), tmp_path)
    assert len(page.all("figure")) == 3
    captions = [one.text for one in page.all("caption")]
    for part in (
        "Coefficients",
        "Other intervals",
        "each pair of raters",
        "each category",
        "by rater",
    ):
        assert any(part in caption for caption in captions), part
    assert "Gwet KL (2008)" in page.text


@pytest.mark.parametrize(
    ("rows", "categories", "said"),
    [
        ([[0], [1], [0]], 3, "Agreement cannot be measured"),
        ([[0, 0, 0]] * 20, 1, "Agreement cannot be measured"),
        ([[-1, -1, -1]] * 5, 3, "Agreement cannot be measured"),
        ([[1, 1, 1]] * 30, 3, 'Every label is "c1"'),
        ([[0, 1], [1, 1]], 3, "Agreement cannot be judged"),
        ([[0, 0, -1], [-1, -1, 1], [-1, -1, -1]], 3, "1 with one label and 1 without labels"),
    ],
    ids=["one rater", "one category", "all missing", "unanimous", "two items", "gaps"],
)
def test_pathological_data_render_and_explain(
    rows: list[list[int]], categories: int, said: str, tmp_path: Path
) -> None:
    page = page_of(agreement_of(rows, categories=categories), tmp_path)
    assert said in page.text


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_forty_categories_and_twelve_raters_render(level: Level, tmp_path: Path) -> None:
    rows = random_rows(300, 12, 40)
    page = page_of(agreement_of(rows, categories=40, level=level, prefix="category "), tmp_path)
    assert len(page.all("figure")) == 3
    assert "category 39" in page.text


def test_names_with_markup_are_text(tmp_path: Path) -> None:
    matrix = LabelMatrix(
        np.array([[0, 0], [1, 0], [1, 1], [0, 0]], dtype=np.int16),
        (MARKUP, f"{MARKUP} 2"),
        (f"{MARKUP} 3", f"{MARKUP} 4"),
    )
    agreement = measure_agreement(matrix, level="nominal", resamples=0)
    page = page_of(agreement, tmp_path, name=f"{MARKUP} 5")
    assert page.all("b", "script") == []
    for end in ("", " 2", " 3", " 4", " 5"):
        assert MARKUP + end in page.text
    labels = [one.attributes["aria-label"] for one in page.all("svg") if not is_mark(one)]
    assert all(MARKUP in label for label in labels)
    assert "{{ 7 * 7 }}" in page.text


def test_a_name_in_any_script_is_shown(tmp_path: Path) -> None:
    matrix = LabelMatrix(
        np.array([[0, 0], [1, 0], [1, 1]], dtype=np.int16), ("痛み", "ألم"), ("Ärztin", "🙂")
    )
    page = page_of(measure_agreement(matrix, level="nominal", resamples=0), tmp_path)
    for name in ("痛み", "ألم", "Ärztin", "🙂"):
        assert name in page.text


def test_a_requirement_is_part_of_the_verdict(tmp_path: Path) -> None:
    agreement = agreement_of(random_rows(100, 3, 3))
    verdicts = tuple(
        Requirement.parse(text).check(agreement.coefficients)
        for text in ("AC1 >= 0.1", "alpha >= 0.99")
    )
    path = tmp_path / "report.html"
    write_agreement_report(
        [NamedAgreement("theme", agreement, verdicts)],
        source=AgreementSource("ratings.csv", "1.0", left_out=("3 rows have no label.",)),
        path=path,
    )
    text = check_page(path.read_text(encoding="utf-8")).text
    assert "Required AC1 >= 0.1: met" in text
    assert "Required Krippendorff alpha >= 0.99: not met" in text
    assert "3 rows have no label." in text
    assert text.index("required 0.1: met") < text.index("required 0.99: NOT MET")
    assert text.index("required 0.99: NOT MET") < text.index("Verdict")


def test_the_same_findings_give_the_same_bytes(tmp_path: Path) -> None:
    agreement = agreement_of(random_rows(50, 3, 3))
    page_of(agreement, tmp_path)
    first = (tmp_path / "report.html").read_bytes()
    page_of(agreement, tmp_path)
    assert (tmp_path / "report.html").read_bytes() == first


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are of POSIX")
def test_the_report_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    page_of(agreement_of(random_rows(20, 2, 3)), tmp_path)
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600


def test_the_verdict_is_worded_as_before(repository: Path) -> None:
    path = repository / "tests" / "golden" / "snapshot_verdicts.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    for case in cases:
        agreement = agreement_of(
            [row for row, count in case["rows"] for _ in range(count)],
            categories=case["categories"],
            level=case["level"],
        )
        assert list(agreement_verdict(agreement)) == case["sentences"], case["name"]


def test_a_rater_with_one_answer_is_named_and_agreement_with_it_not_praised(
    tmp_path: Path,
) -> None:
    rows = [[0, 1, k % 2] for k in range(60)]
    agreement = agreement_of(rows, categories=2, level="nominal")
    text = " ".join(agreement_verdict(agreement))
    assert '"r0" gave the same answer to all 60 items: "c0"' in text
    assert '"r1" gave the same answer to all 60 items: "c1"' in text
    assert 'Only "r2" gave different answers' in text
    assert "disagrees with the others most" not in text
    assert [(one.rater, one.category, one.items) for one in agreement.same_answer] == [
        ("r0", "c0", 60),
        ("r1", "c1", 60),
    ]
    assert (
        '"r0" gave the same answer to all 60 items' in page_of(agreement, tmp_path).elements[0].text
    )


def test_one_answer_on_few_items_is_not_worth_a_sentence() -> None:
    agreement = agreement_of([[0, k % 2] for k in range(19)], categories=2, level="nominal")
    assert agreement.same_answer == ()


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        ([[1, 1, 1]] * 60, "every rater gave only one answer"),
        ([[0, 0, 0]] * 5 + [[0, 0, 0]] * 3, "every rater gave only one answer"),
        (
            [[0, 0, 0]] * 180 + [[0, 0, 1]] * 10 + [[1, 0, 0]] * 10,
            '"r1" gives every item the same answer',
        ),
        ([[0, 0, 0]] * 180 + [[0, 0, 1]] * 10 + [[1, 0, 0]] * 10 + [[0, 1, 0]] * 10, "unclear"),
    ],
)
def test_agreement_without_kappa_above_0_is_not_praised(
    rows: list[list[int]], because: str, tmp_path: Path
) -> None:
    agreement = agreement_of(rows, categories=2, level="nominal")
    verdict = agreement_verdict(agreement)
    assert because in verdict[0]
    for praise in ("almost perfect", "substantial", "moderate", "fair", "slight"):
        assert praise not in " ".join(verdict)
    assert "almost perfect" not in page_of(agreement, tmp_path).elements[0].text


def test_no_verdict_contradicts_its_own_interval() -> None:
    # One-sided, AC1 is above 0 with 95% probability; the two-sided interval holds 0.
    agreement = agreement_of([[0, 0]] * 29 + [[1, 1]] * 29 + [[0, 1]] * 40, categories=2)
    found = agreement.coefficient("AC1")
    assert found.interval_low is not None
    assert found.interval_low < 0 < found.interval_low + 0.05
    words = [one.word for one in agreement.benchmarks if one.coefficient == "AC1"]
    assert words[0] == "slight"
    assert agreement_verdict(agreement)[0].startswith("Agreement beyond chance is not established")


@pytest.mark.skipif(sys.platform == "win32", reason="the home folder is named otherwise")
def test_a_home_folder_that_cannot_be_written_goes_unmentioned(tmp_path: Path) -> None:
    code = (
        "from localensemble.report.figures import Estimate, forest_plot;"
        "print(forest_plot([Estimate('AC1', 0.5, 0.4, 0.6)], alt='a figure')[:4])"
    )
    (tmp_path / "file").touch()
    environment = {name: value for name, value in os.environ.items() if "CONFIG" not in name}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"HOME": str(tmp_path / "file" / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == ("<svg\n", "")


def test_an_interval_that_is_missing_has_its_reason_on_the_page(tmp_path: Path) -> None:
    page = page_of(agreement_of([[0, 1, 1]]), tmp_path)
    assert "AC1, Fleiss kappa" in page.text
    assert "are without an interval: only one item has labels." in page.text
    assert "are without a bootstrap interval: only one item has labels." in page.text
    assert "are without a jackknife interval: only one item has labels." in page.text


def test_a_crowd_with_many_categories_is_summarized_and_the_page_says_so(tmp_path: Path) -> None:
    rows = [[(i + j) % 90 if (i + j) % 7 == 0 else -1 for j in range(70)] for i in range(90)]
    page = page_of(agreement_of(rows, categories=90), tmp_path)
    assert "most frequent category" in page.text
    assert (
        "how often each of 70 raters chose each of 90 categories. The JSON file has "
        "these counts." in page.text
    )
    assert "60 most frequent of 90 categories" in page.text
    assert "70 raters make 2,415 pairs" in page.text


def test_draws_without_a_value_are_counted_on_the_page(tmp_path: Path) -> None:
    page = page_of(agreement_of([[0, 0, 0], [0, 0, 1]]), tmp_path)
    assert "bootstrap draws Fleiss kappa" in page.text
    assert "had no value; the interval rests on the other draws." in page.text
