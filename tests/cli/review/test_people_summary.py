"""What the commands say about people's decisions, and the table of codebook problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.review.page.reviewed_study import disputed_study
from tests.studies import read_table

pytestmark = pytest.mark.slow  # imports and finishes whole studies

SECRET = "Mrs Example said so"


def decisions(folder: Path, name: str, answers: dict[int, str], *, note: str = "") -> Path:
    path = folder / name
    rows = [f"n-{item},stone,{answer},{note}" for item, answer in answers.items()]
    path.write_text("\n".join(["id,variable,decision,note", *rows]) + "\n", encoding="utf-8")
    return path


def test_import_and_finalize_say_how_far_people_agree(run: Run, tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, [f"text {n}" for n in range(8)], settled=2)
    first = decisions(tmp_path, "anne.csv", dict.fromkeys(range(6), "mildstone"))
    second = decisions(tmp_path, "ben.csv", dict.fromkeys(range(6), "mildstone"))
    given = ("--items", texts.items)
    assert run("review", "import", texts.study, first, *given, "--reviewer", "Anne").code == 0
    ended = run("review", "import", texts.study, second, *given, "--reviewer", "Ben")
    assert ended.code == 0, ended.err
    assert "Agreement between 2 people on 6 items" in " ".join(ended.out.split())
    final = run("finalize", texts.study, *given, "-o", tmp_path / "final.csv")
    assert final.code == 0, final.err
    out = " ".join(final.out.split())
    assert "not a random sample" in out
    assert "localensemble report" in out


def test_codebook_problems_go_to_a_file_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, [f"text {n}" for n in range(8)], settled=4)
    answers = {0: "<codebook unclear>", 1: "mildstone", 5: "<cannot decide>"}
    table = decisions(tmp_path, "anne.csv", answers, note=SECRET)
    ended = run(
        "review", "import", texts.study, table, "--items", texts.items, "--reviewer", "Anne"
    )
    problems = tmp_path / "problems.csv"
    written = run("review", "problems", texts.study, "-o", problems)

    assert written.code == 0, written.err
    assert SECRET not in ended.out + ended.err + written.out + written.err
    rows = read_table(problems)
    assert [(row["id"], row["consensus"], row["answer"], row["note"]) for row in rows] == [
        ("n-0", "", "<codebook unclear>", SECRET),
        ("n-5", "mildstone", "<cannot decide>", SECRET),
    ]
    again = run("review", "problems", texts.study, "-o", problems)
    assert (again.code, "already exists" in again.err) == (2, True)
