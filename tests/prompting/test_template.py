"""The prompt: the same for every item but for the item, and nothing in it is interpreted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.codebook.model import Category, Example, Variable
from localensemble.core.errors import InputError
from localensemble.core.prompts import Layout
from localensemble.prompting import template as template_module
from localensemble.prompting.template import (
    PromptTemplate,
    ReadoutTexts,
    load_own_template,
    load_template,
    template_of_content,
)

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


@pytest.mark.parametrize(
    "text",
    [
        "{{ variable.color }}",
        "{{ variable.__class__.mro() }}",
        "{{ 1 / (variable.rules | length) }}",
        "{{ variable.name + 1 }}",
        "{{ variable() }}",
        "{% for number in range(10 ** 30) %}{{ number }}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ '%d' % variable.name }}",
    ],
)
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
        ("a: 1\nsystem: [", "line 2: .*not valid YAML"),
        ("- a list", "found no keys"),
        ("system: s\ncodebook_first: q {{ item }}\n", "item_first: .*missing"),
        ("system: 3\ncodebook_first: c\nitem_first: i\n", "system: .*not a text"),
        ("system: s\ncodebook_first: ' '\nitem_first: i\n", "codebook_first: .*empty"),
        ("system: s\ncodebook_first: c\nitem_first: i\nextra: e\n", 'unknown key "extra"'),
        ("sistem: s\ncodebook_first: c\nitem_first: i\n", 'unknown key "sistem"'),
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
    assert str(caught.value).startswith('Prompt template "label" version 1')
    assert caught.value.hint


OWN_TEMPLATE = """\
system: You label texts.
codebook_first: |-
  {{ variable.question }}
  {% for category in variable.categories -%}
  - {{ category.name }}
  {% endfor -%}
  {{ item }}
item_first: |-
  {{ item }}
  {{ variable.question }}
"""


def test_a_template_of_the_user_is_known_by_its_texts_and_not_by_its_path(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml"))
    first.write_text(OWN_TEMPLATE, encoding="utf-8")
    second.write_text(f"# the same\n{OWN_TEMPLATE}", encoding="utf-8")
    third.write_text(OWN_TEMPLATE.replace("You label", "Label"), encoding="utf-8")
    loaded = [load_own_template(path) for path in (first, second, third)]
    assert [one.full_name for one in loaded] == ["own"] * 3
    assert loaded[0].sha256 == loaded[1].sha256 != loaded[2].sha256
    prompt = loaded[0].render(variable(), "fine", layout="item_first")
    assert prompt.messages[1].text == f"fine\n{variable().question}"


def test_the_content_of_a_template_makes_the_same_template_again(tmp_path: Path) -> None:
    for template in (TEMPLATE, PromptTemplate("mine", version=1, texts=texts())):
        again = template_of_content(template.full_name, json.loads(json.dumps(template.content)))
        assert again.sha256 == template.sha256
        assert again.readouts == template.readouts
        assert again.render(variable(), "x", layout="item_first") == template.render(
            variable(), "x", layout="item_first"
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("own.yaml", "cannot be read", "Check the path")),
        (b"system: \xff", ("own.yaml", "byte 8", "UTF-8")),
        (b"sistem: s", ("own.yaml", '"sistem"', "`system`")),
        (b"system: s\ncodebook_first: c", ("own.yaml", "item_first", "prompt template")),
        (b"system: s\ncodebook_first: c\nitem_first: '{{ item }}'", ("codebook_first", "found: 0")),
    ],
)
def test_what_is_wrong_with_a_template_of_the_user_is_stated_with_its_file_and_the_remedy(
    content: bytes | None, words: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_own_template(path)
    assert all(word in str(caught.value) for word in words)


def test_a_template_that_names_what_no_variable_has_is_refused_before_it_is_used(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN_TEMPLATE.replace("variable.question", "variable.title"), encoding="utf-8")
    with pytest.raises(InputError, match="title"):
        load_own_template(path).check([variable()])
    TEMPLATE.check([variable()])


def of(*names: str) -> Variable:
    return variable(level="nominal", categories=tuple(Category(name, "It is.") for name in names))


def test_a_rater_that_states_no_readout_gets_the_prompts_and_answers_of_before() -> None:
    prompt = TEMPLATE.render(variable(), "x", layout="codebook_first")
    assert TEMPLATE.answers(variable()) == ("good", "bad")
    assert (TEMPLATE.readout, TEMPLATE.readout_sha256) == (None, "")
    assert prompt.spellings == "exact"
    # The embedded models were trained with these texts, and every study names them.
    assert TEMPLATE.sha256 == "2d8e5f624d06d733f89e284690542ba5dd93d26a12bb7bfb6fd59feb89123ed8"


def test_the_readout_name_has_the_same_prompts_and_sums_the_spellings() -> None:
    stated = TEMPLATE.reading("name")
    prompt = stated.render(variable(), "x", layout="item_first")
    assert prompt.messages == TEMPLATE.render(variable(), "x", layout="item_first").messages
    assert prompt.spellings == "summed"
    assert stated.sha256 == TEMPLATE.sha256


@pytest.mark.parametrize("layout", LAYOUTS)
def test_options_stand_in_front_of_the_names_and_in_the_examples(layout: Layout) -> None:
    template = TEMPLATE.reading("option")
    asked = variable(examples=(Example("Fine.", "bad"),))
    system, user = template.render(asked, "All was well.", layout=layout).messages
    assert "\nA. good: It praises.\nB. bad: It does not.\n" in user.text
    assert '\n- "Fine." is B\n' in user.text
    assert user.text.count("Reply with the option that fits best") == 1
    assert "Reply with the option" in system.text
    assert template.answers(asked) == ("A", "B")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_prefilled_response_begins_without_the_space_that_the_names_bring(
    layout: Layout,
) -> None:
    template = TEMPLATE.reading("prefilled")
    *asked, begun = template.render(variable(), "All was well.", layout=layout).messages
    assert asked == list(TEMPLATE.render(variable(), "All was well.", layout=layout).messages)
    assert (begun.role, begun.text) == ("assistant", "Category:")
    assert template.answers(variable()) == (" good", " bad")


def test_a_prefilled_response_can_begin_with_a_quotation_mark() -> None:
    readouts: ReadoutTexts = {"prefilled": {"answer_begins": '{"category": "'}}
    template = PromptTemplate("mine", version=1, texts=texts(), readouts=readouts)
    prefilled = template.reading("prefilled")
    assert prefilled.answers(variable()) == ("good", "bad")
    begun = prefilled.render(variable(), "x", layout="item_first").messages[-1]
    assert begun.text == '{"category": "'


def test_every_readout_has_a_hash_of_its_own() -> None:
    hashes = {TEMPLATE.reading(readout).readout_sha256 for readout in TEMPLATE.readouts}
    assert TEMPLATE.readouts == ("name", "option", "prefilled")
    assert len(hashes - {""}) == 3


def test_a_readout_without_texts_is_refused() -> None:
    template = PromptTemplate("mine", version=1, texts=texts())
    with pytest.raises(InputError, match='no texts for the readout "option"'):
        template.reading("option")


@pytest.mark.parametrize(
    ("readouts", "found"),
    [
        ("3", "expected no other keys"),
        ("{name: {system: s}}", "expected no other keys"),
        ("{prefilled: {system: s}}", "for the readout `prefilled`"),
        ("{prefilled: {answer_begins: ' '}}", "for the readout `prefilled`"),
        ("{option: {system: s}}", "for the readout `option`"),
        ("{option: text}", "for the readout `option`"),
    ],
)
def test_a_template_file_with_an_unusable_readout_is_refused(
    readouts: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "system: s\ncodebook_first: c {{ item }}\nitem_first: i {{ item }}\n"
    path = tmp_path / "v1.yaml"
    path.write_text(f"{content}readouts: {readouts}\n", encoding="utf-8")
    monkeypatch.setattr(template_module, "prompt_template_path", lambda name, version: path)
    with pytest.raises(InputError, match=found):
        load_template()


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("good", "bad"), ("A", "B")),
        (("none", "1", "2"), ("A", "B", "C")),
        (("A", "other"), ("1", "2")),
        (("a", "1"), ("C1", "C2")),
        (("a", "1", "c1"), ("CC1", "CC2", "CC3")),
    ],
)
def test_options_are_never_what_a_category_is_called(
    names: tuple[str, ...], options: tuple[str, ...]
) -> None:
    assert TEMPLATE.reading("option").answers(of(*names)) == options


def test_the_letter_that_begins_sentences_is_no_option_and_many_categories_get_numbers() -> None:
    many = tuple(f"theme {number}" for number in range(26))
    letters = TEMPLATE.reading("option").answers(of(*many[:25]))
    assert letters[7:9] == ("H", "J")
    assert TEMPLATE.reading("option").answers(of(*many))[-1] == "26"
