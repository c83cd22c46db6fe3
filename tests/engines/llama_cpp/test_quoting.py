"""A model quotes only what the text has, whatever it prefers to say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.core.prompts import Message, Prompt, Segment
from localensemble.core.resources import models_dir
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.llama_cpp.quote_grammar import PieceIndex, QuoteGrammar
from localensemble.engines.llama_cpp.quoting import Quoter
from localensemble.engines.protocol import Quote, Quotes, QuotingEngine, ScoreFailure
from localensemble.engines.registry import open_engine
from localensemble.engines.settings import EngineSettings

TEXT = "😷 Fièvre après ibuprofène, fièvre (légère) 39 %."
CATEGORIES = ("Sign", "Drug")
# Every byte, as models have for what they have no word for, and some longer pieces; the last ends.
PIECES = [bytes([byte]) for byte in range(256)] + [
    *(piece.encode() for piece in ("Drug", "Sign: ", ": Fi", "è", "fièvre", "e\n", "none", "😷")),
    *("😷".encode()[:2], "😷".encode()[2:], b""),
]
END = len(PIECES) - 1
INDEX = PieceIndex(PIECES)


def written(response: bytes, text: str = TEXT) -> list[str] | None:
    """Write a response byte by byte; return its lines, or None if the grammar refuses a byte."""
    grammar = QuoteGrammar(text, categories=CATEGORIES, pieces=INDEX)
    for byte in response:
        if byte not in grammar.allowed():
            return None
        grammar.take(byte)
    if not grammar.may_end:
        return None
    grammar.end()
    return [f"{CATEGORIES[one.category]}: {text[one.start : one.stop]}" for one in grammar.quoted]


@pytest.mark.parametrize(
    ("response", "lines"),
    [
        ("none", []),
        ("Drug: ibuprofène", ["Drug: ibuprofène"]),
        ("Sign: Fièvre\nDrug: ibuprofène\n", ["Sign: Fièvre", "Drug: ibuprofène"]),
        ("Sign: fièvre (légère)\nSign: 39 %", ["Sign: fièvre (légère)", "Sign: 39 %"]),
    ],
)
def test_passages_of_the_text_can_be_quoted(response: str, lines: list[str]) -> None:
    assert written(response.encode()) == lines


@pytest.mark.parametrize(
    "response",
    [
        "",  # an end without an answer
        "Sign: fever",
        "Effect: fièvre",
        "Sign: fièv",
        "Sign: ièvre",
        "Drug: ibuprofène\nSign: Fièvre",  # against the order of the text
        "Sign: Fièvre\nnone",
        "Sign: Fièvre apr",
        "Drug: ibuprofène,",
    ],
)
def test_other_responses_are_refused(response: str) -> None:
    assert written(response.encode()) is None


@settings(max_examples=60, deadline=None)
@given(st.text("aé😷 ,\n", max_size=12), st.integers(0, 2**32 - 1))
def test_whatever_a_model_prefers_every_passage_is_in_the_text_in_order(
    text: str, seed: int
) -> None:
    grammar = QuoteGrammar(text, categories=CATEGORIES, pieces=INDEX)
    quoter = Quoter(grammar, ends=[END])
    draw = np.random.default_rng(seed)
    for _ in range(200):
        if quoter.choose(draw.normal(size=len(PIECES)).astype(np.float32)) is None:
            break
    else:
        pytest.fail("the response did not end")
    stop = 0
    for one in quoter.quotes:
        assert stop <= one.start < one.stop <= len(text)
        assert text[one.start : one.stop].strip(" ,\n") == text[one.start : one.stop]
        assert 0.0 < one.probability <= 1.0
        stop = one.stop


@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaCppEngine]:
    path = next(models_dir().glob("le-llama-2m*.gguf"))
    opened = LlamaCppEngine(EngineSettings(model_path=path, threads=1, context_tokens=512))
    yield opened
    opened.close()


def prompt(text: str) -> Prompt:
    parts = (Segment("Which signs and drugs?\n", "instruction"), Segment(text, "item"))
    return Prompt((Message("user", parts),))


def test_a_model_quotes_the_same_again_and_scores_as_if_it_had_not(engine: LlamaCppEngine) -> None:
    asked = prompt(TEXT)
    scores = engine.score([asked], [CATEGORIES])
    one, two = (
        engine.quote(asked, text=TEXT, categories=CATEGORIES, at_most=120) for _ in range(2)
    )
    assert isinstance(one, Quotes)
    assert one == two
    assert one.is_whole
    assert engine.score([asked], [CATEGORIES]) == scores


def test_a_response_without_room_fails_and_a_cut_one_says_so(engine: LlamaCppEngine) -> None:
    failed = engine.quote(prompt(TEXT), text=TEXT, categories=CATEGORIES, at_most=600)
    assert isinstance(failed, ScoreFailure)
    assert failed.reason.startswith("too_long")
    cut = engine.quote(prompt(TEXT), text=TEXT, categories=CATEGORIES, at_most=2)
    assert isinstance(cut, Quotes)
    assert (cut.quotes, cut.is_whole) == ((), False)


def test_the_engine_in_its_own_process_quotes_the_same(engine: LlamaCppEngine) -> None:
    path: Path = next(models_dir().glob("le-llama-2m*.gguf"))
    opened = open_engine(EngineSettings(model_path=path, threads=1, context_tokens=512))
    try:
        assert isinstance(opened, QuotingEngine)
        asked = {"text": TEXT, "categories": CATEGORIES}
        here = engine.quote(prompt(TEXT), at_most=60, **asked)  # type: ignore[arg-type]
        assert opened.quote(prompt(TEXT), at_most=60, **asked) == here  # type: ignore[arg-type]
    finally:
        opened.close()


def test_the_probability_of_a_line_is_that_among_what_may_be_written() -> None:
    grammar = QuoteGrammar("aé", categories=("D",), pieces=INDEX)
    quoter = Quoter(grammar, ends=[END])
    logits = np.zeros(len(PIECES), dtype=np.float32)
    # "D" or "n..." (two pieces), then one way on each until the end or a line feed.
    logits[ord("D")] = 1.0
    while quoter.choose(logits) is not None:
        pass
    (found,) = quoter.quotes
    assert (found.start, found.stop) == (0, 2)
    assert isinstance(found, Quote)
    assert 0.0 < found.probability < 1.0
