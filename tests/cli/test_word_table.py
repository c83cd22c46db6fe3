"""Tables on a narrow terminal keep words and numbers whole, and leave nothing out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from localensemble.cli.console import MOST_ROWS, cut
from localensemble.cli.results.word_table import WordTable
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, study_files

WORDS = st.lists(st.text("abcxyz/-é漢", min_size=1, max_size=20), min_size=1, max_size=4)
NUMBERS = st.integers(0, 10**9).map(lambda number: f"{number:,}")


def printed(table: WordTable, *, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False).print(table)
    return stream.getvalue()


@given(
    words=st.lists(WORDS, min_size=2, max_size=2),
    numbers=st.lists(NUMBERS, min_size=1, max_size=14),
)
def test_every_word_and_number_is_whole_within_the_width(
    words: list[list[str]], numbers: list[str]
) -> None:
    headings = [f"number {place}" for place in range(len(numbers))]
    table = WordTable("Title", words=["who", "what"], numbers=headings)
    table.add_row(*map(" ".join, words), *numbers)
    out = printed(table)
    assert max(map(cell_len, out.splitlines())) <= 80
    found = out.split()
    for cell in [*words[0], *words[1], *numbers]:
        assert cell in found


def test_columns_without_room_stand_below_with_the_words_again() -> None:
    table = WordTable("Title", words=["category"], numbers=[f"n{n}" for n in range(12)])
    table.add_row("Transition/coordination", *["1,000,000"] * 12)
    out = printed(table)
    assert out.count("Transition/coordination") == out.count("category") == 3
    assert out.count("1,000,000") == 12
    assert out.count("Title") == 1


def test_names_are_shown_as_they_are_but_for_control_characters() -> None:
    table = WordTable("[b]Title", words=["category"], numbers=["n"])
    table.add_row("[/b] food", "1")
    table.add_row("two\nlines\x1b[31m \u202egnol", "2")
    out = printed(table)
    assert "[b]Title" in out
    assert "[/b] food" in out
    assert "two\N{REPLACEMENT CHARACTER}lines\N{REPLACEMENT CHARACTER}[31m" in out
    assert "\u202e" not in out


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="2 cells; expected 3"):
        WordTable("Title", words=["a"], numbers=["b", "c"]).add_row("1", "2")


def test_rows_beyond_a_screen_are_counted_and_the_table_says_where_all_are() -> None:
    table = WordTable("Title", words=["who"], numbers=["n"], whole="findings.json has all")
    for number in range(200):
        table.add_row(f"rater-{number}", str(number))
    out = printed(table)
    assert len(out.splitlines()) <= 25
    assert "rater-20 " in out
    assert "rater-21" not in out
    assert "and 179 more (findings.json has all)" in out


def test_long_lists_are_cut_and_short_ones_are_not() -> None:
    assert cut(["a", "b"], most=2) == ("a", "b")
    assert cut(["a", "b", "c", "d"], most=2) == ("a", "b", "and 2 more")
    assert len(cut([str(n) for n in range(500)], whole="the file has all")) == MOST_ROWS + 1


@pytest.mark.slow  # labels a study
def test_commands_keep_names_whole_on_80_columns(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.cli.console._WIDTH_WITHOUT_TERMINAL", 80)
    codebook = CODEBOOK.replace("name: food", "name: transition/coordination")
    ensemble = SCRIPTED.replace("model: first", "name: qwen2.5-instruct-7b-q4, model: first")
    files = study_files(
        tmp_path, [f"comment {n}" for n in range(60)], ensemble=ensemble, codebook=codebook
    )
    gold = tmp_path / "gold.csv"
    rows = "".join(f"i-{n},transition/coordination\n" for n in range(60))
    gold.write_text(f"id,gold_topic\n{rows}", encoding="utf-8")
    given = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = run("label", files.items, *given, "--details")
    for ended in (
        labeled,
        run("evaluate", files.study, "--gold", gold, "--details"),
        run("consensus", files.study, "--details"),
        run("agree", files.study, "--details"),
    ):
        assert ended.code == 0
        tables = [line for line in ended.out.splitlines() if line.endswith(" ")]
        assert max(map(len, tables)) <= 80
        assert "qwen2.5-instruct-7b-q4" in ended.out.split()
        assert "Krippendorff" in ended.out.split()
    ended = run("evaluate", files.study, "--gold", gold, "--details")
    assert "transition/coordination" in ended.out.split()
