"""What becomes of text that imitates turn marks, checked token by token with llama.cpp."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.engines.llama_cpp.chat_template import ChatTemplate
from localensemble.engines.llama_cpp.model import LlamaModel
from localensemble.engines.llama_cpp.model_file import silence_log
from localensemble.engines.llama_cpp.prompt_tokens import PromptTokenizer, TokenizedPrompt
from tests.engines.llama_cpp.test_chat_template import FAMILIES
from tests.engines.llama_cpp.tiny_gguf import (
    CHATML,
    Vocabulary,
    bpe_vocabulary,
    spm_vocabulary,
    write_tiny_gguf,
)
from tests.engines.prompts import prompt

pytestmark = pytest.mark.slow  # tokenizes with the templates of many models

_MARK = re.compile(r"<[|｜/]?[\w▁|｜]+[|｜]?>|\[/?[A-Z_]+\]")
ITEM = "The staff were kind."

Open = Callable[..., LlamaModel]


@pytest.fixture
def open_model(tmp_path: Path) -> Iterator[Open]:
    library = importlib.import_module("llama_cpp.llama_cpp")
    silence_log(library)
    models: list[LlamaModel] = []

    def open_one(
        template: str,
        vocabulary: Vocabulary | None = None,
        *,
        add_bos: bool | None = None,
        pre_tokenizer: str = "gpt-2",
    ) -> LlamaModel:
        path = write_tiny_gguf(
            tmp_path / f"{len(models)}.gguf",
            vocabulary=vocabulary,
            chat_template=template,
            add_bos=add_bos,
            pre_tokenizer=pre_tokenizer,
        )
        models.append(LlamaModel(library, path, gpu_layers=0))
        return models[-1]

    yield open_one
    for model in models:
        model.close()


def _marks(source: str) -> list[str]:
    return sorted({*_MARK.findall(source), "<s>", "</s>"})


def _tokenize(model: LlamaModel, item: str) -> TokenizedPrompt:
    template = ChatTemplate(
        model.chat_template(), bos=model.token_text(model.bos), eos=model.token_text(model.eos)
    )
    (result,) = PromptTokenizer(model, template).prompts([prompt(item)])
    assert isinstance(result, TokenizedPrompt)
    return result


def _specials(model: LlamaModel, tokens: tuple[int, ...]) -> list[int]:
    return [token for token in tokens if model.is_special(token)]


def _item_tokens(one: TokenizedPrompt, model: LlamaModel) -> tuple[int, ...]:
    """Cut off what follows the item, which is what follows an empty item."""
    empty = _tokenize(model, "")
    assert empty.head == one.head
    assert one.tail[len(one.tail) - len(empty.tail) :] == empty.tail
    return one.tail[: len(one.tail) - len(empty.tail)]


@pytest.mark.parametrize("kind", ["control", "user_defined"])
@pytest.mark.parametrize("family", FAMILIES)
def test_text_that_imitates_turn_marks_stays_text(
    family: str, kind: str, shared: Path, open_model: Open
) -> None:
    source = (shared / "chat_templates" / f"{family}.jinja").read_text(encoding="utf-8")
    marks = _marks(source)
    assert len(marks) > 3
    vocabulary = bpe_vocabulary(
        control=marks if kind == "control" else ("<s>", "</s>"),
        user_defined=[] if kind == "control" else [m for m in marks if m not in {"<s>", "</s>"}],
        bos="<s>",
        eos="</s>",
    )
    model = open_model(source, vocabulary, add_bos=True)
    plain = _tokenize(model, ITEM)
    assert _specials(model, plain.head + plain.tail), "the template's own marks are special"
    imitation = " ".join(marks) + "".join(marks) + "<" + "<".join(marks)
    hostile = _tokenize(model, imitation)
    assert not _specials(model, _item_tokens(hostile, model))
    assert _specials(model, hostile.head + hostile.tail) == _specials(
        model, plain.head + plain.tail
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("add_bos", [True, False])
def test_there_is_exactly_one_bos_and_it_comes_first(
    family: str, add_bos: bool, shared: Path, open_model: Open
) -> None:
    source = (shared / "chat_templates" / f"{family}.jinja").read_text(encoding="utf-8")
    vocabulary = bpe_vocabulary(control=_marks(source), bos="<s>", eos="</s>")
    model = open_model(source, vocabulary, add_bos=add_bos)
    tokens = _tokenize(model, "<s>").head
    expected = 1 if add_bos or "bos_token" in source else 0
    assert tokens.count(model.bos or -1) == expected
    assert (tokens[0] == model.bos) == bool(expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_items_change_only_the_item_part(family: str, shared: Path, open_model: Open) -> None:
    source = (shared / "chat_templates" / f"{family}.jinja").read_text(encoding="utf-8")
    model = open_model(source, bpe_vocabulary(control=_marks(source), bos="<s>", eos="</s>"))
    for item in (ITEM, "\n", " Parking is a problem. \n\n", "0"):
        one = _tokenize(model, item)
        assert _item_tokens(one, model) == model.tokenize(item.encode(), special=False)


def test_a_sentencepiece_model_gets_no_space_that_is_not_in_the_text(open_model: Open) -> None:
    model = open_model("[{{ messages[0].content }}|{{ messages[1].content }}]", spm_vocabulary())
    assert model.adds_space
    tokenizer = PromptTokenizer(model, ChatTemplate(model.chat_template()))
    staff = tokenizer.text("Staff", after_special=False)
    spaced = tokenizer.text("Staff", after_special=True)
    assert model.token_text(spaced[0]).startswith("▁")
    assert not model.token_text(staff[0]).startswith("▁")
    assert "".join(map(model.token_text, staff)) == "Staff"


def test_after_a_special_token_a_sentencepiece_model_gets_its_space(open_model: Open) -> None:
    vocabulary = spm_vocabulary(control=("<user>", "<assistant>"))
    model = open_model(
        "{% for m in messages %}<user>{{ m.content }}{% endfor %}<assistant>", vocabulary
    )
    assert _tokenize(model, ITEM).after_special
    newline = open_model(
        "{% for m in messages %}<user>{{ m.content }}{% endfor %}\n\n.", vocabulary
    )
    assert not _tokenize(newline, ITEM).after_special


def test_empty_segments_and_items_leave_no_token(open_model: Open) -> None:
    model = open_model(CHATML)
    assert _item_tokens(_tokenize(model, ""), model) == ()


@pytest.mark.parametrize("pre_tokenizer", ["gpt-2", "tekken", "gpt-4o", "default", "deepseek-llm"])
@pytest.mark.parametrize("character", ["y", "é", "7", "?", " "])
def test_a_text_of_one_endless_word_is_tokenized(
    pre_tokenizer: str, character: str, open_model: Open
) -> None:
    """With most of these, llama.cpp by itself overflows the stack and ends the process."""
    model = open_model(CHATML, pre_tokenizer=pre_tokenizer)
    text = character * 50_000
    tokens = model.tokenize(text.encode(), special=False)
    assert len(tokens) == len(text.encode())


def test_a_text_longer_than_any_context_is_counted_in_pieces(open_model: Open) -> None:
    model = open_model(CHATML)
    assert len(model.tokenize(("é" * 400_001).encode(), special=False)) == 800_002
