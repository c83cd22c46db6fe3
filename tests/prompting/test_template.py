"""The prompt: the same for every item but for the item, and nothing in it is interpreted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.codebook.model import Category, Example, Variable
from localensemble.core.errors import InputError
from localensemble.core.prompts import Layout
from localensemble.prompting import template as template_module
from localensemble.prompting.template import PromptTemplate, load_template

LAYOUTS: tuple[Layout, ...] = ("codebook_first", "item_first")
TEMPLATE = load_template()


def variable(**changes: object) -> Variable:
    content: dict[str, object] = {
        "name": "mood",
        "level": "binary",
        "question": "How does it sound?",
        "categories": (Category("good", "It praises."), Category("bad", "It does not.")),
    }
    return Variable(**{**content, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_user_message_is_instruction_item_instruction(layout: Layout) -> None:
    prompt = TEMPLATE.render(variable(), "All was well.", layout=layout)
    assert [message.role for message in prompt.messages] == ["system", "user"]
    user = prompt.messages[1]
    assert [segment.origin for segment in user.segments] == ["instruction", "item", "instruction"]
    assert user.segments[1].text == "All was well."


def test_the_first_layout_has_the_codebook_before_the_item() -> None:
    prompt = TEMPLATE.render(variable(), "All was well.", layout="codebook_first")
    assert prompt.messages[1].text == (
        "Question: How does it sound?\nCategories:\n- good: It praises.\n- bad: It does not.\n"
        "Text:\nAll was well.\nWhich category fits best?"
    )


def test_the_second_layout_has_the_item_before_the_codebook() -> None:
    prompt = TEMPLATE.render(variable(), "All was well.", layout="item_first")
    assert prompt.messages[1].text == (
        "Text:\nAll was well.\nQuestion: How does it sound?\nCategories:\n- good: It praises.\n"
        "- bad: It does not.\nWhich category fits best?"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rules_and_examples_are_shown_in_order(layout: Layout) -> None:
    asked = variable(rules=("First.", "Second."), examples=(Example("Fine.", "good"),))
    text = TEMPLATE.render(asked, "All was well.", layout=layout).messages[1].text
    assert '\nRules:\n- First.\n- Second.\nExamples:\n- "Fine." is good\n' in text


@pytest.mark.parametrize("layout", LAYOUTS)
@given(first=st.text(), second=st.text())
def test_two_items_differ_in_the_item_segment_alone(
    layout: Layout, first: str, second: str
) -> None:
    left = TEMPLATE.render(variable(), first, layout=layout)
    right = TEMPLATE.render(variable(), second, layout=layout)
    assert left.messages[0] == right.messages[0]
    assert left.messages[1].segments[0] == right.messages[1].segments[0]
    assert left.messages[1].segments[2] == right.messages[1].segments[2]
    assert left.messages[1].segments[1].text == first


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% for a in b %}", "{# gone #}", "{{ item }}"])
def test_neither_item_nor_codebook_is_run_as_a_template(layout: Layout, text: str) -> None:
    asked = variable(
        question=text,
        categories=(Category(text, text), Category("other", text)),
        rules=(text,),
        examples=(Example(text, text),),
    )
    prompt = TEMPLATE.render(asked, text, layout=layout)
    assert prompt.messages[1].text.count(text) == 8


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_item_keeps_its_segment(layout: Layout) -> None:
    segments = TEMPLATE.render(variable(), "", layout=layout).messages[1].segments
    assert [segment.text for segment in segments if segment.origin == "item"] == [""]


def test_two_variables_do_not_share_an_instruction() -> None:
    template = load_template()
    first = template.render(variable(), "x", layout="item_first")
    second = template.render(variable(question="And now?"), "x", layout="item_first")
    assert "And now?" in second.messages[1].text
    assert "And now?" not in first.messages[1].text


def texts(**changes: str) -> dict[str, str]:
    plain = {"system": "s", "codebook_first": "q {{ item }}", "item_first": "{{ item }} q"}
    return {**plain, **changes}


def test_an_instruction_that_would_be_empty_is_left_out() -> None:
    template = PromptTemplate("mine", version=1, texts=texts(item_first="{{ item }}"))
    segments = template.render(variable(), "x", layout="item_first").messages[1].segments
    assert [segment.origin for segment in segments] == ["item"]


@pytest.mark.parametrize(
    "text",
    [
        "no item",
        "{{ item }} {{ item }}",
        "{{ item | upper }}",
        "{% if item %}long{% endif %} {{ item }}",
        "{% if variable.rules %}{{ item }}{% endif %}",
        "{{ item[0] }}",
    ],
)
def test_a_template_that_could_change_or_lose_the_item_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="exactly once") as caught:
        PromptTemplate("mine", version=1, texts=texts(item_first=text))
    assert caught.value.hint.startswith("Write {{ item }} once")


def test_a_template_with_open_braces_is_refused() -> None:
    with pytest.raises(InputError, match="not a valid Jinja"):
        PromptTemplate("mine", version=1, texts=texts(item_first="{{ item"))


@pytest.mark.parametrize("text", ["{{ variable.color }}", "{{ variable.__class__.mro() }}"])
def test_a_template_that_asks_for_what_is_not_there_is_refused(text: str) -> None:
    template = PromptTemplate("mine", version=1, texts=texts(item_first=text + "{{ item }}"))
    with pytest.raises(InputError, match='cannot be rendered for variable "mood"') as caught:
        template.render(variable(), "secret", layout="item_first")
    assert "secret" not in str(caught.value)
    assert "Use only what a variable has" in caught.value.hint


def test_the_hash_is_of_the_texts() -> None:
    first = PromptTemplate("mine", version=1, texts=texts())
    same = PromptTemplate("other", version=2, texts=dict(reversed(texts().items())))
    changed = PromptTemplate("mine", version=1, texts=texts(system="t"))
    assert first.sha256 == same.sha256 != changed.sha256


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("system: [", "not valid YAML"),
        ("- a list", "expected a non-empty text"),
        ("system: s\ncodebook_first: q {{ item }}\n", "expected a non-empty text"),
        ("system: 3\ncodebook_first: c\nitem_first: i\n", "expected a non-empty text"),
        ("system: s\ncodebook_first: c\nitem_first: i\nextra: e\n", "expected a non-empty text"),
    ],
)
def test_a_template_file_that_says_something_else_is_refused(
    content: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v1.yaml"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setattr(template_module, "prompt_template_path", lambda name, version: path)
    with pytest.raises(InputError, match=found) as caught:
        load_template()
    assert "system, codebook_first, item_first" in caught.value.hint
