"""Identifiers are replaced by their kinds, in bounded time; what is found is not kept."""

from __future__ import annotations

import importlib.util
import time

import pytest

from localensemble.core.errors import InputError
from localensemble.privacy.deidentify import bounded_patterns
from localensemble.privacy.deidentify.deidentifier import Deidentifier
from localensemble.privacy.deidentify.text_masks import FoundIdentifier, with_placeholders
from localensemble.privacy.identifiers.kinds import KINDS
from scripts.bench.identifiers import MAKERS, measure_replaced


def deidentifier(
    patterns: dict[str, str] | None = None, *, built_in: bool = True, presidio: bool = False
) -> Deidentifier:
    return Deidentifier(built_in=built_in, presidio=presidio, patterns=patterns or {})


def replaced(text: str, **patterns: str) -> str:
    return deidentifier(patterns).replaced(text, where="row 1").text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mrs Smith came on 3/4/2020.", "[NAME] came on [DATE]."),
        ("a 93-year-old, call 07700 900123", "a [AGE OVER 89], call [TELEPHONE NUMBER]"),
        ("a.b@mail.example.org", "[E-MAIL ADDRESS]"),
        ("BP 128/82, 500 mg for 7 days", "BP 128/82, 500 mg for 7 days"),
        ("", ""),
        ("\ud800 on 2021-03-04 \U0001f600", "\ud800 on [DATE] \U0001f600"),
    ],
)
def test_an_identifier_is_replaced_by_its_kind(text: str, shown: str) -> None:
    assert replaced(text) == shown


def test_patterns_of_the_codebook_come_first_and_keep_what_they_found() -> None:
    assert replaced("visit 3/4/2020", visit=r"visit \S+") == "[VISIT]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("born 3 March 1999", "born [DATE][YEAR]"),
        ("seen 01/02/1999, well", "seen [DATE][YEAR], well"),
        ("call 07700 901999 today", "call [TELEPHONE NUMBER][YEAR] today"),
        ("1999a.b@mail.example.org", "[YEAR][E-MAIL ADDRESS]"),
    ],
)
def test_a_pattern_that_finds_a_part_leaves_nothing_of_an_identifier(text: str, shown: str) -> None:
    assert replaced(text, year="1999") == shown


@pytest.mark.parametrize("greedy", [r"(?s).+", r"[A-Z]+", r"\]"])
def test_a_placeholder_is_never_searched(greedy: str) -> None:
    found = deidentifier({"first": r"ST-\d+", "later": greedy}, built_in=False)
    assert "[FIRST]" in found.replaced("the ST-12 text", where="row 1").text


def test_one_text_that_two_patterns_find_is_counted_once() -> None:
    found = deidentifier({"a": "Leeds", "b": "in Leeds"}, built_in=False)
    shown = found.replaced("in Leeds", where="row 1")
    assert (shown.text, dict(shown.counts)) == ("[B][A]", {"A": 1, "B": 1})


def test_repr_shows_no_text() -> None:
    shown = deidentifier().replaced("a quiet ward", where="row 1")
    assert "quiet" not in repr(shown)


@pytest.mark.slow  # waits until the time of a pattern is over
@pytest.mark.parametrize("pattern", [r"(a+)+b", r"((a|b)+)+c", r"(?:a|a)+b", r"(a*)*b", r"(.*)*x"])
def test_a_hostile_pattern_ends_in_time_with_its_name_and_the_row(
    monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    found = deidentifier({"fine": "zz", "slow one": pattern.replace("(a*)*", "(a*)*a")})
    started = time.monotonic()
    with pytest.raises(InputError) as refused:
        found.replaced("a" * 60 + "!", where="items.csv, row 7")
    assert time.monotonic() - started < 20
    assert "slow one" in refused.value.message
    assert "row 7" in refused.value.message
    assert "aaa" not in refused.value.message
    # The next text gets its own process.
    assert found.replaced("zz", where="row 8").text == "[FINE]"


def test_a_process_that_does_not_answer_is_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_patterns, "_MOST_SECONDS", 0.5)
    monkeypatch.setattr(bounded_patterns, "_CHILD", "localensemble.privacy.attempts_not_there")
    with pytest.raises(InputError, match="slow"):
        deidentifier({"slow": "b"}).replaced("a text", where="row 1")


def test_other_patterns_have_another_hash() -> None:
    hashes = {
        deidentifier(patterns, built_in=built_in).sha256
        for patterns in ({}, {"a": "b"}, {"a": "c"}, {"b": "b"}, {"a": "b", "c": "d"},
                         {"c": "d", "a": "b"})
        for built_in in (True, False)
    }  # fmt: skip
    assert len(hashes) == 12
    assert deidentifier({"a": "b"}).sha256 == deidentifier({"a": "b"}).sha256


def test_placeholders_keep_what_is_between() -> None:
    found = (FoundIdentifier(0, 1, "A"), FoundIdentifier(2, 3, "B"))
    assert with_placeholders("x-y-", found) == "[A]-[B]-"


def test_made_up_sentences_keep_no_more_than_the_documents_state() -> None:
    planted, left = measure_replaced(deidentifier(), rows=1000, seed=1)
    assert planted.keys() == MAKERS.keys() == {kind.letter for kind in KINDS}
    missed = sum(left.values()) / sum(planted.values())
    # Some are missed, which the documents say, too.
    assert 0.02 < missed <= 0.14
    assert left["A"] / planted["A"] > 0.3


needs_presidio = pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None,
    reason="needs presidio-analyzer, the extra `deid`",
)


def test_presidio_that_is_not_installed_is_refused_with_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError) as refused:
        deidentifier(presidio=True)
    assert "localensemble[deid]" in (refused.value.hint or "")


@needs_presidio
def test_presidio_finds_by_its_patterns_and_asks_no_network(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = deidentifier(built_in=False, presidio=True)
    shown = found.replaced("a.b@mail.example.org, 943 476 5919, 219-09-9999", where="row 1")
    assert shown.text == "[E-MAIL ADDRESS], [MEDICAL RECORD NUMBER], [SOCIAL SECURITY NUMBER]"
    assert found.presidio
    # A refused download is logged at length.
    assert caplog.text == ""
