"""A worksheet about existing labels asks what the page asks, and hides both sides."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import localensemble as le
from localensemble.api.people.worksheet import (
    NO_EXISTING_LABELS,
    ExistingLabels,
    WrittenWorksheet,
    write_worksheet,
)
from localensemble.core.errors import InputError
from localensemble.findings.people.people_findings import people_findings
from localensemble.study.study import Study
from tests.cli.conftest import Run, run  # noqa: F401
from tests.review.page.reviewed_study import CATEGORIES, Texts, disputed_study

pytestmark = pytest.mark.slow  # decides and writes a study for every test

DIFFERENT = (12, 15, 20, 28)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 items; the raters agree on the last 20, and existing labels differ on four of these."""
    folder = tmp_path_factory.mktemp("existing")
    disputed_study(folder, [f"text {n}" for n in range(30)], settled=20)
    rows = [f"n-{n},{CATEGORIES[2 if n in DIFFERENT else 0]}" for n in range(30)]
    (folder / "existing.csv").write_text("\n".join(["id,stone", *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def texts(made: Path, tmp_path: Path) -> Texts:
    copied = Path(shutil.copytree(made, tmp_path / "copy"))
    return Texts(copied / "study", copied / "notes.csv")


def asked(
    texts: Texts, name: str = "w.csv", *, audit_share: float = 0.0, seed: int = 0
) -> tuple[WrittenWorksheet, list[dict[str, str]]]:
    existing = ExistingLabels(texts.items.parent / "existing.csv", audit_share, seed)
    path = texts.items.parent / name
    written = write_worksheet(texts.study, items=texts.items, output=path, existing=existing)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return written, [*csv.DictReader(stream)]


def test_it_asks_exactly_about_the_differences_and_shows_neither_side(texts: Texts) -> None:
    written, rows = asked(texts)
    assert sorted(row["id"] for row in rows) == sorted(f"n-{n}" for n in DIFFERENT)
    assert (written.asked, written.waiting) == (4, 4)
    shown = {cell for row in rows for cell in row.values()}
    assert shown.isdisjoint(CATEGORIES)


def test_an_audit_adds_its_share_of_the_agreements_and_another_seed_draws_others(
    texts: Texts,
) -> None:
    drawn = []
    for seed in range(3):
        _, rows = asked(texts, f"{seed}.csv", audit_share=0.25, seed=seed)
        drawn.append(tuple(row["id"] for row in rows))
        assert len(rows) == 4 + 4
    assert len({frozenset(one) for one in drawn}) > 1


def test_answers_come_back_into_the_comparison_and_are_not_asked_again(texts: Texts) -> None:
    _, rows = asked(texts)
    for row in rows:
        row["decision_stone"] = CATEGORIES[0 if row["id"] == "n-12" else 2]
    back = texts.items.parent / "back.csv"
    with back.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    le.import_decisions(texts.study, back, items=texts.items, reviewer="Ann")
    with Study.open(texts.study) as study:
        (found,) = people_findings(study, decisions=study.decide())
    assert found.existing is not None
    assert (found.existing.disagreements, found.existing.study_right) == (4, 1)
    with pytest.raises(InputError, match="Nothing is left"):
        asked(texts, "again.csv")


def test_a_worksheet_that_would_show_a_side_is_refused(texts: Texts) -> None:
    existing = ExistingLabels(texts.items.parent / "existing.csv")
    output = texts.items.parent / "w.csv"
    with pytest.raises(InputError, match="which side"):
        write_worksheet(
            texts.study, items=texts.items, output=output, existing=existing, beside_labels=True
        )
    with pytest.raises(InputError, match="--against"):
        write_worksheet(
            texts.study, items=texts.items, output=output, existing=ExistingLabels(audit_share=0.1)
        )
    assert NO_EXISTING_LABELS.against is None
    assert not output.exists()


def test_python_and_the_command_line_write_the_same_worksheet(texts: Texts, run: Run) -> None:  # noqa: F811
    folder = texts.items.parent
    against = folder / "existing.csv"
    written = le.write_worksheet(
        texts.study, folder / "p.csv", items=texts.items, against=against, audit_share=0.25
    )
    ended = run(
        *("review", "worksheet", texts.study, "--items", texts.items, "-o", folder / "c.csv"),
        *("--against", against, "--audit-share", 0.25),
    )
    assert ended.code == 0, ended.err
    assert "8 of 8" in ended.out
    assert written.asked == 8
    assert (folder / "p.csv").read_bytes() == (folder / "c.csv").read_bytes()
