"""A spreadsheet in another language changes no cell of a study's tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.people.finalize import finalize
from localensemble.api.people.import_decisions import ImportDecisionsOptions, import_decisions
from localensemble.api.people.worksheet import write_worksheet
from localensemble.api.sample import sample
from scripts.check_spreadsheet import LOCALES, changed_cells, find_soffice, main
from tests.studies import SCRIPTED, read_table, study_files

pytestmark = pytest.mark.slow  # labels studies, and starts LibreOffice if it is there

# With eight raters the support of many a label has three decimals.
RATERS = SCRIPTED + "".join(f"  - {{model: rater{n}, engine: scripted}}\n" for n in range(4, 9))
RULES = "escalation:\n  - {policy: support_below, limit: 0.6}\n"


@pytest.fixture
def soffice() -> str:
    """LibreOffice; skips the test without it."""
    found = find_soffice()
    if found is None:
        pytest.skip("needs LibreOffice Calc; install it or name it in SOFFICE")
    return found


@pytest.mark.parametrize(("delimiter", "dose"), [(",", "0.5"), (";", "0,5"), (";", "much")])
def test_no_cell_of_a_table_changes(
    soffice: str,
    delimiter: str,
    dose: str,
    tmp_path: Path,
) -> None:
    texts = [f'Zeile {n}, "kalt"; comment' for n in range(30)]
    files = study_files(tmp_path, texts, ensemble=RATERS + RULES)
    items = read_table(files.items)
    write(files.items, [{**row, "dose": dose} for row in items], delimiter)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    worksheet = tmp_path / "worksheet.csv"
    sample(files.study, items=files.items, count=9, seed=1, worksheet=worksheet)
    queued = tmp_path / "queue.csv"
    write_worksheet(files.study, items=files.items, output=queued)
    with files.study.joinpath("escalations.csv").open(encoding="utf-8", newline="") as stream:
        queue = [*csv.DictReader(stream, delimiter=delimiter)]
    answers = {"topic": "food", "urgent": "no"}
    decided = [{**row, "decision": answers[row["variable"]]} for row in queue]
    write(tmp_path / "decisions.csv", decided, delimiter)
    by = ImportDecisionsOptions(reviewer="AB")
    import_decisions(files.study, tmp_path / "decisions.csv", items=files.items, options=by)
    finalize(files.study, output=tmp_path / "final.csv", items=files.items)
    tables = [files.study / "labels.csv", files.study / "escalations.csv", worksheet, queued]
    tables += [tmp_path / "decisions.csv", tmp_path / "final.csv"]
    for locale in LOCALES:
        for special in (False, True):
            assert changed_cells(soffice, tables, locale=locale, special=special) == []


def test_numbers_that_a_spreadsheet_misreads_are_found(soffice: str, tmp_path: Path) -> None:
    changed_in = {
        "0.125": {"de-DE"},
        "202.658": {"de-DE"},
        "0,125": {"en-US"},
        "1e-05": {"de-DE", "en-US"},
        "007": {"de-DE", "en-US"},
        "0.1250": set(),
        "0.333333": set(),
    }
    table = tmp_path / "table.csv"
    rows = "".join(f"{number};{cell}\n" for number, cell in enumerate(changed_in, start=1))
    table.write_text(f"id;dose\n{rows}", encoding="utf-8")
    found: dict[int, set[str]] = {}
    for locale in LOCALES:
        for change in changed_cells(soffice, [table], locale=locale, special=False):
            assert change.column == "dose"
            found.setdefault(change.row, set()).add(locale)
    assert [found.get(row, set()) for row in range(1, 8)] == [*changed_in.values()]


def test_without_a_spreadsheet_nothing_is_checked_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SOFFICE", raising=False)
    assert main([tmp_path / "labels.csv"]) == 0
    assert "nothing was checked" in capsys.readouterr().out


def write(path: Path, rows: list[dict[str, str]], delimiter: str) -> None:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
