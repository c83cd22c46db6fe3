"""A misspelled command gets the name that was probably meant."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (("lable", "notes.csv"), "label"),
        (("agre",), "agree"),
        (("models", "list-all"), "list"),
        (("ledger", "verfy"), "verify"),
    ],
)
def test_a_command_that_nearly_exists_is_suggested(
    run: Run, written: tuple[str, ...], meant: str
) -> None:
    ended = run(*written)
    assert ended.code == 2
    assert f"Did you mean '{meant}'?" in ended.err


def test_a_word_unlike_any_command_suggests_nothing(run: Run) -> None:
    ended = run("xyzzy")
    assert (ended.code, "No such command" in ended.err) == (2, True)
    assert "Did you mean" not in ended.err
