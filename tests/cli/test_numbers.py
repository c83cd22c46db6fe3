"""Numbers on the terminal say what they are of."""

from __future__ import annotations

from localensemble.cli.numbers import overruled


def test_a_method_that_decided_no_clear_majority_has_no_share_of_them() -> None:
    assert overruled(3, of=1200) == "3 of 1,200"
    assert overruled(0, of=12) == "0 of 12"
    assert overruled(0, of=0) == "none"
