"""A rater is asked about a text once, whatever stops the run and however the table grows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.core.errors import EngineError, EngineUnavailableError
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.core.spans import words_of
from localensemble.engines.protocol import Engine, Quote, Quotes, ScoreFailure
from localensemble.engines.scripted import ScriptedEngine
from localensemble.extraction.every_place import every_place
from localensemble.extraction.quoting_run import Asked, ExtractionPlan, run_extraction
from localensemble.labeling.labeling_plan import NamedEngine
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.verify import verify
from localensemble.prompting.template import load_template
from localensemble.tables.item_file import ItemFile

TEXTS = ["😷 fever and fever", "no complaint", "Fever, rash", "no complaint", "n/a"]
CODEBOOK = Codebook(
    "notes", "1", "", (Variable("sign", "nominal", "Which signs?", (Category("Sign", "A sign."),)),)
)


class QuotingEngine(ScriptedEngine):
    """Quotes the first word of each text that has "ever" in it, and counts its calls."""

    def __init__(self, *, fails_after: int | None = None, seed: str = "0") -> None:
        super().__init__(seed=seed)
        self.calls = 0
        self.fails_after = fails_after

    def quote(
        self, prompt: Prompt, *, text: str, categories: Sequence[str], at_most: int
    ) -> Quotes | ScoreFailure:
        assert prompt.item == text
        assert "Which signs?" in prompt.messages[1].text
        if self.calls == self.fails_after:
            raise EngineError("the plug was pulled", hint="")
        self.calls += 1
        if text == "too long":
            return ScoreFailure("too_long: 9 of 8 tokens")
        words = [word for word in words_of(text) if "ever" in text[word.start : word.stop]]
        quotes = tuple(Quote(0, word.start, word.stop, 0.5) for word in words[:1])
        return Quotes(quotes, is_whole=text != "cut", prompt_tokens=3)


def table(tmp_path: Path, texts: Sequence[str]) -> ItemFile:
    path = tmp_path / "notes.csv"
    rows = [f'i{number},"{text}"' for number, text in enumerate(texts)]
    path.write_text("\n".join(["id,text", *rows]) + "\n", encoding="utf-8")
    return ItemFile.open(path)


@contextmanager
def extracted(
    tmp_path: Path, engine: Engine, texts: Sequence[str] = TEXTS, *, limit: int | None = None
) -> Iterator[tuple[Ledger, Asked]]:
    named = NamedEngine(RaterName("quoter"), lambda: engine)
    plan = ExtractionPlan(
        table(tmp_path, texts), CODEBOOK, (named,), load_template("spans"), limit=limit
    )
    with Ledger.open(tmp_path / "study.sqlite", create=True) as ledger:
        (asked,) = run_extraction(plan, ledger=ledger)
        yield ledger, asked


def places(ledger: Ledger, asked: Asked) -> dict[int, list[tuple[int, int]]]:
    found = ledger.reader.passages(asked.place)
    return {number: [(p.start, p.stop) for p in one.passages] for number, one in found.items()}


def test_the_same_text_is_asked_once_and_every_place_of_a_passage_counts(tmp_path: Path) -> None:
    engine = QuotingEngine()
    with extracted(tmp_path, engine) as (ledger, asked):
        # Five items: one text stands twice, and "n/a" answers nothing.
        assert engine.calls == asked.calls == 3
        assert places(ledger, asked) == {0: [(2, 7), (12, 17)], 1: [], 2: [(0, 5)], 3: [], 4: []}
    assert verify(tmp_path / "study.sqlite").ok


def test_a_second_run_asks_nothing_and_a_grown_table_only_the_new_texts(tmp_path: Path) -> None:
    with extracted(tmp_path, QuotingEngine()):
        pass
    again = QuotingEngine()
    with extracted(tmp_path, again) as (_, asked):
        assert (again.calls, asked.calls) == (0, 0)
    grown = QuotingEngine()
    with extracted(tmp_path, grown, [*TEXTS, "Fever, rash", "fever again"]) as (ledger, asked):
        assert grown.calls == 1
        assert places(ledger, asked)[5] == [(0, 5)]
    other = QuotingEngine(seed="1")
    with extracted(tmp_path, other, TEXTS):
        assert other.calls == 3


def test_a_run_that_stopped_goes_on_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    with extracted(whole, QuotingEngine()) as (ledger, asked):
        expected = places(ledger, asked)
    with (
        pytest.raises(EngineError, match="plug"),
        extracted(tmp_path, QuotingEngine(fails_after=2)),
    ):
        pass
    left = QuotingEngine()
    with extracted(tmp_path, left) as (ledger, asked):
        assert left.calls == 1
        assert places(ledger, asked) == expected


def test_what_could_not_be_read_is_recorded_with_its_reason(tmp_path: Path) -> None:
    with extracted(tmp_path, QuotingEngine(), ["too long", "cut", "fever"], limit=2) as found:
        ledger, asked = found
        reasons = {n: one.reason for n, one in ledger.reader.passages(asked.place).items()}
        assert reasons == {0: "too_long: 9 of 8 tokens", 1: "cut"}


def test_a_rater_that_cannot_quote_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(EngineUnavailableError, match='"quoter" cannot find passages'),
        extracted(tmp_path, ScriptedEngine()),
    ):
        pass


def test_another_place_counts_only_as_whole_words_that_nothing_else_touches() -> None:
    text = "pain, painful, pain and chest pain"
    quotes = (Quote(0, 0, 4, 0.5), Quote(1, 24, 34, 0.25))
    found = every_place(quotes, text)
    places = [(one.category, text[one.start : one.stop], one.start) for one in found]
    assert places == [(0, "pain", 0), (0, "pain", 15), (1, "chest pain", 24)]


def test_a_passage_that_a_text_repeats_many_thousand_times_is_found_in_bounded_time() -> None:
    text = "no " * 30_000
    began = time.process_time()
    assert len(every_place([Quote(0, 0, 2, 0.5)], text)) == 30_000
    assert time.process_time() - began < 5
