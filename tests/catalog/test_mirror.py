"""A mirror takes the place of the server, and of nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from localensemble.catalog.known import known_models
from localensemble.catalog.mirror import mirrored
from localensemble.core.errors import InputError

MODEL = known_models()[0]


@pytest.mark.parametrize("mirror", ["https://m.example.org/hf", "https://m.example.org/hf/"])
def test_only_the_beginning_of_the_address_changes(mirror: str) -> None:
    path = MODEL.url.removeprefix("https://").partition("/")[2]
    expected = dataclasses.replace(MODEL, url=f"https://m.example.org/hf/{path}")
    assert mirrored(MODEL, mirror) == expected


def test_without_a_mirror_nothing_changes() -> None:
    assert mirrored(MODEL, "") == MODEL


@pytest.mark.parametrize(
    "mirror", ["m.example.org", "ftp://m", "https://", "https://a:b@m", "https://m/?a=1", "/disk"]
)
def test_what_is_no_beginning_of_an_address_is_refused(mirror: str) -> None:
    with pytest.raises(InputError, match="mirror") as caught:
        mirrored(MODEL, mirror)
    assert "https://" in caught.value.hint
