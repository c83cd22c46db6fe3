"""A codebook built in Python passes the same checks as a YAML file, and says where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ruamel.yaml import YAML

from localensemble.codebook.checked import load_checked
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import (
    AlwaysReview,
    Category,
    Codebook,
    Example,
    RequiredAgreement,
    Variable,
)
from localensemble.core.errors import CodebookError
from localensemble.core.resources import examples_dir


def built(**changes: Any) -> Codebook:
    """A codebook of one variable, with changes to the variable."""
    variable = Variable(
        name="mood",
        level="binary",
        question="How does it sound?",
        categories=(
            Category("good", "It praises the ward.", AlwaysReview(0.2)),
            Category("bad", "It complains about the ward."),
        ),
        examples=(Example("A kind nurse.", "good"),),
        required_agreement=RequiredAgreement("AC1", 0.6, "review"),
    )
    return Codebook("ward", "1", "Comments.", (replace(variable, **changes),))


@pytest.mark.parametrize("path", sorted(examples_dir().glob("*_*.yaml")), ids=lambda p: p.name)
def test_a_file_its_content_and_its_value_are_one_codebook(path: Any) -> None:
    loaded = load_codebook(path)
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert load_codebook(content) == loaded
    assert load_codebook(loaded) == loaded
    assert load_codebook(loaded).sha256 == loaded.sha256


def test_a_multi_label_variable_that_was_written_out_passes_again() -> None:
    content = {
        "name": "ward",
        "version": "1",
        "variables": [
            {
                "name": "problems",
                "level": "multi_label",
                "question": "Does the text mention {category}?",
                "categories": [{"name": "Pain", "definition": "Something hurts."}],
            }
        ],
    }
    loaded = load_codebook(content)
    assert [variable.name for variable in loaded.variables] == ["problems.pain"]
    assert load_codebook(loaded) == loaded


def test_lists_are_kept_as_tuples() -> None:
    listed = built(categories=[Category("good", "It praises."), Category("bad", "It does not.")])
    assert isinstance(listed.variables[0].categories, tuple)
    assert load_checked(built()) == built()


@pytest.mark.parametrize(
    ("codebook", "where", "found"),
    [
        (built(name="two words"), "variables[0].name", "cannot be a column name"),
        (built(question=" "), "variables[0].question", "the text is empty"),
        (built(categories=(Category("x", "X."),)), "variables[0].categories", "exactly 2"),
        (
            built(categories=(Category("x", ""), Category("y", "Y."))),
            "variables[0].categories[0].definition",
            "the text is empty",
        ),
        (built(level="cardinal"), "variables[0].level", "unknown level"),
        (
            built(examples=(Example("text", "ugly"),)),
            "variables[0].examples[0]",
            "",
        ),
        (
            built(required_agreement=RequiredAgreement("AC1", 7, "review")),
            "variables[0].required_agreement.at_least",
            "from -1 to 1",
        ),
        ({"name": "ward"}, "version", "the key is missing"),
        ({"name": "ward", "version": "1", "variabels": []}, "variabels", "unknown key"),
    ],
)
def test_what_a_file_may_not_say_is_refused_with_its_place(
    codebook: Any, where: str, found: str
) -> None:
    with pytest.raises(CodebookError) as refused:
        load_codebook(codebook)
    assert refused.value.message.startswith(f"codebook, {where}")
    assert "line" not in refused.value.message.splitlines()[0]
    assert found in refused.value.message
    assert refused.value.hint


def test_a_word_where_a_category_belongs_is_refused_when_it_is_built() -> None:
    with pytest.raises(CodebookError, match="expected a Category, found str") as refused:
        built(categories=cast(Any, ("good", "bad")))
    assert "Category(...)" in refused.value.hint


def test_what_misleads_raters_is_refused_without_a_file_to_check() -> None:
    both = (Example("A kind nurse.", "good"), Example("A kind nurse.", "bad"))
    with pytest.raises(CodebookError) as refused:
        load_checked(built(examples=both))
    assert refused.value.message.startswith("codebook, ")
    assert "localensemble check" not in refused.value.hint
