"""What gold labels say about a study, as a notebook holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localensemble.api.notebook import fragments
from localensemble.core.estimates import share, share_interval
from localensemble.findings.evaluation import Evaluation
from localensemble.findings.study_findings import StudyFindings
from localensemble.report.wording import gold_verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedStudy:
    """How often raters, consensus and accepted labels equal the gold labels.

    Attributes:
        findings: all the numbers, as frozen values.
    """

    findings: StudyFindings

    @property
    def messages(self) -> tuple[str, ...]:
        """Why not to rely on the numbers, and what was left out, in sentences."""
        return self.findings.cautions

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the numbers mean, variable by variable."""
        return tuple(
            f"{one.name}: {sentence}"
            for one in self.findings.variables
            for sentence in (*gold_verdict(one), one.gold.learned_sentence if one.gold else "")
            if sentence
        )

    def table(self) -> pd.DataFrame:
        """Return one row for each variable and for each rater, the consensus, accepted labels.

        Returns:
            ``variable``, ``who`` string; ``items`` (with a label and a gold label),
            ``unlabeled`` (with a gold label only), ``correct`` int64; ``accuracy`` float64 in
            [0, 1] with the ends of its exact 95 % interval, ``macro_f1`` float64. Missing where
            there are no such items.
        """
        import pandas as pd

        rows = [
            (
                variable.name,
                one.who,
                one.evaluation.items,
                one.evaluation.unlabeled,
                one.evaluation.correct,
                one.evaluation.accuracy.value,
                one.evaluation.interval and one.evaluation.interval.low,
                one.evaluation.interval and one.evaluation.interval.high,
                one.evaluation.macro_f1.value,
            )
            for variable in self.findings.variables
            if variable.gold is not None
            for one in (*variable.gold.evaluated, *variable.gold.baselines)
        ]
        counts = ("items", "unlabeled", "correct")
        numbers = ("accuracy", "interval_low", "interval_high", "macro_f1")
        frame = pd.DataFrame(rows, columns=["variable", "who", *counts, *numbers], dtype=object)
        return frame.astype(
            {"variable": "string", "who": "string"}
            | dict.fromkeys(counts, "int64")
            | dict.fromkeys(numbers, "float64")
        )

    def __repr__(self) -> str:
        return "\n".join(("Comparison with gold labels", *self.sentences))

    def _repr_html_(self) -> str:
        rows = [
            (
                variable.name,
                one.who,
                *_accuracy(one.evaluation),
                f"{one.evaluation.items:,}",
            )
            for variable in self.findings.variables
            if variable.gold is not None
            for one in (*variable.gold.evaluated, *variable.gold.baselines)
        ]
        heads = ("Variable", "Labels of", "Right", "95% interval", "Gold items")
        return (
            fragments.heading("Comparison with gold labels")
            + fragments.paragraphs(self.sentences)
            + fragments.table(heads, rows)
            + fragments.notes(self.messages)
        )


def _accuracy(found: Evaluation) -> tuple[str, str]:
    """Return an accuracy and its interval, for two cells."""
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return share(found.accuracy.value, low, high), share_interval(low, high)
