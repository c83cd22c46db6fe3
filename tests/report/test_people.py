"""The report and the summaries stay right when people have decided."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from localensemble.api.evaluate import findings_of
from localensemble.api.label import LabelOptions, label
from localensemble.api.notebook.opened_study import Study as NotebookStudy
from localensemble.api.report import write_report
from localensemble.cli.results.study_summary import show_summary
from localensemble.findings.people.people_counts import PeopleCounts
from localensemble.report.people_wording import people_sentence
from localensemble.report.verdict import many_verdict
from localensemble.study.study import Study
from tests.people import decide
from tests.studies import study_files

pytestmark = pytest.mark.slow  # labels a study and writes its report


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = study_files(tmp_path_factory.mktemp("report"), [f"comment {n}" for n in range(40)])
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files.study


@pytest.fixture
def folder(labeled: Path, tmp_path: Path) -> Path:
    """A study in which two escalated items and an accepted one were decided."""
    folder = Path(shutil.copytree(labeled, tmp_path / "study"))
    with Study.open(folder) as study:
        decided = study.decide()[0]
    first, second = decided.escalated.nonzero()[0][:2].tolist()
    settled = int(decided.accepted.nonzero()[0][0])
    names = decided.variable.answers
    other = names[(int(decided.categories[settled]) + 1) % len(names)]
    decide(
        folder,
        {first: names[0], second: "cannot_decide", settled: other},
        variable=decided.variable.name,
    )
    return folder


def test_the_report_counts_what_people_decided(folder: Path) -> None:
    findings = write_report(folder).findings
    one = findings.variables[0]
    people = one.people
    assert people is not None
    assert (people.adjudicated, people.unresolved, people.differ) == (2, 1, 0)
    assert people.accepted == one.accepted - 1
    assert people.open == one.escalated - 2
    assert people.overruled >= 1
    assert sum(people.category_counts) == 2
    assert one.final + one.open + one.unresolved == one.accepted + one.escalated
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"{people.accepted:,} from the consensus and 2 from people" in page
    assert "What people decided" in page
    assert "2 decided by a person" in page
    assert "no final label" in page
    assert '"adjudicated": 2' in (folder / "findings.json").read_text(encoding="utf-8")


def test_without_decisions_of_people_the_report_says_nothing_of_them(
    labeled: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(labeled, tmp_path / "study"))
    findings = write_report(folder).findings
    assert all(one.people is None for one in findings.variables)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "What people decided" not in page
    assert "no final label" not in page


def test_the_summary_on_the_terminal_has_columns_for_people(folder: Path) -> None:
    with Study.open(folder) as study:
        findings = findings_of(study, decisions=study.decide(), gold=None)
    printed = io.StringIO()
    show_summary(findings, console=Console(file=printed, width=200))
    heads = next(line for line in printed.getvalue().splitlines() if "escalated" in line)
    assert "by a person" in heads
    assert "unresolved" in heads
    assert "open" in heads


def test_a_study_in_a_notebook_shows_what_is_open(folder: Path) -> None:
    page = NotebookStudy(folder)._repr_html_()
    assert "By a person" in page
    assert "Open" in page


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (PeopleCounts(6, 4, 0, 0, 0, 1, (4,)), "All 10 items have a final label: 6 from"),
        (PeopleCounts(6, 2, 0, 2, 2, 1, (2,)), "8 of 10 items have a final label"),
        (PeopleCounts(6, 2, 1, 1, 0, 1, (2,)), "people left 1 unresolved and 1 waits"),
        (PeopleCounts(0, 1, 9, 0, 0, 1, (1,)), "1 of 10 items has a final label"),
    ],
)
def test_the_sentence_counts_each_item_once(people: PeopleCounts, said: str) -> None:
    assert said in people_sentence(people, items=10)


def test_many_variables_are_summed_by_final_label(folder: Path) -> None:
    with Study.open(folder) as study:
        findings = findings_of(study, decisions=study.decide(), gold=None)
    one = findings.variables[0]
    (first, *_) = many_verdict([one, replace(one, people=None)])[0].sentences
    total = one.final + one.accepted
    assert first.startswith(f"{total:,} of {2 * (one.accepted + one.escalated):,} labels are final")
    assert "people left 1 unresolved" in first
    assert "most are caused" not in first
