"""A codebook loads as written, or is refused with the place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.core.resources import examples_dir


@pytest.mark.parametrize("path", sorted(examples_dir().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_codebook_loads(path: Path) -> None:
    assert load_codebook(path).variables
