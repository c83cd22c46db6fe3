"""Choose what the first screen of a study's report shows: pictures first, then the verdict.

Decides which variables and raters are shown if there are many (the worst first), and what stands
beside each mark as text. Computes no numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from localensemble.core.estimates import estimate, interval, number, share, share_interval
from localensemble.core.words import counted
from localensemble.findings.agreement import Agreement, Coefficient, Verdict
from localensemble.findings.rater_fitness import RaterFitness
from localensemble.findings.study_findings import StudyFindings, VariableFindings
from localensemble.report import marks
from localensemble.report.agreement_wording import leading_coefficient
from localensemble.report.people_wording import people_lines
from localensemble.report.verdict import Paragraph, many_verdict, short_verdict
from localensemble.report.wording import coefficient_name, part

MOST_VARIABLES = 3
MOST_WITH_RATERS = 2
_MOST_RATER_ROWS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A mark with the text beside it; ``keyed`` are signs in the mark with what they mean.

    ``warns`` is true where the mark is the sign that a rater is unfit.
    """

    mark: Markup
    lines: tuple[str, ...]
    keyed: tuple[tuple[str, str], ...] = ()
    warns: bool = False


@dataclass(frozen=True, slots=True)
class VariableRow:
    """One variable: what was decided, how far the raters agree, how often labels are right."""

    name: str
    decided: Cell
    agreement: tuple[Cell, ...]
    accuracy: Cell


@dataclass(frozen=True, slots=True)
class RaterRow:
    """One rater on one variable; ``note`` marks it as unfit. Without cells, it does not count."""

    name: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RaterGroup:
    """The raters of one variable that are shown, and how many are not."""

    variable: str
    rows: tuple[RaterRow, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """What the first screen shows; the ``all_*`` have the rows that do not fit there."""

    variables: tuple[VariableRow, ...]
    all_variables: tuple[VariableRow, ...]
    measures: tuple[str, ...]
    raters: tuple[RaterGroup, ...]
    all_raters: tuple[RaterGroup, ...]
    has_learned: bool
    has_people: bool
    verdict: tuple[Paragraph, ...]

    @property
    def complete(self) -> bool:
        """Whether the first screen leaves out neither a variable nor a rater."""
        return self.variables == self.all_variables and self.raters == self.all_raters


def first_screen(findings: StudyFindings) -> FirstScreen:
    """Choose and describe what the first screen of a study shows."""
    ordered = findings.variables
    if len(ordered) > MOST_VARIABLES:
        ordered = tuple(sorted(ordered, key=_how_good))
    shown = ordered[:MOST_VARIABLES]
    few = len(ordered) <= MOST_WITH_RATERS
    # The picture needs the room: of many variables, only the worst shows its raters.
    with_raters = shown if few else tuple(sorted(ordered, key=_how_good)[:1])
    inside = any(one.inside_codebook is not None for v in ordered for one in v.fitness)
    limit = _MOST_RATER_ROWS if len(ordered) == 1 else 4
    return FirstScreen(
        variables=tuple(variable_row(one) for one in shown),
        all_variables=tuple(variable_row(one) for one in ordered),
        measures=(
            *(("inside the codebook",) if inside else ()),
            "answers used",
            "differs from others",
        ),
        raters=tuple(_group(one, findings.unfit, inside, limit) for one in with_raters),
        all_raters=tuple(_group(one, findings.unfit, inside, None) for one in ordered),
        has_learned=any(one.gold is not None and len(one.gold.baselines) > 2 for one in ordered),
        has_people=any(one.people is not None for one in ordered),
        verdict=short_verdict(ordered) if few else many_verdict(sorted(ordered, key=_how_good)),
    )


def variable_row(variable: VariableFindings) -> VariableRow:
    """Describe one variable of a study."""
    return VariableRow(
        variable.name,
        _decided(variable),
        agreement_cells(
            variable.agreement, () if variable.required is None else (variable.required.verdict,)
        ),
        _accuracy(variable),
    )


def agreement_cells(agreement: Agreement, verdicts: Sequence[Verdict] = ()) -> tuple[Cell, ...]:
    """Describe the leading coefficient, and each that is required if it is another."""
    required: dict[Coefficient, list[Verdict]] = {leading_coefficient(agreement): []}
    for verdict in verdicts:
        for one in agreement.coefficients:
            if verdict.requirement.means(one):
                required.setdefault(one, []).append(verdict)
    return tuple(_coefficient(one, found) for one, found in required.items())


def _how_good(variable: VariableFindings) -> tuple[bool, float, float]:
    """Return what variables are sorted by, the worst first."""
    items = variable.accepted + variable.escalated
    low = leading_coefficient(variable.agreement).interval_low
    return (
        variable.required is None or variable.required.verdict.met,
        variable.accepted / items if items else 1.0,
        -2.0 if low is None else low,
    )


def _decided(variable: VariableFindings) -> Cell:
    people = variable.people
    # Once people have decided, the bar shows what has a final label and what has none.
    counts = {
        "accepted": variable.final,
        "escalated": variable.open + variable.unresolved,
        "no-answer": variable.no_answer,
    }
    whole = sum(counts.values())
    decided = variable.accepted + variable.escalated
    lines = [
        f"{variable.accepted:,} accepted ({part(variable.accepted, decided)})",
        f"{variable.escalated:,} escalated ({part(variable.escalated, decided)})",
    ]
    if people is not None:
        lines = [*people_lines(people)]
    unasked = counted(variable.no_answer, "non-answer")
    shares = [(name, count / whole if whole else 0.0) for name, count in counts.items()]
    keyed = (("no-answer", unasked),) if variable.no_answer else ()
    return Cell(marks.stacked_bar(shares), tuple(lines), keyed)


def _coefficient(found: Coefficient, verdicts: Sequence[Verdict]) -> Cell:
    mark = marks.point(
        marks.AGREEMENT,
        value=found.value,
        low=found.interval_low,
        high=found.interval_high,
        required=[one.requirement.minimum for one in verdicts],
    )
    name = found.name if found.weights == "nominal" else coefficient_name(found)
    if found.value is None:
        lines = [f"{name} undefined", found.undefined_because]
    elif found.interval_low is None:
        lines = [f"{name} {number(found.value)}", "no interval"]
    else:
        low, high = found.interval_low, found.interval_high
        lines = [f"{name} {estimate(found.value, low, high)} ({_unbroken(interval(low, high))})"]
    keyed = tuple(
        ("required", f"required {one.requirement.minimum:g}: {'met' if one.met else 'NOT MET'}")
        for one in verdicts
    )
    return Cell(mark, tuple(lines), keyed)


def _accuracy(variable: VariableFindings) -> Cell:
    found = variable.accuracy_accepted
    if variable.gold is None or found is None:
        mark = marks.point(marks.SHARE, value=None, low=None, high=None)
        return Cell(mark, ("no gold: accuracy unknown",))
    always = variable.gold.baselines[1:2]
    known = [
        (sign, who, one.evaluation.accuracy.value)
        for sign, who, one in (
            *(("baseline", one.who.removesuffix(", accepted items"), one) for one in always),
            *(("learned", "trained classifier", one) for one in variable.gold.baselines[2:]),
        )
        if one.evaluation.accuracy.value is not None
    ]
    mark = marks.point(
        marks.SHARE,
        value=found.value,
        low=found.interval_low,
        high=found.interval_high,
        baselines=[(sign, value) for sign, _, value in known],
    )
    if found.value is None:
        return Cell(mark, ("unknown", "no accepted item has a gold label"))
    low, high = found.interval_low, found.interval_high
    return Cell(
        mark,
        (f"{share(found.value, low, high)} right ({_unbroken(share_interval(low, high))})",),
        tuple((sign, f"{who}:\N{NO-BREAK SPACE}{share(value)}") for sign, who, value in known),
    )


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _group(
    variable: VariableFindings, unfit: Sequence[str], inside: bool, limit: int | None
) -> RaterGroup:
    raters = list(variable.fitness)
    if limit is not None and len(raters) + len(unfit) > limit:
        raters.sort(key=lambda one: (not one.signs, -(one.disagreement.share or 0.0)))
        raters = raters[: max(limit - len(unfit) - 1, 1)]
    rows = [_rater(one, len(variable.categories), inside) for one in raters]
    rows += [RaterRow(name, "declared unfit", ()) for name in unfit]
    return RaterGroup(variable.name, tuple(rows), len(variable.fitness) - len(raters))


def _rater(fitness: RaterFitness, categories: int, inside: bool) -> RaterRow:
    signs, kept, differs = fitness.signs, fitness.inside_codebook, fitness.disagreement
    compared = "unknown"
    if differs.share is not None:
        compared = f"{share(differs.share)} of {differs.items:,}"
    used = fitness.distinct_answers
    cells = [
        Cell(
            marks.bar(used / categories if categories else None),
            (f"{used:,} of {categories:,}",),
            warns="same_answer" in signs or "no_label" in signs,
        ),
        Cell(marks.bar(differs.share), (compared,)),
    ]
    if inside:
        text = "not known" if kept is None else share(kept)
        cells.insert(0, Cell(marks.bar(kept), (text,), warns="outside_codebook" in signs))
    return RaterRow(fitness.rater, "unfit?" if signs else "", tuple(cells))
