"""Ask every rater for the passages of every item, and record them as they come.

What the ledger has is not asked again: the same rater (model, prompt and settings) is asked about
the same text once, also if it stands in two items or in a table that grew. A stopped run goes on
where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from localensemble.codebook.model import Codebook, Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import EngineUnavailableError
from localensemble.core.identity import canonical_json, sha256_text
from localensemble.core.items import Item
from localensemble.core.labels import RaterName
from localensemble.core.raters import Rater, RaterIdentity
from localensemble.engines.protocol import Engine, QuotingEngine, ScoreFailure
from localensemble.extraction.every_place import every_place
from localensemble.labeling.labeling_plan import NamedEngine
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import (
    AskedForPassages,
    ItemPassages,
    ItemSetKey,
    Passage,
    RaterKey,
    VariableKey,
)
from localensemble.prompting.template import PromptTemplate
from localensemble.study.item_sets import register_item_set
from localensemble.study.run_record import codebook_content, register_codebook
from localensemble.tables.item_file import ItemFile

MOST_TOKENS = 256
"""The most tokens of a response, if nothing else is asked for."""

# A kill loses at most what was found since the last record.
_SECONDS_BETWEEN_RECORDS = 2.0
_BLOCK_ITEMS = 64
_CUT = "cut"


@dataclass(frozen=True, slots=True)
class ExtractionPlan:
    """What to ask whom.

    Attributes:
        items: the texts.
        codebook: the variables, as raters are shown them.
        engines: the raters and how to load their models.
        template: the prompt template.
        most_tokens: the most tokens of one response.
        limit: ask only about the first items; None asks about all.
    """

    items: ItemFile
    codebook: Codebook
    engines: tuple[NamedEngine, ...]
    template: PromptTemplate
    most_tokens: int = MOST_TOKENS
    limit: int | None = None

    @property
    def total(self) -> int:
        """How many items are asked about."""
        return min(self.items.item_count, self.limit or self.items.item_count)


@dataclass(frozen=True, slots=True)
class ExtractionProgress:
    """How far a rater is: items done of all, and calls of its model."""

    rater: RaterName
    done: int
    total: int
    calls: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked about a variable, and what it took.

    Attributes:
        rater: the name of the rater.
        variable: the name of the variable.
        place: where the ledger has the passages.
        calls: calls of the model in this run; 0 if the ledger had everything.
    """

    rater: RaterName
    variable: str
    place: AskedForPassages
    calls: int


def run_extraction(
    plan: ExtractionPlan,
    *,
    ledger: Ledger,
    on_progress: Callable[[ExtractionProgress], None] = lambda progress: None,
) -> tuple[Asked, ...]:
    """Get the passages that the ledger does not hold yet.

    Raises:
        EngineError: an engine cannot continue; what was found so far is in the ledger.
        EngineUnavailableError: a rater cannot quote passages.
        TableError: the items changed during the run.
    """
    item_set = register_item_set(ledger, plan.items)
    variables = register_codebook(ledger, plan.codebook)
    asked: list[Asked] = []
    for named in plan.engines:
        engine = named.load()
        try:
            rater = _RaterTurn(plan, ledger, item_set, named.name, _quoting(engine, named.name))
            for variable in plan.codebook.variables:
                asked.append(rater.ask(variable, variables, on_progress))
        finally:
            engine.close()
    return tuple(asked)


def _quoting(engine: Engine, name: RaterName) -> QuotingEngine:
    if isinstance(engine, QuotingEngine):
        return engine
    raise EngineUnavailableError(
        f'Rater "{name}" cannot find passages: its engine scores categories and writes nothing.',
        hint="Use a model in a GGUF file that llama.cpp runs, or remove it from the ensemble file.",
    )


class _RaterTurn:
    """One rater, asked about all items."""

    def __init__(
        self,
        plan: ExtractionPlan,
        ledger: Ledger,
        item_set: ItemSetKey,
        name: RaterName,
        engine: QuotingEngine,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._item_set = item_set
        self._name = name
        self._engine = engine
        self._key = ledger.register_rater(Rater(name, _identity(engine, plan)))
        self._non_answers = NonAnswers.of(plan.codebook.no_answer)
        self.calls = 0

    def ask(
        self,
        variable: Variable,
        keys: Mapping[str, VariableKey],
        on_progress: Callable[[ExtractionProgress], None],
    ) -> Asked:
        """Ask about one variable; whatever happens, record what there is."""
        place = asked_place(self._key, keys[variable.name], self._item_set)
        recorded = self._ledger.reader.passages(place)
        known: dict[str, ItemPassages] = {}
        found: dict[int, ItemPassages] = {}
        calls_before, written_at = self.calls, time.monotonic()
        began = self._engine.usage().seconds

        def record() -> None:
            nonlocal written_at, began
            now = self._engine.usage().seconds
            self._ledger.append_passages(found, asked=place, seconds=now - began)
            found.clear()
            written_at, began = time.monotonic(), now

        def tell(done: int) -> None:
            calls = self.calls - calls_before
            on_progress(ExtractionProgress(self._name, done, self._plan.total, calls))

        try:
            for item in self._items():
                text = sha256_text(item.text)
                one = recorded.get(item.position) or known.get(text)
                if one is None:
                    one = self._found(item, variable)
                known[text] = one
                if item.position not in recorded:
                    found[item.position] = one
                if time.monotonic() - written_at >= _SECONDS_BETWEEN_RECORDS:
                    record()
                    tell(item.position + 1)
        finally:
            record()
        tell(self._plan.total)
        return Asked(self._name, variable.name, place, self.calls - calls_before)

    def _items(self) -> Iterator[Item]:
        for block in self._plan.items.blocks(_BLOCK_ITEMS):
            for row in block:
                if row.item.position == self._plan.total:
                    return
                yield row.item

    def _found(self, item: Item, variable: Variable) -> ItemPassages:
        if self._non_answers.include(item.text):
            return ItemPassages()
        prompt = self._plan.template.render(variable, item.text, layout="codebook_first")
        self.calls += 1
        response = self._engine.quote(
            prompt,
            text=item.text,
            categories=variable.answers,
            at_most=self._plan.most_tokens,
        )
        if isinstance(response, ScoreFailure):
            return ItemPassages(reason=response.reason)
        passages = tuple(
            Passage(one.start, one.stop, one.category, one.probability)
            for one in every_place(response.quotes, item.text)
        )
        return ItemPassages(passages, reason="" if response.is_whole else _CUT)


def asked_place(rater: RaterKey, variable: VariableKey, item_set: ItemSetKey) -> AskedForPassages:
    """Return under what the ledger keeps the passages of a rater that quotes."""
    method = canonical_json({"asked": "quotes", "places": "every", "version": 1})
    return AskedForPassages(rater, variable, item_set, method)


def _identity(engine: QuotingEngine, plan: ExtractionPlan) -> RaterIdentity:
    """Return everything that can change what a rater finds."""
    described = engine.describe()
    return RaterIdentity(
        engine=described.engine,
        engine_version=described.engine_version,
        model_name=described.model_name,
        model_sha256=described.model_sha256,
        chat_template_sha256=described.chat_template_sha256,
        prompt_template=plan.template.full_name,
        prompt_template_sha256=plan.template.sha256,
        codebook_sha256=sha256_text(codebook_content(plan.codebook)),
        layout="codebook_first",
        settings=(
            *described.settings,
            ("response", "quotes"),
            ("response_tokens", str(plan.most_tokens)),
        ),
    )
