"""Find characters that a reader does not see, and those that turn the order of letters around.

Many scripts need some of them: Persian and the Indic scripts need joiners, Hebrew and Arabic need
direction marks, Thai and Khmer need zero-width spaces, emoji need joiners, tags and variation
selectors. Where these belong, they are no sign.
"""

from __future__ import annotations

import re
import unicodedata

_LETTERS = "A-Za-z\u00aa-\u024f\u0370-\u052f\u0531-\u0587\u1e00-\u1fff"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_EMOJI_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")

_ZERO_WIDTH = "\u200b\u2060-\u2064\ufeff\u180e\u206a-\u206f"
_JOINERS = "\u200c\u200d"
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_DIRECTION = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c"
_TAGS = "\U000e0000-\U000e007f"

_ALL = re.compile(f"[{_ZERO_WIDTH}{_JOINERS}{_FILLERS}{_SELECTORS}{_DIRECTION}{_TAGS}\u00ad]")

# One of these is enough.
_CERTAIN = re.compile(
    f"[{_TAGS}]"  # What is left of them outside the flags of regions.
    "|\u202e"  # Turns letters around, which no language needs.
    f"|\u202d[^\u202c\u202d]*[{_LETTERS}]"  # Address books put it around telephone numbers.
    f"|(?<=[{_LETTERS}])[{_ZERO_WIDTH}]+(?=[{_LETTERS}])"
    f"|[{_SELECTORS}]{{2,}}"
    "|[\x08\x1b\x7f]"
)
# A few of these come with pasted text.
_IN_WORDS = re.compile(f"(?<=[{_LETTERS}])[{_JOINERS}{_SELECTORS}\u200e\u200f](?=[{_LETTERS}])")
_TURNED = re.compile("[\u202b\u2067]")
_LOOSE = re.compile(f"[{_ZERO_WIDTH}]")
_MANY_MARKS = re.compile(f"(?<=[{_LETTERS}])[\u0300-\u036f]{{4,}}")
_BLANK = re.compile(f"[{_FILLERS}]")

_LEAST_IN_WORDS = 2
_LEAST_LOOSE = 5
_LEAST_SOFT_HYPHENS = 4
# Hyphenation leaves two letters at least on each side; more soft hyphens hide words.
_LETTERS_PER_SOFT_HYPHEN = 3


def has_unseen(text: str) -> bool:
    """Tell whether a text has unseen characters where no script needs them."""
    if text.isascii():
        return _CERTAIN.search(text) is not None
    left = _EMOJI_FLAG.sub("", text.removeprefix("\ufeff"))
    return (
        _CERTAIN.search(left) is not None
        or _MANY_MARKS.search(left) is not None
        or len(_IN_WORDS.findall(left)) >= _LEAST_IN_WORDS
        or _turns_letters(left)
        or _has_loose(left)
        or _has_soft_hyphens_everywhere(left)
    )


def without_unseen(text: str) -> str:
    """Return the text without characters that cannot be seen."""
    return text if text.isascii() else _ALL.sub("", text)


def _turns_letters(text: str) -> bool:
    return _TURNED.search(text) is not None and _RIGHT_TO_LEFT.search(text) is None


def _has_loose(text: str) -> bool:
    """Tell whether there are many zero-width spaces or blanks in a script without need of them."""
    if len(_BLANK.findall(text)) >= _LEAST_LOOSE and not any(map(_is_hangul_or_braille, text)):
        return True
    if len(_LOOSE.findall(text)) < _LEAST_LOOSE:
        return False
    letters = [one for one in text if one.isalpha()]
    return all(re.match(f"[{_LETTERS}]", one) for one in letters)


def _is_hangul_or_braille(one: str) -> bool:
    if one in "\u115f\u1160\u3164\uffa0\u2800":
        return False
    name = unicodedata.name(one, "")
    return name.startswith(("HANGUL", "BRAILLE"))


def _has_soft_hyphens_everywhere(text: str) -> bool:
    count = text.count("\u00ad")
    letters = sum(map(str.isalpha, text)) if count >= _LEAST_SOFT_HYPHENS else 0
    return 0 < letters < count * _LETTERS_PER_SOFT_HYPHEN
