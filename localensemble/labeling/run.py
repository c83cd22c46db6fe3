"""Run an ensemble over an item set: get the labels that the ledger does not hold yet.

Rater by rater, block by block in item order. Labels are recorded as they come, in parts of a
block. When an interrupted run continues, it packs the same batches and skips those whose labels
are all recorded, so its labels equal those of an undisturbed run (`packing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import InputError, TableError, UnfitRaterError
from localensemble.core.identity import JsonValue, sha256_text
from localensemble.core.items import Item
from localensemble.core.labels import RaterName
from localensemble.core.raters import Rater, RaterIdentity
from localensemble.engines.protocol import Engine
from localensemble.labeling.asking_again import AskingAgain, escalates_suspected
from localensemble.labeling.category_orders import in_all_orders
from localensemble.labeling.codebook_room import refuse_long_codebook
from localensemble.labeling.ensemble import same_rater_error
from localensemble.labeling.kept_labels import keep_labels, under_other_codebooks
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.layout import layout_for
from localensemble.labeling.packing import BLOCK_SIZE, Masks, Packing, missing_packings
from localensemble.labeling.placed_items import PlacedItems
from localensemble.labeling.rater_identity import rater_identity
from localensemble.labeling.recording import Recorder
from localensemble.labeling.scoring import LabeledCells, Questions, label_missing
from localensemble.labeling.strategy.turns import Turns, answering_items, recorded_strategy
from localensemble.labeling.suspected_texts import suspected_texts
from localensemble.labeling.tally import Progress, Tally
from localensemble.labeling.training_texts import texts_trained_on
from localensemble.labeling.verification import (
    Answers,
    Verifier,
    proposers_sha256,
    record_questions,
    verifications,
)
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import (
    BlockPlace,
    ItemSetKey,
    RaterKey,
    RunKey,
    RunStatus,
    VariableKey,
)
from localensemble.strategies.asked_by_role import role_of
from localensemble.study.item_sets import register_item_set
from localensemble.study.order_changes import OrderTally
from localensemble.study.run_record import (
    RecordedPrompt,
    RunSettings,
    RunSummary,
    register_codebook,
)
from localensemble.study.unfit_signs import UnfitSign, unfit_signs


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
    settings = _run_settings(plan)
    run = ledger.start_run(settings.as_json())
    status: RunStatus = "failed"
    summary: dict[str, JsonValue] = {}
    changes = OrderTally()
    texts = (settings.suspected_texts or {}) if escalates_suspected(plan.rules) else {}
    again = AskingAgain.of(
        plan.items, plan.codebook, ledger.reader, item_set, variables, total=total, texts=texts
    )
    try:
        raters: dict[RaterKey, RaterName] = {}
        turns = _turns(plan, item_set, variables, total)
        verifies = any(_verifies(plan, one.name) for one in plan.engines)
        verified = record_questions(ledger, plan.shown) if verifies else {}
        signs: list[UnfitSign] = []

        def keep(sign: UnfitSign) -> None:
            signs.append(sign)
            on_sign(sign)

        for engine in plan.engines:
            rater_run = _RaterRun(
                plan,
                ledger,
                item_set,
                variables,
                run,
                total,
                raters,
                keep,
                changes,
                again,
                turns,
                verified,
            )
            raters[rater_run.label_all(engine, on_progress)] = engine.name
        status = "finished"
        keys = tuple(raters)
        left_out = {} if turns is None else turns.left_out(ledger.reader, keys)
        summary = RunSummary(
            item_set, total, keys, variables, tuple(signs), left_out, verified
        ).as_json()
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        ledger.finish_run(
            run, status=status, summary={**summary, **changes.as_json(), **again.kept.as_json()}
        )


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
    changes: OrderTally
    again: AskingAgain
    turns: Turns | None = None
    verified: Mapping[str, VariableKey] = field(default_factory=dict)

    def label_all(self, named: NamedEngine, on_progress: Callable[[Progress], None]) -> RaterKey:
        engine = named.load()
        try:
            questions = self._questions(engine, named)
            rater = Rater(named.name, rater_identity(engine, questions))
            self._refuse_uncertified(rater)
            key = self.ledger.register_rater(rater)
            if key in self.before:
                raise same_rater_error(self.before[key], named.name)
            self._keep_labels(key, rater.identity)
            self._label_missing(engine, key, questions, named.name, on_progress)
            verifies = _verifies(self.plan, named.name)
            if named.name not in self.plan.rules.unfit and not verifies:
                self.again.ask(engine, key, questions=questions)
        finally:
            engine.close()
        return key

    def _refuse_uncertified(self, rater: Rater) -> None:
        certified = self.plan.certified_raters.get(rater.name, rater.identity.sha256)
        if certified != rater.identity.sha256:
            raise InputError(
                f'The certificate, calibration or pool does not apply to rater "{rater.name}": its '
                f"identity is now {rater.identity.sha256[:12]}, but was {certified[:12]} then. "
                "The rater labeled nothing.",
                hint="Its codebook, engine, template or settings changed. Drop it (`localensemble "
                "consensus STUDY --items FILE`, with --method majority or a --drop option).",
            )

    def _questions(self, engine: Engine, named: NamedEngine) -> Questions:
        plan = self.plan
        variables = plan.shown.variables
        by = ""
        if _verifies(plan, named.name):
            variables = verifications(variables)
            by = proposers_sha256(self.ledger.reader, before=self.before, rules=plan.rules)
        template = plan.template.reading(named.readouts[0]) if named.readouts else plan.template
        refuse_long_codebook(
            engine, rater=named.name, variables=variables, template=template, layout=plan.layout
        )
        asked = in_all_orders(variables, at_most=plan.orders)
        layout = layout_for(
            engine, plan.items, variables=asked, template=template, layout=plan.layout
        )
        non_answers = NonAnswers.of(plan.codebook.no_answer)
        shown = plan.items.shown_sha256
        return Questions(variables, template, layout, non_answers, plan.orders, by, shown)

    def _keep_labels(self, key: RaterKey, identity: RaterIdentity) -> None:
        earlier = under_other_codebooks(identity, shots=self.plan.shots, reader=self.ledger.reader)
        place, of = BlockPlace(self.item_set, 0, self.total), tuple(self.variables.values())
        keep_labels(self.ledger, key, earlier=earlier, run=self.run, place=place, of=of)

    def _label_missing(
        self,
        engine: Engine,
        rater: RaterKey,
        questions: Questions,
        name: RaterName,
        on_progress: Callable[[Progress], None],
    ) -> None:
        asked = None
        if self.turns is not None:
            asked = self.turns.asked(self.ledger.reader, before=tuple(self.before))
        tally = self._tally(rater, name, asked, on_progress)
        tally.report()
        # A rater that is asked about chosen items only is not judged by the first of them.
        signs_due = asked is None or all(mask[:BLOCK_SIZE].all() for mask in asked.values())
        verifier = self._verifier(name, questions)
        signs_due &= verifier is None
        keys = self.variables if verifier is None else {**self.variables, **self.verified}
        recorder = Recorder(self.ledger, engine, self.run, rater, keys)
        items = PlacedItems(self.plan.items)
        for packing in missing_packings(
            self.ledger.reader,
            self.item_set,
            rater=rater,
            variables=tuple(self.variables.values()),
            total=self.total,
            asked=asked,
            together=self.plan.strategy is not None and self.plan.strategy.computes_whole_blocks,
        ):
            if signs_due and self._has_first_block(rater):
                self._look_for_signs(rater, name)
                signs_due = False
            self._label_packing(packing, engine, items, verifier or questions, recorder, tally)
            tally.report()
        if signs_due:
            self._look_for_signs(rater, name)

    def _verifier(self, name: RaterName, questions: Questions) -> Verifier | None:
        if self.turns is None or not _verifies(self.plan, name):
            return None
        proposed = self.turns.proposed(self.ledger.reader, before=tuple(self.before))
        return Verifier(self.plan.codebook.variables, questions, proposed)

    def _label_packing(
        self,
        packing: Packing,
        engine: Engine,
        items: PlacedItems,
        asked: Questions | Verifier,
        recorder: Recorder,
        tally: Tally,
    ) -> None:
        """Label what is missing of a packing; whatever happens, record what there is."""
        texts = items.at(packing.positions)
        self._refuse_other_texts(texts, packing)

        def keep(cells: LabeledCells, answers: Answers | None = None) -> None:
            every = replace(cells, labels={**cells.labels, **(answers or {})})
            recorder.add(every, block=packing.place)
            tally.add(cells)
            of_key = {self.variables[name]: [*one.values()] for name, one in cells.labels.items()}
            self.changes.add(recorder.rater, of_key)

        missing = {name: packing.missing[key] for name, key in self.variables.items()}
        try:
            if isinstance(asked, Verifier):
                positions = packing.positions
                asked.verify_missing(
                    engine, texts, positions=positions, missing=missing, on_labels=keep
                )
            else:
                together = packing.packed_by_name(self.variables)
                label_missing(
                    engine,
                    texts,
                    questions=asked,
                    missing=missing,
                    packed=together,
                    on_labels=keep,
                )
        finally:
            recorder.record()

    def _look_for_signs(self, rater: RaterKey, name: RaterName) -> None:
        """Report signs in the first block; those of a rater declared unfit are known already.

        Raises:
            UnfitRaterError: there are signs, and the plan says to stop then.
        """
        if name in self.plan.rules.unfit:
            return
        stop = min(BLOCK_SIZE, self.total)
        first = {
            variable: self.ledger.reader.label_block(
                self.item_set, variable=key, raters=(rater,), start=0, stop=stop
            )
            for variable, key in self.variables.items()
        }
        plan = self.plan
        chosen = any(one.rater == name for one in plan.chosen_readouts)
        signs = unfit_signs(
            name, blocks=first, codebook=plan.codebook, rules=plan.rules, readout_chosen=chosen
        )
        for sign in signs:
            self.on_sign(sign)
        if signs and plan.stop_unfit:
            raise UnfitRaterError(
                f'Stopped labeling: rater "{name}" shows a sign of being unfit, as described '
                "above. Labels so far are kept.",
                hint=f"Replace it in the ensemble file, or declare it unfit (--unfit {name}), and "
                "run the same command again. To label anyway, leave out "
                "--stop-unfit.",
            )

    def _tally(
        self,
        rater: RaterKey,
        name: RaterName,
        asked: Masks | None,
        on_progress: Callable[[Progress], None],
    ) -> Tally:
        lacking = self._missing(rater, self.total)
        wanted = self.total * len(lacking)
        if asked is not None:
            lacking = {key: mask & asked[key] for key, mask in lacking.items()}
            wanted = sum(int(mask.sum()) for mask in asked.values())
        missing = sum(int(mask.sum()) for mask in lacking.values())
        return Tally(name, wanted, len(lacking), missing, on_progress)

    def _missing(self, rater: RaterKey, stop: int) -> Masks:
        """Mark the labels that the first items lack."""
        return self.ledger.reader.missing_labels(
            self.item_set,
            rater=rater,
            variables=tuple(self.variables.values()),
            start=0,
            stop=stop,
        )

    def _has_first_block(self, rater: RaterKey) -> bool:
        first = self._missing(rater, min(BLOCK_SIZE, self.total))
        return not any(mask.any() for mask in first.values())

    def _refuse_other_texts(self, items: Sequence[Item], packing: Packing) -> None:
        # Labels are recorded by position. If a text is not the one registered there, its label
        # would be recorded under another text's hash, and nothing would show it.
        place = packing.place
        read = tuple((item.id, sha256_text(item.text)) for item in items)
        registered = self.ledger.reader.item_hashes(
            place.item_set, start=place.start, stop=place.stop
        )
        if read != registered:
            raise TableError(
                f"{self.plan.items.path.name}: rows {min(packing.positions) + 1} to "
                f"{max(packing.positions) + 1} are not those that the run began with; the file "
                "changed during the run.",
                hint="Run again without changing the file. Labels so far are kept.",
            )


def _run_settings(plan: LabelingPlan) -> RunSettings:
    words = frozenset[str]().union(*(engine.trained_on for engine in plan.engines))
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
        prompt=RecordedPrompt(plan.template.full_name, plan.template.content),
        shots=plan.shots.recorded,
        trained_on=texts_trained_on(plan.items, words=words),
        strategy=recorded_strategy(plan.strategy, plan.rules),
        suspected_texts=suspected_texts(plan.items, codebook=plan.codebook, limit=plan.limit),
        deidentified=plan.deidentified,
        engines={str(one.name): one.origin for one in plan.engines if one.origin is not None},
    )


def _verifies(plan: LabelingPlan, name: RaterName) -> bool:
    return plan.strategy is not None and role_of(name, plan.rules) == "verifier"


def _turns(
    plan: LabelingPlan,
    item_set: ItemSetKey,
    variables: Mapping[str, VariableKey],
    total: int,
) -> Turns | None:
    if plan.strategy is None:
        return None
    non_answers = NonAnswers.of(plan.codebook.no_answer)
    return Turns(
        plan.strategy,
        plan.codebook,
        plan.rules,
        tuple(str(engine.name) for engine in plan.engines),
        item_set,
        variables,
        answering_items(plan.items, non_answers=non_answers, total=total),
    )
