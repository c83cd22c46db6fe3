"""Run an ensemble over an item set: get the labels that the ledger does not hold yet.

Rater by rater, block by block in item order. A block is recorded in one transaction
when all its labels are there, so an interrupted run loses only the block in flight and packs
the same batches when it continues: its labels equal those of an undisturbed run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import EnsembleError, InputError, TableError, UnfitRaterError
from localensemble.core.identity import JsonValue, sha256_text
from localensemble.core.items import Item
from localensemble.core.labels import Label, RaterName
from localensemble.core.prompts import Layout, Readout
from localensemble.core.raters import Rater, RaterIdentity
from localensemble.engines.protocol import Engine, EngineDescription, Usage
from localensemble.labeling.codebook_room import refuse_long_codebook
from localensemble.labeling.layout import layout_for
from localensemble.labeling.scoring import Questions, label_block
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import (
    BlockUsage,
    ItemSetKey,
    RaterKey,
    RunKey,
    RunStatus,
    VariableKey,
)
from localensemble.prompting.template import PromptTemplate
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.item_sets import register_item_set
from localensemble.study.run_record import (
    RunSettings,
    RunSummary,
    register_codebook,
    variables_content,
)
from localensemble.study.unfit_signs import UnfitSign, unfit_signs
from localensemble.tables.item_file import ItemFile

BLOCK_SIZE = 64


@dataclass(frozen=True, slots=True)
class NamedEngine:
    """A rater's name and how to load its model (called when its turn comes).

    Attributes:
        readouts: the readout that the rater states; none if it states none, several if
            `settle_readouts` must choose one of them before the run.
        model_sha256: hash of the model as far as it is known; another model needs another choice.
    """

    name: RaterName
    load: Callable[[], Engine]
    readouts: tuple[Readout, ...] = ()
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class LabelingPlan:
    """The plan of a run.

    Attributes:
        layout: the prompt layout; None lets token counts choose for each rater.
        rules: how consensus and escalation are decided; kept with the run, so that decisions
            can be derived again from the ledger alone.
        limit: label only the first items of the file; None labels all.
        control: variable -> item id -> known category; kept with the run for the same reason.
        cautions: sentences on why not to trust the labels; kept with the run for the readers
            of its results.
        stated_rules: the rules in the ensemble file if the study is decided by others; None
            if it is decided by them.
        certified_raters: rater -> hash of the identity for which a certificate holds.
        chosen_readouts: the choices that `settle_readouts` made; kept with the run.
        stop_unfit: stop as soon as the first block of a rater shows a sign that it is unfit.
    """

    items: ItemFile
    codebook: Codebook
    engines: tuple[NamedEngine, ...]
    template: PromptTemplate
    layout: Layout | None
    rules: DecisionRules
    limit: int | None = None
    control: Mapping[str, Mapping[str, str]] | None = None
    cautions: tuple[str, ...] = ()
    stated_rules: DecisionRules | None = None
    certified_raters: Mapping[str, str] = field(default_factory=dict)
    chosen_readouts: tuple[ReadoutChoice, ...] = ()
    stop_unfit: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one rater; ``resumed`` items had their labels before the run began."""

    rater: RaterName
    items_done: int
    items_total: int
    resumed: int
    seconds: float


def run_labeling(
    plan: LabelingPlan,
    *,
    ledger: Ledger,
    on_progress: Callable[[Progress], None],
    on_sign: Callable[[UnfitSign], None] = lambda sign: None,
) -> None:
    """Label every item of the plan with every rater, skipping labels already in the ledger.

    The run's record in the ledger holds what was labeled and under which rules. ``on_sign`` gets
    each sign that a rater is unfit as soon as the rater's first block is done.

    Raises:
        EngineError: an engine cannot continue. The labels so far are in the ledger.
        EnsembleError: two raters turn out to be the same.
        InputError: a rater is not the one that a certificate names, or its context cannot hold
            the codebook.
        TableError: the items file changed during the run.
        UnfitRaterError: a rater shows a sign of being unfit, and the plan says to stop then.
        KeyboardInterrupt: raised again after the run is recorded as interrupted.
    """
    item_set = register_item_set(ledger, plan.items)
    variables = register_codebook(ledger, plan.codebook)
    total = min(plan.items.item_count, plan.limit or plan.items.item_count)
    run = ledger.start_run(_run_settings(plan).as_json())
    status: RunStatus = "failed"
    summary: JsonValue = {}
    try:
        raters: dict[RaterKey, RaterName] = {}
        signs: list[UnfitSign] = []

        def keep(sign: UnfitSign) -> None:
            signs.append(sign)
            on_sign(sign)

        for engine in plan.engines:
            rater_run = _RaterRun(plan, ledger, item_set, variables, run, total, raters, keep)
            raters[rater_run.label_all(engine, on_progress)] = engine.name
        status = "finished"
        summary = RunSummary(item_set, total, tuple(raters), variables, tuple(signs)).as_json()
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        ledger.finish_run(run, status=status, summary=summary)


@dataclass(frozen=True, slots=True)
class _RaterRun:
    plan: LabelingPlan
    ledger: Ledger
    item_set: ItemSetKey
    variables: Mapping[str, VariableKey]
    run: RunKey
    total: int
    before: Mapping[RaterKey, RaterName]
    on_sign: Callable[[UnfitSign], None]

    def label_all(self, named: NamedEngine, on_progress: Callable[[Progress], None]) -> RaterKey:
        engine = named.load()
        try:
            questions = self._questions(engine, named)
            rater = Rater(named.name, rater_identity(engine, questions))
            self._refuse_uncertified(rater)
            key = self.ledger.register_rater(rater)
            if key in self.before:
                raise EnsembleError(
                    f'Raters "{self.before[key]}" and "{named.name}" are the same rater: same '
                    "model, prompt, settings and engine.",
                    hint="Remove one of them from the ensemble file; a model cannot vote twice.",
                )
            self._label_missing(engine, key, questions, named.name, on_progress)
        finally:
            engine.close()
        return key

    def _refuse_uncertified(self, rater: Rater) -> None:
        certified = self.plan.certified_raters.get(rater.name, rater.identity.sha256)
        if certified != rater.identity.sha256:
            raise InputError(
                f'A certificate or calibration does not apply to rater "{rater.name}": its '
                f"identity is {rater.identity.sha256[:12]}, but was {certified[:12]} then. "
                "It has labeled nothing.",
                hint="Its engine, chat template, layout or settings changed. Make the certificate "
                "or calibration again, or label without it.",
            )

    def _questions(self, engine: Engine, named: NamedEngine) -> Questions:
        plan = self.plan
        variables = plan.codebook.variables
        template = plan.template.reading(named.readouts[0]) if named.readouts else plan.template
        refuse_long_codebook(
            engine, rater=named.name, variables=variables, template=template, layout=plan.layout
        )
        layout = layout_for(
            engine, plan.items, variables=variables, template=template, layout=plan.layout
        )
        non_answers = NonAnswers.of(plan.codebook.no_answer)
        return Questions(variables, template, layout, non_answers)

    def _label_missing(
        self,
        engine: Engine,
        rater: RaterKey,
        questions: Questions,
        name: RaterName,
        on_progress: Callable[[Progress], None],
    ) -> None:
        started = time.monotonic()
        missing = tuple(self._missing(rater))
        done = resumed = self.total - sum(stop - start for start, stop in missing)
        on_progress(Progress(name, done, self.total, resumed, 0.0))
        if not missing or missing[0][0] > 0:
            # The ledger has the whole first block already.
            self._look_for_signs(rater, name)
        before = engine.usage()
        for start, items in self._items_of(missing):
            labels = label_block(engine, items, questions=questions)
            after = engine.usage()
            self.ledger.append_block(
                self._only_missing(labels, rater, start),
                run=self.run,
                rater=rater,
                item_set=self.item_set,
                start=start,
                usage=_difference(before, after),
            )
            before = after
            done += len(items)
            on_progress(Progress(name, done, self.total, resumed, time.monotonic() - started))
            if start == 0:
                self._look_for_signs(rater, name)

    def _look_for_signs(self, rater: RaterKey, name: RaterName) -> None:
        """Report signs in the first block; those of a rater declared unfit are known already.

        Raises:
            UnfitRaterError: there are signs, and the plan says to stop then.
        """
        if name in self.plan.rules.unfit:
            return
        first = {
            variable: self.ledger.reader.label_block(
                self.item_set,
                variable=key,
                raters=(rater,),
                start=0,
                stop=min(BLOCK_SIZE, self.total),
            )
            for variable, key in self.variables.items()
        }
        plan = self.plan
        signs = unfit_signs(name, blocks=first, codebook=plan.codebook, rules=plan.rules)
        for sign in signs:
            self.on_sign(sign)
        if signs and plan.stop_unfit:
            raise UnfitRaterError(
                f'Stopped labeling: rater "{name}" shows a sign of being unfit, as described '
                "above. Labels so far are kept.",
                hint=f"Replace it in the ensemble file, or declare it unfit (--unfit {name}), and "
                "run the same command again. To label in spite of the sign, leave out "
                "--stop-unfit.",
            )

    def _missing(self, rater: RaterKey) -> Iterator[tuple[int, int]]:
        """Yield the blocks that lack a label, as positions from start to stop."""
        for block in self.ledger.reader.missing_blocks(
            self.item_set,
            rater=rater,
            variables=tuple(self.variables.values()),
            block_size=BLOCK_SIZE,
        ):
            start = block * BLOCK_SIZE
            if start >= self.total:
                return
            stop = min(start + BLOCK_SIZE, self.total)
            if stop - start == BLOCK_SIZE or self._has_gap(rater, start, stop):
                yield start, stop

    def _has_gap(self, rater: RaterKey, start: int, stop: int) -> bool:
        # A limit cuts the last block: all its missing labels may be beyond the limit.
        return any(bool(gaps.any()) for gaps in self._gaps(rater, start, stop).values())

    def _items_of(
        self, missing: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, tuple[Item, ...]]]:
        blocks = self.plan.items.blocks(BLOCK_SIZE)
        at = 0
        for start, stop in missing:
            rows = next(islice(blocks, (start - at) // BLOCK_SIZE, None))
            at = start + BLOCK_SIZE
            items = tuple(row.item for row in rows[: stop - start])
            self._refuse_other_texts(items, start, stop)
            yield start, items

    def _refuse_other_texts(self, items: Sequence[Item], start: int, stop: int) -> None:
        # Labels are recorded by position. If a text is not the one registered there, its label
        # would be recorded under another text's hash, and nothing would show it.
        read = tuple((item.id, sha256_text(item.text)) for item in items)
        registered = self.ledger.reader.item_hashes(self.item_set, start=start, stop=stop)
        if read != registered:
            raise TableError(
                f"{self.plan.items.path.name}: rows {start + 1} to {stop} are not those that "
                "the run began with; the file changed during the run.",
                hint="Run again without changing the file. Labels so far are kept.",
            )

    def _only_missing(
        self, labels: Mapping[str, Sequence[Label]], rater: RaterKey, start: int
    ) -> Mapping[VariableKey, Sequence[Label | None]]:
        # A block can be partly recorded (after --limit, or when a file gained items). It is
        # scored whole, so that its batches do not change, and only the gaps are kept.
        stop = start + len(next(iter(labels.values())))
        missing = self._gaps(rater, start, stop)
        return {
            key: [
                label if gap else None
                for label, gap in zip(labels[name], missing[key], strict=True)
            ]
            for name, key in self.variables.items()
        }

    def _gaps(
        self, rater: RaterKey, start: int, stop: int
    ) -> Mapping[VariableKey, NDArray[np.bool_]]:
        return self.ledger.reader.missing_labels(
            self.item_set,
            rater=rater,
            variables=tuple(self.variables.values()),
            start=start,
            stop=stop,
        )


def rater_identity(engine: Engine, questions: Questions) -> RaterIdentity:
    """Return everything that can change a digit of the labels that an engine gives in a run."""
    described = engine.describe()
    template, variables = questions.template, questions.variables
    return RaterIdentity(
        engine=described.engine,
        engine_version=described.engine_version,
        model_name=described.model_name,
        model_sha256=described.model_sha256,
        chat_template_sha256=described.chat_template_sha256,
        prompt_template=f"{template.name}/v{template.version}",
        prompt_template_sha256=template.sha256,
        codebook_sha256=sha256_text(variables_content(variables)),
        layout=questions.layout,
        settings=(
            *described.settings,
            ("block_size", str(BLOCK_SIZE)),
            *_prefix_rule(described.prefix_rule, questions),
            *_readout_settings(template, described),
        ),
    )


def _prefix_rule(rule: str, questions: Questions) -> tuple[tuple[str, str], ...]:
    # Only where it can change a digit, so that it makes no other raters elsewhere.
    begin_others = questions.template.has_answers_that_begin_others
    concerned = rule and any(map(begin_others, questions.variables))
    return (("prefix_rule", rule),) if concerned else ()


def _readout_settings(
    template: PromptTemplate, described: EngineDescription
) -> tuple[tuple[str, str], ...]:
    # Raters that state no readout stay the raters they were.
    if template.readout is None:
        return ()
    summed = (("spellings", "summed"),) if described.sums_spellings else ()
    return (
        ("readout", template.readout),
        ("readout_sha256", template.readout_sha256),
        *summed,
    )


def _run_settings(plan: LabelingPlan) -> RunSettings:
    return RunSettings(
        codebook=plan.codebook,
        rules=plan.rules,
        stated_rules=(plan.stated_rules or plan.rules).content,
        raters=tuple(str(engine.name) for engine in plan.engines),
        items_sha256=plan.items.sha256,
        limit=plan.limit,
        cautions=plan.cautions,
        control=plan.control,
        readouts=plan.chosen_readouts,
    )


def _difference(before: Usage, after: Usage) -> BlockUsage:
    return BlockUsage(
        prompt_tokens=after.prompt_tokens - before.prompt_tokens,
        evaluated_tokens=after.evaluated_tokens - before.evaluated_tokens,
        seconds=after.seconds - before.seconds,
        peak_memory_bytes=after.peak_memory_bytes,
    )
