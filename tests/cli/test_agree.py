"""`agree` prints what it found in words and tables, and ends with the code that says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.api.cross_check.reference_environment import ReferencePython
from localensemble.privacy.isolation import isolation_refused
from tests.cli.conftest import Run
from tests.studies import study_files

pytestmark = pytest.mark.slow  # resamples every coefficient


def table(folder: Path, header: Sequence[str], *rows: Sequence[str]) -> Path:
    path = folder / "labels.csv"
    lines = [",".join(cells) for cells in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    rows = [
        (f"i{n}", *("yes" if n % 2 else "no",) * 2, "yes" if n % 2 or n % 9 == 0 else "no")
        for n in range(30)
    ]
    return table(tmp_path, ("id", "ann", "bob", "cy"), *rows)


def test_the_verdict_comes_first_and_every_table_follows(run: Run, wide: Path) -> None:
    ended = run("agree", wide, "--level", "nominal", "--bootstrap", "50", "--details")
    assert ended.code == 0
    assert 'columns "ann", "bob", "cy" for the raters;' in ended.out
    heads = [
        "The raters agree",
        "30 of 30 items used",
        "Coefficients (nominal level)",
        "Benchmark scales",
        "By category",
        "By rater",
        "Prevalence: ",
        "By pair of raters",
        "labels are right",
    ]
    places = [ended.out.index(head) for head in heads]
    assert places == sorted(places)
    assert "bootstrap" in ended.out
    for name in ("AC1", "Fleiss kappa", "Conger kappa", "Brennan-Prediger", "Krippendorff alpha"):
        assert name in ended.out


@pytest.mark.parametrize(
    ("requirement", "code", "said"),
    [
        ("AC1 >= 0.1", 0, "Required AC1 >= 0.1: met;"),
        ("AC1 >= 0.9", 5, "Required AC1 >= 0.9: NOT MET;"),
        ("Cohen >= 0.1", 5, "was not computed"),
    ],
)
def test_a_required_level_decides_the_exit_code(
    run: Run, wide: Path, requirement: str, code: int, said: str
) -> None:
    ended = run("agree", wide, "--level", "nominal", "--bootstrap", "0", "--require", requirement)
    assert ended.code == code
    assert said in ended.out


def test_files_are_written_also_when_a_requirement_is_not_met(
    run: Run, wide: Path, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("a.json", "a.csv", "items.csv", "a.html")]
    ended = run(
        "agree", wide, "--level", "nominal", "--bootstrap", "0", "--require", "AC1 >= 1",
        "--json", files[0], "--csv", files[1], "--items", files[2], "--html", files[3],
    )  # fmt: skip
    assert ended.code == 5
    assert all(f"Wrote {path}." in ended.out.replace("\n", "") for path in files)
    assert json.loads(files[0].read_text(encoding="utf-8"))["met"] is False
    assert "Required AC1" in files[3].read_text(encoding="utf-8")
    assert len(files[2].read_text(encoding="utf-8").splitlines()) == 31


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "the level of measurement is not given"),
        (("--level", "rank"), 2, "'rank' is not one of"),
        (("--level", "nominal", "--raters", "ann,bib"), 2, 'no column "bib"'),
        (("--level", "nominal", "--categories", "yes,maybe"), 2, "not a declared category in rows"),
        (("--level", "nominal", "--coefficients", "AC1,kapa"), 2, "Unknown coefficient 'kapa'"),
        (("--level", "nominal", "--require", "AC1"), 2, "Cannot read the requirement"),
        (("--level", "nominal", "--confidence", "1"), 2, "Invalid value for '--confidence'"),
        (("--level", "nominal", "--sheet", "June"), 2, "no sheet to choose"),
        (("--level", "nominal", "--json", "/no/such/folder/a.json"), 1, "Cannot write"),
    ],
)
def test_what_cannot_be_used_ends_with_its_code_and_what_to_do(
    run: Run, wide: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = run("agree", wide, *arguments)
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_names_with_markup_and_control_characters_are_shown_as_they_are(
    run: Run, tmp_path: Path
) -> None:
    path = table(
        tmp_path,
        ("id", "[bold]ann[/bold]", "[/x]", "\x1b[31mcy"),
        ("1", "[red]yes", "[red]yes", "[/]no"),
        ("2", "[red]yes", "[/]no", "[/]no"),
        ("3", "[/]no", "[red]yes", "[red]yes"),
    )
    for more in ((), ("--details",)):
        ended = run("agree", path, "--level", "nominal", "--bootstrap", "0", *more)
        assert ended.code == 0
        for name in ("[bold]ann[/bold]", "[/x]", "[red]yes", "[/]no"):
            assert name in ended.out
        assert "\x1b" not in ended.out


def test_what_is_undefined_is_said_in_words(run: Run, tmp_path: Path) -> None:
    one_rater = table(tmp_path, ("id", "ann"), ("1", "x"), ("2", "y"))
    ended = run("agree", one_rater, "--level", "nominal")
    assert ended.code == 0
    assert "Agreement cannot be measured: no item has labels from two raters" in ended.out
    assert "2 with one label" in ended.out
    assert "nan" not in ended.out.split()


def test_unanimous_raters_have_a_bound_and_kappas_have_none(run: Run, tmp_path: Path) -> None:
    rows = [(str(n), "x", "x", "x") for n in range(10)]
    path = table(tmp_path, ("id", "a", "b", "c"), *rows)
    ended = run("agree", path, "--level", "nominal", "--categories", "x,y", "--bootstrap", "20")
    assert ended.code == 0
    assert 'Fleiss kappa and Conger kappa are undefined: only the category "x" occurs' in ended.out


def test_one_item_has_no_interval_of_any_kind(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path, ("id", "a", "b"), ("1", "x", "y"))
    ended = run("agree", path, "--level", "nominal", "--bootstrap", "20", "--raters", "a,b")
    assert "are without an interval: only one item has labels" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("Scott pi  ")][:1]
    assert line.split()[3:5] == ["none", "none"]


def test_of_two_raters_none_can_be_left_out(run: Run, tmp_path: Path) -> None:
    rows = [(str(n), "x" if n % 2 else "y", "x" if n % 3 else "y") for n in range(9)]
    path = table(tmp_path, ("id", "a", "b"), *rows)
    ended = run("agree", path, "--level", "nominal", "--bootstrap", "0")
    assert "AC1 without" not in ended.out


def test_the_kappa_paradox_is_explained_where_it_occurs(run: Run, tmp_path: Path) -> None:
    rows = [(str(n), "no", "no", "no") for n in range(18)]
    rows += [("18", "no", "no", "yes"), ("19", "yes", "yes", "no")]
    ended = run("agree", table(tmp_path, ("id", "a", "b", "c"), *rows), "--level", "nominal")
    assert "Raters agree on 93.3% of the pairs of labels, yet Fleiss' kappa is 0.30:" in ended.out


def test_groups_are_compared_before_they_are_shown(run: Run, tmp_path: Path) -> None:
    rows = [(str(n), "x", "x" if n % 3 else "y", f"ward {n % 2}") for n in range(20)]
    path = table(tmp_path, ("id", "a", "b", "ward"), *rows)
    ended = run(
        "agree", path, "--level", "nominal", "--group", "ward", "--raters", "a, b",
        "--confidence", "0.9", "--bootstrap", "0", "--details",
    )  # fmt: skip
    assert ended.code == 0
    assert ended.out.index("All variables and groups") < ended.out.index("labels, ward 0")
    assert "90% interval" in ended.out
    assert "labels, ward 1" in ended.out
    assert "Cohen kappa" in ended.out


def test_many_raters_pairs_and_categories_are_cut_and_said(run: Run, tmp_path: Path) -> None:
    raters = [f"r{j}" for j in range(12)]
    rows = [(f"i{i}", *(f"c{(i + (j == i % 12)) % 60:02}" for j in range(12))) for i in range(120)]
    path = table(tmp_path, ("id", *raters), *rows)
    ended = run("agree", path, "--level", "nominal", "--bootstrap", "0", "--details")
    assert "The first 15 of 66 pairs" in ended.out
    assert "The most frequent 21 of 60 categories" in ended.out


def test_a_crowd_is_counted_not_listed(run: Run, tmp_path: Path) -> None:
    rows = [(f"i{i}", f"w{i * 3 + j}", "x" if i % 2 else "y") for i in range(20) for j in range(3)]
    ended = run(
        "agree", table(tmp_path, ("item", "worker", "label"), *rows), "--level", "nominal",
        "--bootstrap", "0", "--details",
    )  # fmt: skip
    assert "60 raters gave 1 to 1 labels each" in ended.out
    assert "Pairs of raters: 60 raters make" in ended.out


def test_the_cross_check_ends_with_the_largest_difference(
    run: Run, wide: Path, reference_python: ReferencePython
) -> None:
    ended = run("agree", wide, "--level", "nominal", "--bootstrap", "0", "--cross-check")
    assert ended.code == 0
    assert "Cross-check with irrCAC " in ended.out
    assert "the largest difference is " in ended.out


def test_an_isolated_cross_check_reaches_the_reference_packages(
    wide: Path, reference_python: ReferencePython
) -> None:
    if refused := isolation_refused():
        pytest.skip(refused)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "localensemble", "agree", str(wide), "--level", "nominal"),
            *("--bootstrap", "0", "--cross-check", "--isolated"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "the largest difference is " in ended.stdout


def test_a_study_needs_no_options(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(20)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("agree", files.study, "--bootstrap", "0", "--details")
    assert ended.code == 0
    assert ended.out.index("All variables and groups") < ended.out.index("topic ─")


def test_with_gold_labels_shared_errors_are_counted(run: Run, tmp_path: Path) -> None:
    # ann and bob err together on i0 and i1; cy errs alone on i2.
    words = ("yes", "no")
    rows = [
        (f"i{n}", *(words[(n + (n < 2)) % 2],) * 2, words[(n + (n == 2)) % 2], words[n % 2])
        for n in range(20)
    ]
    path = table(tmp_path, ("id", "ann", "bob", "cy", "truth"), *rows)
    written, page = tmp_path / "agreement.json", tmp_path / "agreement.html"
    ended = run(
        "agree", path, "--level", "nominal", "--gold", "truth", "--bootstrap", "0",
        "--json", written, "--html", page, "--details",
    )  # fmt: skip
    assert ended.code == 0
    assert "The 3 raters average out errors as well as" in ended.out
    assert "Errors in common, by pair of raters" in ended.out
    first = ended.out[ended.out.index("Errors in common") :].splitlines()[3].split()
    assert first[:6] == ["ann", "bob", "20", "10.0%", "10.0%", "1.0%"]
    shared = json.loads(written.read_text(encoding="utf-8"))["variables"][0]["shared_errors"]
    assert shared["pairs"][0]["rate"] == 0.1
    assert shared["raters"] == 3
    assert "Both wrong on labels" in page.read_text(encoding="utf-8")


def test_without_gold_labels_nothing_is_said_of_errors(run: Run, wide: Path) -> None:
    ended = run("agree", wide, "--level", "nominal", "--bootstrap", "0", "--details")
    assert "Errors in common" not in ended.out
    assert "Excess" in ended.out


def test_gold_labels_of_a_study_are_left_to_evaluate(run: Run, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    ended = run("agree", tmp_path / "study", "--gold", "truth")
    assert ended.code == 2
    assert "localensemble evaluate STUDY --gold FILE" in ended.err


SCREEN = 40


def five_variables(folder: Path) -> Path:
    rows = [
        (f"i{n}", rater, variable, "yes" if (n * seed) % 7 < 3 + lean else "no")
        for n in range(40)
        for lean, rater in enumerate(("ann", "bob", "cy"))
        for seed, variable in enumerate(("pain", "sleep", "mood", "work", "home"), start=1)
    ]
    return table(folder, ("item", "rater", "variable", "label"), *rows)


def test_five_variables_fit_on_a_screen_and_details_has_every_table(
    run: Run, tmp_path: Path
) -> None:
    given = ("agree", five_variables(tmp_path), "--level", "nominal", "--bootstrap", "0")
    short = run(*given, "--variable-column", "variable")
    assert len(short.out.splitlines()) <= SCREEN
    assert "--details" in short.out
    assert "By category" not in short.out
    assert all(f"\n{name} " in short.out for name in ("pain", "sleep", "mood", "work", "home"))
    whole = run(*given, "--variable-column", "variable", "--details")
    assert whole.out.count("By category") == 5


def test_a_requirement_that_is_not_met_is_on_the_first_screen(run: Run, tmp_path: Path) -> None:
    ended = run(
        "agree", five_variables(tmp_path), "--level", "nominal", "--variable-column", "variable",
        "--require", "AC1 >= 0.99", "--require", "AC1 >= -1", "--bootstrap", "0",
    )  # fmt: skip
    assert ended.code == 5
    missed = " ".join(line for line in ended.out.splitlines() if "0.99: NOT MET" in line)
    assert all(name in missed for name in ("pain", "sleep", "mood", "work", "home"))
    assert len(ended.out.splitlines()) <= SCREEN


def test_of_many_raters_the_pair_that_agrees_least_is_named(run: Run, tmp_path: Path) -> None:
    raters = [f"r{j}" for j in range(10)]
    rows = [
        (f"i{n}", *("x" if (n + (j == 9) * n) % 2 else "y" for j in range(10))) for n in range(30)
    ]
    path = table(tmp_path, ("id", *raters), *rows)
    ended = run("agree", path, "--level", "nominal", "--bootstrap", "0")
    assert "Of 45 pairs of raters" in ended.out
    assert '"r9"' in ended.out[ended.out.index("Of 45 pairs") :]
    assert len(ended.out.splitlines()) <= SCREEN
