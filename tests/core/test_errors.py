"""Every error of ours says what to do and knows how the program ends."""

from __future__ import annotations

import errno
import re

import pytest

from localensemble.core import errors
from localensemble.core.errors import (
    EngineError,
    EngineUnavailableError,
    InputError,
    LedgerError,
    LocalEnsembleError,
    kind_and_place,
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


def test_an_unexpected_error_is_named_by_kind_and_place_only() -> None:
    def named(error: Exception) -> str:
        try:
            raise error
        except Exception as raised:
            return kind_and_place(raised)

    assert re.fullmatch(rf"ValueError at {re.escape(__name__)}:\d+", named(ValueError("secret")))
    full = named(OSError(errno.ENOSPC, "secret", "secret.csv"))
    assert re.fullmatch(rf"OSError \(No space left on device\) at {re.escape(__name__)}:\d+", full)
    assert kind_and_place(ValueError("secret")) == "ValueError at unknown place"
