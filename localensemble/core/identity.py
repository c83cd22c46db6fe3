"""Hashes that say whether two things are the same.

Everything hashed is first written as canonical JSON, so that a hash can be recomputed
from an export in any language.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

JsonValue = Mapping[str, object] | Sequence[object] | str | int | float | bool | None

_CHUNK_BYTES = 1 << 20


def canonical_json(value: JsonValue) -> str:
    """Write a value as JSON in the one form that is hashed.

    Keys sorted, no white space, UTF-8 kept as it is. NaN and infinity are refused
    (``ValueError``): they have no JSON form.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_text(text: str) -> str:
    """Hash text (as UTF-8) to 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_json(value: JsonValue) -> str:
    """Hash the canonical JSON of a value to 64 hexadecimal digits."""
    return sha256_text(canonical_json(value))


def sha256_file(path: Path) -> str:
    """Hash the bytes of a file to 64 hexadecimal digits, reading it in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
