"""The plain form of a text, in which patterns find words however they are written.

Lower case, without accents on Latin letters, without unseen characters, with one kind of quotes;
letters in other shapes (full width, bold, circled) become plain ones. Empty lines and rows of one
punctuation mark are cut short, so that no padding makes a pattern slow or keeps it from matching.
"""

from __future__ import annotations

import re
import unicodedata

from localensemble.injection.unseen_characters import without_unseen

_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_QUOTES = str.maketrans({**dict.fromkeys("“”„«»‟″", '"'), **dict.fromkeys("‘’‚‹›`´", "'")})
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .\-_*][^\W\d_]){3,}(?![^\W_])")
_BETWEEN = re.compile(r"[ .\-_*]")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[\s]*")
_ROWS = re.compile(r"(?:([^\w\s]) ?)(?:\1 ?){3,}")


def plain(text: str) -> str:
    """Return a text in its plain form."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", without_unseen(text)).casefold()
        text = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
        text = unicodedata.normalize("NFC", text)
    text = with_single_blanks(text.casefold().translate(_QUOTES))
    return _ROWS.sub(r"\1\1\1", text)


def with_single_blanks(text: str) -> str:
    """Return a text with every row of blanks or empty lines cut to one."""
    return _LINES.sub("\n", _BLANKS.sub(" ", text))


def without_spacing(text: str) -> str:
    """Return a text with words that are spaced out ("i g n o r e") written together."""
    return _SPACED.sub(lambda found: _BETWEEN.sub("", found.group()), text)
