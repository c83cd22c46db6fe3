from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from localensemble.core.errors import ChatTemplateError
from localensemble.core.prompts import MessageRole
from localensemble.engines.llama_cpp.chat_template import ChatTemplate, Content, Markup, Plain

pytestmark = pytest.mark.slow  # starts a process for each template

FAMILIES = (
    "cohere2",
    "deepseekv3",
    "gemma",
    "gemma3",
    "gptoss",
    "lfm2",
    "lfm2_2_5",
    "llama3",
    "llama3_1",
    "llama3_2",
    "nemotron_3_nano",
    "phi3",
    "phi3_5",
    "qwen2_5",
    "qwen3",
    "qwen3_5_nothink",
    "qwen3_5_think",
    "qwen3_6",
    "qwen3_instruct_2507",
)
ROLES: tuple[MessageRole, ...] = ("system", "user")

Load = Callable[[str], ChatTemplate]


@pytest.fixture(scope="module")
def load(shared: Path) -> Load:
    folder = shared / "chat_templates"
    if not folder.is_dir():
        pytest.skip("needs the shared chat templates")

    # One for all tests: each rendering takes a process.
    @cache
    def load_one(family: str) -> ChatTemplate:
        source = (folder / f"{family}.jinja").read_text(encoding="utf-8")
        return ChatTemplate(source, bos="<bos>", eos="<eos>")

    return load_one


def _markup(template: ChatTemplate, roles: tuple[MessageRole, ...] = ROLES) -> str:
    return "".join(piece.text for piece in template.pieces(roles) if isinstance(piece, Markup))


def test_there_is_no_shared_template_that_is_not_tested(shared: Path) -> None:
    found = {path.stem for path in (shared / "chat_templates").glob("*.jinja")}
    assert found == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_template_keeps_the_system_text_and_then_the_user_text(
    family: str, load: Load
) -> None:
    contents = [piece.message for piece in load(family).pieces(ROLES) if isinstance(piece, Content)]
    assert contents == [0, 1]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_template_ends_where_the_answer_begins(family: str, load: Load) -> None:
    last = load(family).pieces(ROLES)[-1]
    assert isinstance(last, Markup)
    opened = last.text.count("<think>")
    assert opened == last.text.count("</think>")
    if opened:
        assert last.text.rstrip().endswith("</think>")
    if family == "gptoss":
        assert last.text.endswith("<|start|>assistant<|channel|>final<|message|>")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_template_writes_the_fixed_date_or_none(family: str, load: Load) -> None:
    markup = _markup(load(family))
    if family in {"llama3_1", "llama3_2"}:
        assert "Today Date: 26 Jul 2024\n" in markup
    if family == "gptoss":
        assert "Current date: 2024-07-26\n" in markup
    assert "2025" not in markup
    assert "2026" not in markup


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_template_writes_bos_once_at_the_start_or_not_at_all(
    family: str, load: Load
) -> None:
    markup = _markup(load(family))
    assert markup.count("<bos>") == markup.startswith("<bos>")
    assert "<eos>" not in markup


@pytest.mark.parametrize("family", FAMILIES)
def test_a_user_message_alone_is_laid_out_too(family: str, load: Load) -> None:
    pieces = load(family).pieces(("user",))
    assert [piece.message for piece in pieces if isinstance(piece, Content)] == [0]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_response_that_has_begun_follows_the_opening_of_its_turn(family: str, load: Load) -> None:
    opened = load(family).pieces(ROLES)
    assert load(family).pieces((*ROLES, "assistant")) == (*opened, Content(2))


def test_a_family_without_a_system_role_gets_the_system_text_in_the_first_user_turn(
    load: Load,
) -> None:
    assert load("gemma").pieces(ROLES) == (
        Markup("<bos><start_of_turn>user\n"),
        Content(0),
        Plain("\n\n"),
        Content(1),
        Markup("<end_of_turn>\n<start_of_turn>model\n"),
    )


def test_a_template_that_loses_the_system_text_gets_it_in_the_first_user_turn() -> None:
    template = ChatTemplate(
        "{% for m in messages if m.role == 'user' %}[{{ m.content }}]{% endfor %}"
    )
    assert template.pieces(ROLES) == (
        Markup("["),
        Content(0),
        Plain("\n\n"),
        Content(1),
        Markup("]"),
    )


def test_a_default_system_text_does_not_stand_beside_ours(load: Load) -> None:
    assert "You are Qwen" not in _markup(load("qwen2_5"))


def test_a_model_without_a_template_gets_plain_text() -> None:
    template = ChatTemplate(None)
    opened = (Content(0), Plain("\n\n"), Content(1), Plain("\n\n"))
    assert template.pieces(ROLES) == opened
    assert template.pieces((*ROLES, "assistant")) == (*opened, Content(2))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            "{% for m in messages %}{{ m.content * 2 }}{% endfor %}",
            "writes the user message 2 times",
        ),
        ("{{ messages[0].role }}", "writes the user message 0 times"),
        ("{{ raise_exception('No.') }}", '"No."'),
    ],
)
def test_a_template_that_loses_or_repeats_a_message_is_refused(source: str, found: str) -> None:
    with pytest.raises(ChatTemplateError, match=found):
        ChatTemplate(source).pieces(ROLES)


def test_a_template_that_writes_our_placeholder_is_not_mistaken_for_it() -> None:
    source = "content0x0x {% for m in messages %}<{{ m.content }}>{% endfor %} content0x1x"
    pieces = ChatTemplate(source).pieces(ROLES)
    assert pieces[0] == Markup("content0x0x <")
    assert pieces[-1] == Markup("> content0x1x")


def test_the_hash_is_that_of_the_template_as_it_stands_in_the_file() -> None:
    assert ChatTemplate("a", bos="x").sha256 == ChatTemplate("a").sha256
    assert ChatTemplate("a ").sha256 != ChatTemplate("a").sha256
