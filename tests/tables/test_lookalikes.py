"""Two spellings look the same if they differ only in how a sign is drawn."""

from __future__ import annotations

import pytest

from localensemble.tables.doubts.lookalikes import (
    has_invisible,
    loose_form,
    plain_form,
    plainly_drawn,
    shown,
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\u2014b", "a-b"),
        ("\u201cyes\u201d", '"yes"'),
        ("a\u2009b", "a b"),
        ("\ufeffyes", "yes"),
        ("e\u0301", "\u00e9"),
        ("wait\u2026", "wait..."),
        ("m\u00b2", "m\u00b2"),
        ("\uff11\uff10", "10"),
    ],
)
def test_signs_are_drawn_plainly(text: str, plain: str) -> None:
    assert plain_form(text) == plain


def test_the_loose_form_also_ignores_case_and_a_sign_at_the_end() -> None:
    assert loose_form("Very_Good:") == loose_form("very good") == "very good"
    assert loose_form("...") == "..."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("follow-up", "follow up"),
        ("(yes)", "Yes!"),
        ('"yes"', "'yes'"),
        ("1,0", "1"),
        ("\u22653", ">=3"),
        ("\u00bd", "1/2"),
        ("\u0441\u043e\u0440", "cop"),
        ("\u0410B", "AB"),
    ],
)
def test_spellings_of_one_word_share_their_loose_form(one: str, other: str) -> None:
    assert loose_form(one) == loose_form(other)


@pytest.mark.parametrize(
    ("one", "other"), [("<3", "3"), ("-1", "1"), ("1,5", "15"), ("A+", "A-"), ("1-2", "1 2")]
)
def test_signs_that_tell_labels_apart_stay(one: str, other: str) -> None:
    assert loose_form(one) != loose_form(other)


def test_a_difference_that_nobody_sees_is_shown() -> None:
    assert shown("a\u2013b") == '"a\u2013b" (U+2013)'
    assert shown("a  b") == '"a  b" (two spaces)'
    assert shown("a-b") == '"a-b"'


def test_line_breaks_are_kept_and_joiners_belong_to_the_spelling() -> None:
    assert plainly_drawn("a\u00a0b\n") == "a b\n"
    assert has_invisible("a\u200b")
    assert not has_invisible("a\u200cb")
