"""Hashes are of content, and can be recomputed elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from localensemble.core.identity import canonical_json, sha256_file, sha256_json, sha256_text


def test_canonical_json_has_one_form() -> None:
    value = {"b": [1, 0.5, None, True], "a": 'é\u2028"\n'}
    assert canonical_json(value) == '{"a":"é\u2028\\"\\n","b":[1,0.5,null,true]}'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_has_no_json_form_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json([number])


def test_key_order_does_not_change_the_hash() -> None:
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    assert sha256_json({"a": 1, "b": 2}) != sha256_json({"a": 2, "b": 1})


def test_text_is_hashed_as_utf_8() -> None:
    assert sha256_text("café") == hashlib.sha256(b"caf\xc3\xa9").hexdigest()


def test_half_a_character_has_a_hash_too() -> None:
    assert sha256_text("\ud800") != sha256_text("\ud801")


def test_a_file_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    content = bytes(range(256)) * 10_000
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()
