"""What docs/codebook.md shows is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localensemble.codebook.check import check_codebook
from localensemble.codebook.load import load_codebook
from localensemble.codebook.shape import (
    CategoryShape,
    CodebookShape,
    DeidentifyShape,
    ExampleShape,
    RequiredAgreementShape,
    VariableShape,
)
from localensemble.core.errors import CodebookError


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    """The reference of the codebook format."""
    return (repository / "docs" / "codebook.md").read_text(encoding="utf-8")


def blocks(document: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", document, flags=re.M | re.S)


def test_every_codebook_shown_loads_and_draws_no_objection(document: str, tmp_path: Path) -> None:
    shown = blocks(document, "yaml")
    assert len(shown) == 4
    for text in shown:
        path = tmp_path / "codebook.yaml"
        path.write_text(text, encoding="utf-8")
        remarks = check_codebook(load_codebook(path))
        assert {remark.severity for remark in remarks} <= {"note"}


def test_the_shorthand_gives_the_variables_named(document: str, tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text(blocks(document, "yaml")[3], encoding="utf-8")
    for variable in load_codebook(path).variables:
        assert f"`{variable.name}`" in document


def test_the_message_shown_is_the_message_given(document: str, tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text(blocks(document, "yaml error")[0], encoding="utf-8")
    with pytest.raises(CodebookError) as caught:
        load_codebook(path)
    assert f"{caught.value}\n" == blocks(document, "text")[0]


def test_every_key_is_explained(document: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", document, flags=re.M)
    keys = [
        key
        for shape in (
            CodebookShape,
            VariableShape,
            CategoryShape,
            RequiredAgreementShape,
            DeidentifyShape,
            ExampleShape,
        )
        for key in shape.model_fields
    ]
    assert sorted(rows) == sorted(keys)
