"""Decide when two spellings look the same to a reader.

Two forms are compared. The *plain form* ignores only how a sign is drawn: kinds of dashes, quotes
and spaces, full-width letters and characters without width. The *loose form* also ignores letter
case, underscores, dashes between letters, quotes and brackets around all of it, the alphabet
of a letter, and a full stop, colon, question or exclamation mark at the end.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Signs that look like a dash or a quote but belong to other Unicode categories.
_DASHES = "\u2212\u2043\u02d7"
_SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u00b4`"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
# The zero-width joiners belong to the spelling of Persian and Indic words and of emoji.
_JOINERS = "\u200c\u200d"
_ENDS = ".:;,?!"
_AROUND = re.compile(r"\((.+)\)|\[(.+)\]|<(.+)>|'(.+)'|\"(.+)\"|\*+(.+?)\*+")
# Between letters, a dash stands for a space: follow-up, follow up.
_DASHED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_WHOLE = re.compile(r"([+-]?\d+),0+")
# Cyrillic and Greek letters that are drawn like Latin ones, and signs that have no key.
_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u03bf\u03b1\u03bd\u0432\u043c\u043d\u0442\u043a",
    "aeopcyxijsoavbmhtk",
) | str.maketrans({"\u2264": "<=", "\u2265": ">=", "\u2044": "/", "\u00d7": "x"})


@lru_cache(maxsize=1 << 12)
def plain_form(text: str) -> str:
    """Return a form that spellings share if they differ only in how a sign is drawn."""
    return " ".join(plainly_drawn(text).split())


def plainly_drawn(text: str) -> str:
    """Return a text with plain signs in place of those that look like them."""
    return text if text.isascii() else "".join(map(_plain, unicodedata.normalize("NFC", text)))


def has_invisible(text: str) -> bool:
    """Tell whether a text has a character without width, other than those that spelling needs."""
    return any(unicodedata.category(one) == "Cf" and one not in _JOINERS for one in text)


@lru_cache(maxsize=1 << 12)
def loose_form(text: str) -> str:
    """Return a form that spellings share if a reader takes them for the same word."""
    plain = unicodedata.normalize("NFKC", plain_form(text)).casefold().replace("_", " ")
    words = " ".join(_DASHED.sub(" ", plain.translate(_LATIN)).split())
    words = _WHOLE.sub(r"\1", words) if _WHOLE.fullmatch(words) else words
    words = words.rstrip(f"{_ENDS} ") or words
    around = _AROUND.fullmatch(words)
    return words if around is None else next(filter(None, around.groups()))


def shown(text: str) -> str:
    """Quote a text, and name its characters that a reader takes for others: ``(U+2013)``."""
    unusual = dict.fromkeys(one for one in text if not one.isascii() and _plain(one) != one)
    named = [f"U+{ord(one):04X}" for one in unusual]
    if "  " in text:
        named.append("two spaces")
    return f'"{text}"' + (f" ({', '.join(named)})" if named else "")


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Pd" or character in _DASHES:
        return "-"
    if character in _SINGLE_QUOTES:
        return "'"
    if character in _DOUBLE_QUOTES:
        return '"'
    if category == "Zs":
        return " "
    if category == "Cf":
        return ""
    if character == "\u2026":
        return "..."
    if unicodedata.decomposition(character).startswith(("<wide>", "<narrow>")):
        return unicodedata.normalize("NFKC", character)
    return character
