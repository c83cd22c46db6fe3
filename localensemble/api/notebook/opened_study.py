"""A study as a notebook holds it: DataFrames of labels, decisions and queue, and the next steps.

Decides that nothing is held open. The ledger is opened for reading when something is asked for
and closed again, so that another program can label into the same folder meanwhile. Everything
asked for is about the newest finished run.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from localensemble.agreement import measure_agreement
from localensemble.api.certificates.calibrate import Calibrated, RaterCalibrationMethod, calibrate
from localensemble.api.certificates.certify import Certified, Promise, ScoreName, certify
from localensemble.api.consensus import ConsensusOptions, decide_by, under_new_rules
from localensemble.api.evaluate import findings_of, gold_of
from localensemble.api.notebook import fragments
from localensemble.api.notebook.evaluated_study import EvaluatedStudy
from localensemble.api.notebook.given import (
    GivenPath,
    files_given,
    path_given,
    table_given,
    table_given_if_any,
)
from localensemble.api.notebook.measured_agreement import MeasuredAgreement, agree
from localensemble.api.report import WrittenReport, write_report
from localensemble.api.rules.new_rules import with_pools
from localensemble.codebook.model import Codebook
from localensemble.consensus.certificates.threshold import CertificationMethod
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError
from localensemble.core.estimates import estimate, interval
from localensemble.core.leftovers import temporary_folder
from localensemble.core.words import counted, listed
from localensemble.exports.frames import decisions_frame, labels_frame, queue_frame
from localensemble.report.agreement_wording import leading_coefficient
from localensemble.report.wording import coefficient_name
from localensemble.study.required_verdict import AGREEMENT_LEVEL
from localensemble.study.study import Study as StudyValue
from localensemble.tables.delimited import TableSource

if TYPE_CHECKING:
    import pandas as pd

_MOST_NAMED = 12


class TemporaryFolder:
    """A folder readable by its owner only, removed when nothing refers to it any more."""

    def __init__(self) -> None:
        self.path = temporary_folder()
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder now; do nothing the second time."""
        self._remove()


def folder_given(output: GivenPath | None) -> tuple[Path, TemporaryFolder | None]:
    """Return the folder of a study that is to be made; a temporary one where none is named."""
    if output is not None:
        return path_given(output), None
    temporary = TemporaryFolder()
    return temporary.path, temporary


class Study:
    """A study folder: items, the labels of its raters, and what is decided by them.

    Get one from ``label``, ``import_ratings`` or ``open_study``. It holds no file open. Every
    answer is about the newest run that has finished, under the rules in ``rules``. It can stand
    wherever the path of a study is expected.

    Attributes:
        path: the study folder.
        messages: what was guessed when it was made, and what to know, in sentences.
    """

    def __init__(
        self,
        path: Path,
        *,
        items: TableSource | None = None,
        messages: tuple[str, ...] = (),
        temporary: TemporaryFolder | None = None,
        rules: DecisionRules | None = None,
    ) -> None:
        self.path = path
        self.messages = messages
        self._items = items
        self._temporary = temporary
        self._rules = rules

    def close(self) -> None:
        """Remove the folder of a study without ``output``; leave every other folder alone."""
        if self._temporary is not None:
            self._temporary.remove()

    def __fspath__(self) -> str:
        return str(self.path)

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _opened(self) -> Iterator[StudyValue]:
        with StudyValue.open(self.path) as opened:
            yield opened if self._rules is None else opened.with_rules(self._rules)

    @property
    def codebook(self) -> Codebook:
        """What was asked."""
        with self._opened() as opened:
            return opened.codebook

    @property
    def raters(self) -> tuple[str, ...]:
        """The names of the R raters, in order."""
        with self._opened() as opened:
            return opened.raters

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the N labeled items, in order."""
        with self._opened() as opened:
            return tuple(opened.items)

    @property
    def rules(self) -> Mapping[str, Any]:
        """The consensus method and the escalation policies, as an ensemble file states them."""
        with self._opened() as opened:
            return cast(Mapping[str, Any], opened.rules.content)

    def labels(self, variable: str | None = None) -> pd.DataFrame:
        """Return what each rater gave each item, one row a label.

        Args:
            variable: the name of one variable, whose ``category`` is then a Categorical,
                ordered where the variable is ordinal; None for all.

        Returns:
            Columns ``item``, ``variable``, ``rater``, ``category``, ``status``,
            ``probability`` in [0, 1], ``off_codebook_mass`` in [0, 1] and ``reason``.

        Raises:
            InputError: the study has no such variable.

        Undefined when: a rater gave no category; ``status`` and ``reason`` say why.
        """
        with self._opened() as opened:
            return labels_frame(opened, variable)

    def decisions(self, variable: str | None = None) -> pd.DataFrame:
        """Return what is decided, one row per item and variable; nothing is written.

        Args:
            variable: as in ``labels``.

        Returns:
            Columns ``item``, ``variable``, ``label``, ``status`` (accepted, escalated,
            adjudicated, unresolved, no_answer), ``origin`` (person, models, raters),
            ``consensus``, ``support`` in [0, 1], ``mean_probability`` in [0, 1], ``margin``
            in [0, 1], ``doubt``, ``reasons`` and ``reason_codes``.

        Raises:
            InputError: the study has no such variable, or rules do not fit it.

        Undefined when: an item is escalated, and its ``label`` is missing until a person decides;
            or its text answers nothing, and it needs no label.
        """
        with self._opened() as opened:
            return decisions_frame(opened, opened.decide(), variable)

    def queue(self, variable: str | None = None) -> pd.DataFrame:
        """Return the open rows of ``decisions`` by item, the most doubtful item first.

        Args:
            variable: as in ``labels``.

        Raises:
            InputError: the study has no such variable, or rules do not fit it.
        """
        with self._opened() as opened:
            return queue_frame(opened, opened.decide(), variable)

    def with_rules(
        self,
        *,
        method: str | None = None,
        settings: Mapping[str, Any] | None = None,
        policies: Sequence[Mapping[str, Any]] | None = None,
        certificates: Sequence[Certified | GivenPath] = (),
        drop_certificates: bool = False,
        calibrations: Sequence[Calibrated | GivenPath] = (),
        drop_calibrations: bool = False,
        foreign_files: bool = False,
        gold: pd.DataFrame | GivenPath | None = None,
    ) -> Study:
        """Return the same study under other rules; nothing is written until ``decide``.

        Args:
            method: the consensus method; None keeps it.
            settings: of the method.
            policies: like ``{"policy": "support_below", "limit": 0.8}``, in place of the
                study's; an empty list leaves none; None keeps them.
            certificates: what ``certify`` returned, or its files; at most one a variable.
            drop_certificates: drop the study's certificates.
            calibrations: what ``calibrate`` returned, or its files; at most one a variable.
            drop_calibrations: decide by the raters' own probabilities.
            foreign_files: trust files that this study has no record of making.
            gold: gold labels in place of a method: a pool is fitted to each variable with enough.

        Raises:
            InputError: the rules do not fit the study, or a method and gold labels are given.
        """
        messages: tuple[str, ...] = ()
        if gold is not None and (method is not None or settings is not None):
            hint = "Leave out the method and its settings, or compare with `evaluate`."
            raise InputError("Cannot decide by a method and by gold labels at once.", hint=hint)
        with self._opened() as opened:
            content = cast(Mapping[str, Any], opened.rules.content)
            consensus = dict(content["consensus"])
            if method is not None and method != consensus["method"]:
                consensus = {"method": method}
            stated = content["escalation"] if policies is None else list(map(dict, policies))
            options = ConsensusOptions(
                ensemble={"consensus": consensus | dict(settings or {}), "escalation": stated},
                unfit=tuple(content.get("unfit", ())),
                certificates=files_given(certificates),
                drop_certificates=drop_certificates,
                calibrations=files_given(calibrations),
                drop_calibrations=drop_calibrations,
                foreign_files=foreign_files,
            )
            changed = under_new_rules(opened, options)
            if method is None and settings is None:
                table = table_given_if_any(gold, name="gold")
                changed, messages = with_pools(changed, before=opened, gold=table)
            found = self._with(changed.rules)
            found.messages = (*self.messages, *messages)
            return found

    def _with(self, rules: DecisionRules | None) -> Study:
        return Study(
            self.path,
            items=self._items,
            messages=self.messages,
            temporary=self._temporary,
            rules=rules,
        )

    def decide(
        self,
        *,
        items: pd.DataFrame | GivenPath | None = None,
        id_column: str | None = None,
        text_column: str | None = None,
    ) -> Study:
        """Record the rules in the study, decide by them, and write its tables and report anew.

        Args:
            items: the table that was labeled; the study keeps no texts. It is remembered by
                the study that ``label`` returned, and not needed where ratings were imported
                without texts.
            id_column: of the items; None lets the table decide.
            text_column: of the items; None lets the table decide.

        Returns:
            The study, whose rules are now the recorded ones.

        Raises:
            InputError: the table is not the one labeled, or not given.
        """
        with self._opened() as opened:
            rules = opened.rules
        source = self._items if items is None else table_given(items, name="items")
        columns = ConsensusOptions(id_column=id_column, text_column=text_column)
        found = decide_by(self.path, rules=rules, items=source, options=columns)
        decided = self._with(None)
        decided.messages = tuple(dict.fromkeys((*self.messages, *found.messages)))
        return decided

    def agreement(self, **options: Any) -> MeasuredAgreement:
        """Measure the agreement of the raters; the options are those of ``agree``.

        Raises:
            InputError: an option does not fit a study.
        """
        return agree(self, **options)

    def evaluate(
        self,
        gold: pd.DataFrame | GivenPath,
        *,
        items: pd.DataFrame | GivenPath | None = None,
        id_column: str | None = None,
        group_column: str | None = None,
        random_sample: bool = False,
    ) -> EvaluatedStudy:
        """Compare the labels with gold labels; nothing is written (``report`` does that).

        Args:
            gold: a table with item ids and a column ``gold_VARIABLE`` for each variable.
            items: the table that was labeled; then a classifier trained on the gold labels is
                compared, too.
            id_column: of both tables; None guesses it by name.
            group_column: of the gold table; each group is evaluated by itself.
            random_sample: state that the gold items were drawn at random from all items; then
                the share of each category is estimated, corrected for label error.

        Raises:
            TableError: the gold table cannot be used or does not belong to the study.

        Undefined when: no item of a kind has a gold label; its numbers are missing.
        """
        with self._opened() as opened:
            labels = gold_of(
                opened,
                table_given(gold, name="gold"),
                items=table_given_if_any(items, name="items"),
                id_column=id_column,
                group_column=group_column,
                random_sample=random_sample,
            )
            return EvaluatedStudy(findings_of(opened, decisions=opened.decide(), gold=labels))

    def certify(
        self,
        gold: pd.DataFrame | GivenPath,
        *,
        variable: str,
        alpha: float = 0.05,
        delta: float = 0.1,
        by: ScoreName | None = None,
        on_average: bool = False,
        id_column: str | None = None,
    ) -> Certified:
        """Certify a threshold above which labels may stand without a person.

        The certificate is written into the study folder; ``with_rules`` applies it.

        Args:
            gold: gold labels of items drawn at random from the study.
            variable: the variable whose labels are to be accepted.
            alpha: the tolerated share of wrong labels, above 0 and below 1.
            delta: the chance that the promise fails, above 0 and below 1.
            by: the score a threshold is sought on; None takes the mean probability, or the
                support where raters gave no probabilities.
            on_average: take the weaker promise of conformal risk control, which ``delta`` is
                no part of.
            id_column: of the gold table; None guesses it by name.

        Raises:
            InputError: the variable or its gold labels are not there, or serve another purpose.

        Undefined when: nothing can be certified; ``path`` of the result is then None.
        """
        self._refuse_unrecorded("certify")
        method: CertificationMethod = "conformal_risk_control" if on_average else "fixed_sequence"
        return certify(
            self.path,
            gold=table_given(gold, name="gold"),
            variable=variable,
            promise=Promise(method, alpha=alpha, delta=delta, by=by),
            id_column=id_column,
        )

    def calibrate(
        self,
        *,
        variable: str,
        method: RaterCalibrationMethod,
        gold: pd.DataFrame | GivenPath | None = None,
        content_free: GivenPath | None = None,
        id_column: str | None = None,
    ) -> Calibrated:
        """Fit how the raters' probabilities on one variable are to be changed.

        The calibration is written into the study folder; ``with_rules`` applies it.

        Args:
            variable: which.
            method: ``temperature`` and ``isotonic`` need gold labels, ``contextual_prior`` a
                study of content-free items labeled by the same raters.
            gold: a table with gold labels.
            content_free: that study.
            id_column: of the gold table; None guesses it by name.

        Raises:
            InputError: gold labels or content-free items are missing, too few, or not of this
                study and its raters.
        """
        return calibrate(
            self.path,
            variable=variable,
            method=method,
            gold=table_given_if_any(gold, name="gold"),
            content_free=None if content_free is None else path_given(content_free),
            id_column=id_column,
        )

    def report(
        self,
        *,
        gold: pd.DataFrame | GivenPath | None = None,
        items: pd.DataFrame | GivenPath | None = None,
        id_column: str | None = None,
        group_column: str | None = None,
        random_sample: bool = False,
        text_column: str | None = None,
    ) -> WrittenReport:
        """Write ``report.html`` and ``findings.json`` into the study folder.

        Args:
            gold: a table with gold labels, to report accuracy.
            items: the table that was labeled. Giving it shows the texts of the most doubtful
                escalated items; without it the report holds no item text.
            id_column: of both tables; None lets them decide.
            group_column: of the gold table; each group is evaluated by itself.
            random_sample: as in ``evaluate``.
            text_column: of the items; None lets the table decide.

        Raises:
            InputError: a table cannot be used or does not belong to the study.
        """
        self._refuse_unrecorded("report")
        return write_report(
            self.path,
            gold=table_given_if_any(gold, name="gold"),
            items=table_given_if_any(items, name="items"),
            id_column=id_column,
            group_column=group_column,
            random_sample=random_sample,
            text_column=text_column,
        )

    def _refuse_unrecorded(self, verb: str) -> None:
        if self._rules is not None:
            raise InputError(
                f"Cannot {verb} under rules that are not recorded.",
                hint="Record them first: `study = study.decide()`.",
            )

    def __repr__(self) -> str:
        return f"Study({str(self.path)!r})"

    def _repr_html_(self) -> str:
        with self._opened() as opened:
            rows = []
            decisions = opened.decide()
            finals = opened.final_labels(decisions)
            shown = 2 if any(one.reviewed.any() for one in finals) else 0
            for decided, final in zip(decisions, finals, strict=True):
                variable = decided.variable
                one = leading_coefficient(
                    measure_agreement(
                        opened.recorded.compared_matrix(variable),
                        level=AGREEMENT_LEVEL[variable.level],
                        resamples=0,
                        jackknife=False,
                    )
                )
                escalated = int(decided.escalated.sum())
                rows.append(
                    (
                        variable.name,
                        f"{int(decided.accepted.sum()):,}",
                        f"{escalated:,}",
                        *(f"{int(one.sum()):,}" for one in (final.by_person, final.open)[:shown]),
                        f"{coefficient_name(one)} "
                        + estimate(one.value, one.interval_low, one.interval_high),
                        interval(one.interval_low, one.interval_high),
                    )
                )
            named = f" ({listed(opened.raters)})" if len(opened.raters) <= _MOST_NAMED else ""
            size = f"{counted(len(opened.items), 'item')}, {counted(len(opened.raters), 'rater')}"
            notes = tuple(dict.fromkeys((*self.messages, *opened.cautions)))
        people = ("By a person", "Open")[:shown]
        heads = ("Variable", "Accepted", "Escalated", *people, "Agreement", "95% interval")
        return (
            fragments.heading(f"Study {self.path.name}: {size}{named}")
            + fragments.table(heads, rows)
            + fragments.notes(notes)
        )
