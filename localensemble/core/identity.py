"""Hashes that show whether two things are the same.

Values are written as canonical JSON before they are hashed, so that a hash can be recomputed
from an export in any language.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from localensemble.core.input_files import open_input

JsonValue = Mapping[str, object] | Sequence[object] | str | int | float | bool | None

_CHUNK_BYTES = 1 << 20
_WORD = re.compile(r"\w+")


def canonical_json(value: JsonValue) -> str:
    """Write a value as JSON in the one form that is hashed.

    Keys are sorted, there is no white space, and characters are not escaped. NaN and infinity
    are refused (``ValueError``) because JSON cannot express them.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_text(text: str) -> str:
    """Return the SHA-256 of a text (as UTF-8) as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_words(text: str) -> str:
    """Return the SHA-256 of a text's words, whatever their case and whatever is between them.

    A text without words counts as it is. So a copy with another line ending, a space at its end
    or in capitals is the same text.
    """
    return sha256_text(" ".join(words_in(text)) or text)


def words_in(text: str) -> list[str]:
    """Return the words of a text in order, whatever their case and whatever is between them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def sha256_json(value: JsonValue) -> str:
    """Return the SHA-256 of a value's canonical JSON as 64 hexadecimal digits."""
    return sha256_text(canonical_json(value))


def sha256_item(item_id: str, *, content_sha256: str) -> str:
    """Return the SHA-256 of an item: of its id and the hash of its text."""
    return sha256_json([item_id, content_sha256])


def sha256_file(path: Path, *, on_piece: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, reading the file in pieces."""
    digest = hashlib.sha256()
    with open_input(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            on_piece()
    return digest.hexdigest()
