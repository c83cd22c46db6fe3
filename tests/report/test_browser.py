"""What a person sees of a report without scrolling, measured in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from tests.report.browser import measured
from tests.studies import study_files

pytestmark = pytest.mark.slow  # labels a study and starts a browser

BOTTOMS = """[...document.querySelectorAll(
    'header, #glance .scroll, #glance tr, #glance svg.mark, #verdict, #verdict p'
)].map(one => one.getBoundingClientRect().bottom)"""


@pytest.fixture(scope="module", params=[False, True], ids=["no gold", "gold"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 2 variables and 3 raters, of which one is unfit."""
    ensemble = (
        "raters:\n  - {model: a-model-with-a-long-name-0.5b, engine: scripted}\n"
        "  - {model: second, engine: scripted, context_tokens: 400}\n"
        "  - {model: third, engine: scripted}\n"
        "escalation:\n  - {policy: off_codebook_mass_above, limit: 0.5}\n"
    )
    texts = [("word " * 390 if n % 2 else "a text ") + str(n) for n in range(60)]
    files = study_files(tmp_path_factory.mktemp("browser"), texts, ensemble=ensemble)
    gold = None
    if request.param:
        gold = files.folder / "gold.csv"
        with gold.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("id", "gold_topic", "gold_urgent"))
            writer.writerows(
                (f"i-{n}", ("staff", "food", "other")[n % 3], ("yes", "no")[n % 2])
                for n in range(60)
            )
    options = LabelOptions(ensemble=files.ensemble, gold=gold)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files.study / "report.html"


def test_the_first_screen_ends_above_800_pixels(report: Path) -> None:
    bottoms = measured(report, BOTTOMS, width=1280)
    assert len(bottoms) > 30
    assert max(bottoms) <= 800


@pytest.mark.parametrize("width", [1280, 800, 480])
def test_nothing_scrolls_sideways_or_lies_on_something_else(report: Path, width: int) -> None:
    found = measured(
        report,
        """{
            page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            cells: [...document.querySelectorAll('.glance td')].map(
                one => one.scrollWidth - one.clientWidth),
            bars: [...document.querySelectorAll('.glance .mark')].map(
                one => one.getBoundingClientRect().width),
        }""",
        width=width,
    )
    assert found["page"] <= 0
    assert max(found["cells"]) <= 1
    assert min(found["bars"]) >= 30


def test_folded_tables_are_open_in_print(report: Path) -> None:
    script = """[...document.querySelectorAll('details .scroll, details ul')].map(
        one => one.checkVisibility({contentVisibilityAuto: true}) && one.offsetHeight > 0)"""
    on_screen = measured(report, script, width=1280)
    printed = measured(report, script, width=1280, printed=True)
    assert len(printed) == len(on_screen) > 0
    assert not any(on_screen)
    assert all(printed)
