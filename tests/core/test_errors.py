"""Every error of ours says what to do and knows how the program ends."""

from __future__ import annotations

import pytest

from localensemble.core import errors
from localensemble.core.errors import (
    EngineError,
    EngineUnavailableError,
    InputError,
    LedgerError,
    LocalEnsembleError,
)

ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LocalEnsembleError)
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_shows_its_message_and_then_its_hint(kind: type[LocalEnsembleError]) -> None:
    error = kind("Cannot do it: it is broken.", hint="Mend it.")
    assert str(error) == "Cannot do it: it is broken.\nMend it."
    assert str(kind("Cannot do it.")) == "Cannot do it."


def test_exit_codes_say_whose_turn_it_is() -> None:
    assert {kind.exit_code for kind in ALL if issubclass(kind, InputError)} == {2}
    assert EngineUnavailableError.exit_code == 4
    assert {EngineError.exit_code, LedgerError.exit_code, LocalEnsembleError.exit_code} == {1}


def test_only_a_crash_of_the_engine_is_worth_another_try() -> None:
    assert [kind.__name__ for kind in ALL if kind.retryable] == ["EngineCrashedError"]
