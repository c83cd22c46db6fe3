"""Two runs of one study have equal results, and no difference between results is missed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from scripts.compare_results import main
from tests.studies import change_behind_triggers, study_files

pytestmark = pytest.mark.slow  # compares whole studies

TEXTS = [f"The ward was noisy in night {n} and nobody came." for n in range(12)]
AGREEMENT = {"source": "ratings.csv", "variables": [{"coefficients": [{"value": 0.5, "n": 1}]}]}

Compare = Callable[..., int]


def labeled(folder: Path, results: Path) -> None:
    files = study_files(folder, TEXTS)
    label(
        files.items,
        codebook=files.codebook,
        study=results / "study",
        options=LabelOptions(ensemble=files.ensemble),
    )
    (results / "agree").mkdir()
    (results / "agree" / "ratings.json").write_text(json.dumps(AGREEMENT), encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    labeled(folder / "files", folder / "old")
    return folder / "old"


@pytest.fixture
def new(results: Path, tmp_path: Path) -> Path:
    shutil.copytree(results, tmp_path / "new")
    return tmp_path / "new"


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def change_ledger(results: Path, statement: str) -> None:
    def change(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount > 0

    change_behind_triggers(results / "study" / "study.sqlite", change)
    # What is beside the ledger is not compared, so nothing may stay there.
    with closing(sqlite3.connect(results / "study" / "study.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_two_runs_of_one_study_are_equal_and_the_counts_are_printed(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labeled(tmp_path / "files", tmp_path / "again")
    before = sorted(path.name for path in (results / "study").iterdir())
    assert main([str(results), str(tmp_path / "again")]) == 0
    printed = capsys.readouterr().out
    assert "6 files" in printed
    assert "72 labels, 180 probabilities" in printed  # 12 items, 3 raters; 3 and 2 categories
    assert sorted(path.name for path in (results / "study").iterdir()) == before


def test_folders_with_nothing_to_compare_are_not_equal(tmp_path: Path) -> None:
    assert main([str(tmp_path), str(tmp_path)]) == 1


def first_cell(new: Path) -> None:
    file = new / "study" / "labels.csv"
    replace(file, ",accepted,", ",Accepted,")


def last_row(new: Path) -> None:
    file = new / "study" / "labels.csv"
    file.write_text("".join(file.read_text("utf-8").splitlines(True)[:-1]), encoding="utf-8")


def new_column(new: Path) -> None:
    file = new / "study" / "labels.csv"
    lines = file.read_text("utf-8").splitlines()
    file.write_text(
        "".join(f"{line},{'x' if n else 'topic.more_codes'}\n" for n, line in enumerate(lines)),
        encoding="utf-8",
    )


def renamed_column(new: Path) -> None:
    replace(new / "study" / "escalations.csv", ",doubt,", ",uncertainty,")


def last_digit(new: Path) -> None:
    file = new / "study" / "findings.json"
    findings = json.loads(file.read_text("utf-8"))
    coefficient = findings["variables"][0]["coefficients"][0]
    coefficient["value"] = coefficient["value"] * (1 + 2**-52)
    file.write_text(json.dumps(findings), encoding="utf-8")


def another_type(new: Path) -> None:
    replace(new / "agree" / "ratings.json", '"n": 1', '"n": 1.0')


def agreement_text(new: Path) -> None:
    replace(new / "agree" / "ratings.json", "ratings.csv", "other.csv")


def renamed_key(new: Path) -> None:
    replace(new / "study" / "findings.json", '"unlabeled"', '"not_labeled"')


def shorter_list(new: Path) -> None:
    replace(new / "agree" / "ratings.json", '{"value": 0.5, "n": 1}', "")


def missing_file(new: Path) -> None:
    (new / "study" / "escalations.csv").unlink()


def new_file(new: Path) -> None:
    (new / "study" / "more.json").write_text("{}", encoding="utf-8")


def one_probability(new: Path) -> None:
    change_ledger(
        new,
        "UPDATE label SET probabilities = CAST(x'00' || substr(probabilities, 2) AS BLOB) "
        "WHERE substr(probabilities, 1, 1) != x'00' AND item_key = 3",
    )


def one_category(new: Path) -> None:
    change_ledger(
        new, "UPDATE label SET category = 1 - category WHERE category < 2 AND item_key = 5"
    )


def rater_name(new: Path) -> None:
    change_ledger(new, "UPDATE rater_name SET name = 'fourth' WHERE name = 'third'")


def rater_identity(new: Path) -> None:
    change_ledger(
        new,
        "UPDATE rater SET identity = json_set(identity, '$.engine_version', 'another')",
    )


PLANTED: dict[Callable[[Path], None], str] = {
    first_cell: "study/labels.csv: 1 difference",
    last_row: "rows: 12 before, 11 now",
    new_column: 'column "topic.more_codes" is new',
    renamed_column: 'column "doubt" is missing now',
    last_digit: "variables[0].coefficients[0].value: ",
    another_type: "variables[0].coefficients[0].n: 1 before, 1.0 now",
    agreement_text: "source: ",
    renamed_key: 'key "unlabeled" is missing now',
    shorter_list: "variables[0].coefficients: 1 entries before, 0 now",
    missing_file: 'file or folder "escalations.csv" is missing now',
    new_file: 'file or folder "more.json" is new',
    one_probability: ", probabilities: ",
    one_category: ", category: ",
    rater_name: "raters[2].name: ",
    rater_identity: "raters[0].identity.engine_version: ",
}


@pytest.mark.parametrize(
    ("plant", "printed"), PLANTED.items(), ids=[plant.__name__ for plant in PLANTED]
)
def test_a_planted_difference_is_found(
    plant: Callable[[Path], None],
    printed: str,
    results: Path,
    new: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant(new)
    assert main([str(results), str(new)]) == 1
    assert printed in capsys.readouterr().out.replace("'", '"')


@pytest.mark.parametrize(
    ("plant", "options"),
    [
        (new_column, ["--added", "more_codes"]),
        (renamed_column, ["--renamed", "doubt=uncertainty"]),
        (renamed_key, ["--renamed", "unlabeled=not_labeled"]),
        (new_file, ["--added", "more.json"]),
        (agreement_text, ["--reworded", "source"]),
    ],
)
def test_a_difference_that_is_named_may_be(
    plant: Callable[[Path], None], options: list[str], results: Path, new: Path
) -> None:
    plant(new)
    assert main([str(results), str(new), *options]) == 0


def test_a_renamed_column_is_still_compared(results: Path, new: Path) -> None:
    renamed_column(new)
    file = new / "study" / "escalations.csv"
    header, first, *rest = file.read_text("utf-8").splitlines()
    place = header.split(",").index("uncertainty")
    cells = first.split(",")
    cells[place] += "1"
    file.write_text("\n".join([header, ",".join(cells), *rest]) + "\n", encoding="utf-8")
    assert main([str(results), str(new), "--renamed", "doubt=uncertainty"]) == 1


def test_a_reworded_text_keeps_its_numbers(results: Path, new: Path) -> None:
    replace(new / "agree" / "ratings.json", "ratings.csv", "2 ratings.csv")
    assert main([str(results), str(new), "--reworded", "source"]) == 1


def test_a_ledger_that_is_in_use_is_refused(results: Path, new: Path) -> None:
    (new / "study" / "study.sqlite-wal").write_bytes(b"labels that the file lacks")
    with pytest.raises(SystemExit, match="in use"):
        main([str(results), str(new)])


def test_the_contents_of_table_cells_are_not_printed(
    results: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(new / "study" / "labels.csv", "noisy in night 0", "quiet in night 0")
    assert main([str(results), str(new)]) == 1
    printed = capsys.readouterr().out
    assert 'row 1, column "text"' in printed
    assert "night" not in printed
