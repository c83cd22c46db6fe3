"""The study: everything one folder holds, as a value.

A study is its newest finished run: the labels in the ledger, and the codebook and the rules it was
recorded with. Nothing here changes a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import LedgerError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.words import listed
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import RunRecord
from localensemble.ledger.verify import refuse_changed
from localensemble.study.binding import binding, identities
from localensemble.study.control_items import control_categories
from localensemble.study.decisions import Decisions, decide
from localensemble.study.folder import StudyFolder
from localensemble.study.people.final_labels import FinalLabels, final_labels
from localensemble.study.recorded_signs import injection_cautions, with_signs
from localensemble.study.run_record import FinishedRun, decides_again, has_ratings, newest_finished
from localensemble.study.study_labels import StudyLabels
from localensemble.study.withdrawn_items import made_before_withdrawal

_BLOCK_ITEMS = 4096
_UNFINISHED = {"interrupted": "was interrupted", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class Study:
    """A study, open for reading.

    Attributes:
        labeled: the labels of all raters, read from the ledger block by block.
        recorded: the labels that count: those of the raters that nobody declared unfit.
        codebook: the codebook it was labeled with.
        rules: the rules by which decisions are made.
        run: the newest finished run.
        control: variable -> (N,) known categories of control items, -1 elsewhere; empty if the
            study has none.
        cautions: sentences on why not to trust the labels: those recorded with them, signs that
            a rater that counts is unfit, and one about a newer run that has not finished.
    """

    labeled: StudyLabels
    recorded: StudyLabels
    codebook: Codebook
    rules: DecisionRules
    run: FinishedRun
    control: Mapping[str, NDArray[np.int16]]
    cautions: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path) -> Study:
        """Open a study folder. Use it in a ``with`` statement, or close it.

        Raises:
            InputError: the path is a file.
            LedgerError: the folder holds no study, none of its runs has finished, or its ledger
                was changed.
        """
        reader = LedgerReader.open(StudyFolder.of(path).ledger)
        try:
            return cls.load(reader)
        except BaseException:
            reader.close()
            raise

    @classmethod
    def load(cls, reader: LedgerReader) -> Study:
        """Load the newest finished run of an open ledger, after checking every hash of it.

        Raises:
            LedgerError: no run of this ledger has finished, or the ledger was changed.
        """
        refuse_changed(reader.path)
        run = newest_finished(reader)
        if run is None:
            raise _no_study(reader)
        settings, summary = run.settings, run.summary
        labeled = StudyLabels(
            reader=reader,
            item_set=summary.item_set,
            item_count=summary.item_count,
            rater_keys=summary.raters,
            rater_names=settings.raters,
            variable_keys=summary.variables,
            scored=settings.ratings_sha256 is None,
            sets_non_answers_apart=bool(settings.codebook.no_answer),
            strategy=settings.strategy,
        )
        labeled = with_signs(labeled, settings.suspected_texts)
        control = settings.control
        return cls(
            labeled=labeled,
            recorded=_counted(labeled, settings.rules),
            codebook=settings.codebook,
            rules=settings.rules,
            run=run,
            control=(
                control_categories(control, codebook=settings.codebook, labels=labeled)
                if control
                else {}
            ),
            cautions=_cautions(run, settings.rules, labeled),
        )

    def close(self) -> None:
        """Close the ledger."""
        self.recorded.reader.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def raters(self) -> tuple[str, ...]:
        """The names of the R raters that count, in order."""
        return self.recorded.rater_names

    @property
    def items(self) -> Sequence[str]:
        """The ids of the N labeled items, in order; read from the ledger a block at a time."""
        return self.recorded.item_ids

    @property
    def items_sha256(self) -> str:
        """The hash of the table that was labeled."""
        return self.run.settings.items_sha256

    @property
    def ratings_sha256(self) -> str | None:
        """The hash of the ratings that the labels come from; None if models made them."""
        return self.run.settings.ratings_sha256

    @property
    def shots(self) -> Collection[str]:
        """The ids of items that the prompts show as examples; they are not items of the study."""
        shots = self.run.settings.shots
        return frozenset(shots.ids) if shots else ()

    def is_trained_on(self) -> NDArray[np.bool_]:
        """Tell of each of the N items whether its gold label trained a rater, by its text."""
        texts = frozenset(self.run.settings.trained_on)
        labels = self.recorded
        found = np.zeros(labels.item_count, dtype=np.bool_)
        for start in range(0, labels.item_count if texts else 0, _BLOCK_ITEMS):
            stop = min(start + _BLOCK_ITEMS, labels.item_count)
            hashes = labels.reader.item_hashes(labels.item_set, start=start, stop=stop)
            found[start:stop] = [content in texts for _, content in hashes]
        return found

    def labels(self, variable: str) -> LabelMatrix:
        """Read the labels of one variable: N items by R raters."""
        return self.recorded.matrix(self.codebook.variable(variable))

    def decide(self) -> tuple[Decisions, ...]:
        """Derive consensus and escalation for every variable, in codebook order.

        Raises:
            InputError: a calibration or a pool does not apply to these raters, or a certificate
                does not apply to these raters, prompt, codebook or rules, or, with a method that
                learns from all items, to this item set.
        """
        held = {name: identity.sha256 for name, identity in identities(self.recorded).items()}
        for calibration in self.rules.calibrations:
            calibration.check(held, unfit=self.rules.unfit)
        for pool in self.rules.pools:
            pool.check(held)
        for certificate in self.rules.certificates:
            variable = self.codebook.variable(certificate.variable)
            certificate.check(
                binding(
                    self.recorded,
                    rules=self.rules,
                    variable=variable,
                    items_sha256=self.items_sha256,
                )
            )
        return tuple(
            decide(
                self.recorded,
                variable=variable,
                method=self.rules.method_for(variable.name),
                policies=self.rules.policies_for(variable.name),
                control=self.control.get(variable.name),
            )
            for variable in self.codebook.variables
        )

    def final_labels(self, decisions: Sequence[Decisions]) -> tuple[FinalLabels, ...]:
        """Combine the decisions that `decide` returned with what people decided."""
        labels = self.recorded
        keys = [labels.variable_keys[decided.variable.name] for decided in decisions]
        return tuple(
            final_labels(decided, labels.reader.person_decisions(labels.item_set, key))
            for decided, key in zip(decisions, keys, strict=True)
        )

    def with_rules(self, rules: DecisionRules) -> Study:
        """Return the same study under other rules; nothing is recorded."""
        return replace(
            self,
            rules=rules,
            recorded=_counted(self.labeled, rules),
            cautions=_cautions(self.run, rules, self.labeled),
        )

    def with_suspected_texts(self, texts: Mapping[str, tuple[str, ...]]) -> Study:
        """Return the same study with signs of prompt injection that were looked for now.

        Args:
            texts: sha256 of each text with signs -> their codes.
        """
        run = replace(self.run, settings=replace(self.run.settings, suspected_texts=texts))
        labeled = with_signs(self.labeled, texts)
        return replace(
            self,
            run=run,
            labeled=labeled,
            recorded=_counted(labeled, self.rules),
            cautions=_cautions(run, self.rules, labeled),
        )


def _counted(labels: StudyLabels, rules: DecisionRules) -> StudyLabels:
    """Leave out the raters that the rules declare unfit, and calibrate the others."""
    fit = rules.fit(labels.rater_names)
    keys = dict(zip(labels.rater_names, labels.rater_keys, strict=True))
    return replace(
        labels,
        rater_names=fit,
        rater_keys=tuple(keys[name] for name in fit),
        calibrations={one.variable: one.columns(fit) for one in rules.calibrations},
    )


def _cautions(run: FinishedRun, rules: DecisionRules, labeled: StudyLabels) -> tuple[str, ...]:
    reader = labeled.reader
    # A strategy that asked every rater that counts about everything changes nothing.
    strategy = run.settings.strategy if _counted(labeled, rules).some_left_out else None
    signs = (one.sentence for one in run.summary.unfit_signs if one.rater not in rules.unfit)
    return (
        *run.settings.cautions,
        *signs,
        *_foreign(rules),
        *_left_alone(run, rules),
        *(strategy.cautions(labeled.item_ids, rules=rules.content) if strategy else ()),
        *injection_cautions(run.settings, rules),
        *_unfinished(reader.runs()),
        *made_before_withdrawal(reader, rules),
    )


def _foreign(rules: DecisionRules) -> tuple[str, ...]:
    return tuple(
        f"The {what} for {listed(names)} is foreign: this study has no record of making it, so "
        "nothing shows that it is unchanged."
        for what, names in (
            ("certificate", rules.foreign_certificates),
            ("calibration", rules.foreign_calibrations),
        )
        if names
    )


def _left_alone(run: FinishedRun, rules: DecisionRules) -> tuple[str, ...]:
    left = rules.fit(run.settings.raters)
    if not rules.unfit or len(left) > 1:
        return ()
    return (
        f"All raters but {left[0]} are declared unfit: its labels are accepted without another "
        "rater that checks them. Add a rater, or check labels by hand.",
    )


def _unfinished(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Report labels made after those of the newest finished run, if there are any."""
    labeling = [run for run in runs if not decides_again(run)]
    newest = labeling[-1]
    if newest.status == "finished":
        return ()
    word = _UNFINISHED.get(newest.status or "", "has not finished; it is running or was cut off")
    began = newest.started_at[:16].replace("T", " ")
    return (
        f"A newer run, begun {began} UTC, {word}: these results are from the last finished run. "
        f"`localensemble {_verb(newest)}` continues the newer one.",
    )


def _no_study(reader: LedgerReader) -> LedgerError:
    """Return why a ledger without a finished run cannot be read as a study."""
    runs = reader.runs()
    if not runs and any(reader.asked_for_passages(one.key) for one in reader.item_sets()):
        return LedgerError(
            "This folder has passages of texts, but no labels.",
            hint="`localensemble spans agree` compares its tables, spans-*.csv.",
        )
    verb = _verb(runs[-1]) if runs else "label"
    return LedgerError(
        "No run of this study has finished.",
        hint=f"Run `localensemble {verb}` again; it continues where it stopped.",
    )


def _verb(run: RunRecord) -> str:
    """Return the command that continues a run."""
    return "import" if has_ratings(run) else "label"
