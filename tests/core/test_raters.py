"""Promises of the rater identity."""

from __future__ import annotations

import dataclasses

import pytest

from localensemble.core.identity import canonical_json
from localensemble.core.raters import RaterIdentity

IDENTITY = RaterIdentity(
    engine="llama-cpp",
    engine_version="0.3.35",
    model_name="small",
    model_sha256="a" * 64,
    chat_template_sha256="b" * 64,
    prompt_template="label/v1",
    prompt_template_sha256="c" * 64,
    codebook_sha256="d" * 64,
    layout="codebook_first",
    settings=(("block_size", "256"), ("mode", "batched")),
)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(RaterIdentity)])
def test_a_change_of_any_condition_makes_another_rater(name: str) -> None:
    changed: object = {"layout": "item_first", "settings": (("mode", "strict"),)}.get(name, "x")
    other = dataclasses.replace(IDENTITY, **{name: changed})  # type: ignore[arg-type]
    assert other.sha256 != IDENTITY.sha256


def test_the_order_of_settings_makes_no_difference() -> None:
    turned = dataclasses.replace(IDENTITY, settings=IDENTITY.settings[::-1])
    assert turned == IDENTITY
    assert turned.sha256 == IDENTITY.sha256


def test_two_settings_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="settings"):
        dataclasses.replace(IDENTITY, settings=(("mode", "a"), ("mode", "b")))


def test_an_identity_comes_back_from_its_json() -> None:
    assert RaterIdentity.from_json(canonical_json(IDENTITY.as_json())) == IDENTITY


def test_the_hash_is_the_one_other_languages_compute_from_the_json() -> None:
    assert IDENTITY.sha256 == "92a5015f3c86344e78ef4be3b0ef5f52478ba3ffc039c97d3e125d5de2dcb1bd"
