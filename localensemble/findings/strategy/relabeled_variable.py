"""Put in numbers and words what other raters made of disagreements with existing labels."""

from __future__ import annotations

from dataclasses import dataclass

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.words import counted
from localensemble.findings.people.existing_comparison import ExistingComparison


@dataclass(frozen=True, slots=True)
class RelabeledVariable:
    """One variable on which other raters labeled again what differs.

    Attributes:
        variable: its name.
        comparison: the study and the existing labels, decided by the majority of the other raters.
        drawn: agreements that the audit drew; those without a majority decide nothing.
    """

    variable: str
    comparison: ExistingComparison
    drawn: int

    @property
    def share_won(self) -> float | None:
        """The share of the disagreements that went to the study; None without any."""
        one = self.comparison
        return one.study_right / one.disagreements if one.disagreements else None

    @property
    def after_range(self) -> tuple[float, float] | None:
        """The least and the largest agreement that is possible after the undecided disagreements.

        None if nothing is compared. Both are the agreement after if all are decided.
        """
        one = self.comparison
        if not one.compared:
            return None
        sure = one.compared - one.disagreements + one.study_right
        return sure / one.compared, (sure + one.undecided) / one.compared

    @property
    def audit_range(self) -> tuple[float, float] | None:
        """The exact 95% interval of the share of agreements that the others confirm.

        None if none was drawn.
        Its lower end counts those without a majority as not confirmed, its upper end as confirmed.
        """
        if not self.drawn:
            return None
        confirmed, lost = self.comparison.confirmed, self.drawn - self.comparison.audited
        low = exact_interval(confirmed, items=self.drawn).low
        return low, exact_interval(confirmed + lost, items=self.drawn).high

    @property
    def sided_range(self) -> tuple[float, float] | None:
        """The share of all compared items on which the others side with the study.

        None if no agreement was drawn.
        Only the audit is uncertain; what has no majority counts as in the two ranges above.
        """
        one, audit = self.comparison, self.audit_range
        if audit is None or not one.compared:
            return None
        agreements, won = one.compared - one.disagreements, one.study_right
        low, high = won + agreements * audit[0], won + one.undecided + agreements * audit[1]
        return low / one.compared, high / one.compared

    def sentences(self) -> tuple[str, ...]:
        """Return what the other raters decided, and what it does not show."""
        one, span = self.comparison, self.after_range
        if one.before is None or span is None:
            return ("No item has both an existing label and an accepted consensus.",)
        found = [
            f"The study and the existing labels agree on {one.before:.1%} of "
            f"{counted(one.compared, 'item')}."
        ]
        if one.disagreements:
            found.append(self._decided(span))
        found += self._audit()
        return tuple(found)

    def _decided(self, span: tuple[float, float]) -> str:
        one = self.comparison
        low, high = span
        share = "" if self.share_won is None else f" ({self.share_won:.1%})"
        undecided = f", and have no majority on {one.undecided}" if one.undecided else ""
        after = f"{low:.1%} to {high:.1%}" if one.undecided else f"{high:.1%}"
        return (
            f"Of {counted(one.disagreements, 'disagreement')}, the other raters decided "
            f"{one.study_right}{share} for the study, {one.existing_right} for the existing label "
            f"and {one.neither_right} for neither{undecided}. With these decisions, the study "
            f"agrees on {after} of the items."
        )

    def _audit(self) -> list[str]:
        one, audit, sided = self.comparison, self.audit_range, self.sided_range
        if audit is None or sided is None:
            return [
                "This is too high as an accuracy, because the items on which the two agree were "
                "not labeled again. Draw some of them with --audit-share."
            ]
        lost = self.drawn - one.audited
        either = f"; {lost} without a majority count either way" if lost else ""
        span = f"{sided[0]:.1%} to {sided[1]:.1%}"
        known = one.accuracy is not None and not lost
        share = f"an estimated {one.accuracy:.1%}" if known else span
        return [
            f"The other raters confirmed {one.confirmed} of {counted(self.drawn, 'agreement')} "
            f"drawn at random ({audit[0]:.1%} to {audit[1]:.1%}{either}).",
            f"With this audit, they side with the study on {share} of all compared items"
            f"{f' ({span})' if known else ''}.",
            "Raters can be wrong together: how often labels are right, only gold labels show.",
        ]
