"""The agreement of raters as a notebook holds it: DataFrames, a short page, a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from localensemble.api.agree import (
    AgreementReport,
    AgreeOptions,
    Level,
    NamedColumns,
    TableLayout,
    write_agreement_html,
)
from localensemble.api.agree import agree as measured
from localensemble.api.notebook import fragments
from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    categories_given,
    codebook_given,
    path_given,
    several,
    table_given,
)
from localensemble.core.estimates import estimate, interval
from localensemble.core.options import fitting
from localensemble.report.agreement_files import (
    COEFFICIENT_COLUMNS,
    ITEM_COLUMNS,
    coefficient_rows,
    item_rows,
)
from localensemble.report.agreement_wording import agreement_verdict
from localensemble.report.pictures import forest_picture
from localensemble.report.wording import coefficient_name

if TYPE_CHECKING:
    import pandas as pd

_TEXT = frozenset(
    {"variable", "group", "coefficient", "weights", "interval_method", "item"}
    | {"undefined_because", "interval_undefined_because"}
)
_COUNTS = frozenset({"items_used", "items_left_out", "raters", "labels"})
# The colors of the page that a report is: a figure has none of its own.
_COLORS = (
    "--ink:#1b1f24;--quiet:#57606a;--grid:#d5dade;--series-1:#0b5cad;background:#ffffff;"
    "max-width:46em"
)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredAgreement:
    """How far raters agree, on every variable and group.

    A notebook shows a table of the coefficients and what it means in sentences.

    Attributes:
        report: all the numbers, as frozen values.
    """

    report: AgreementReport

    @property
    def messages(self) -> tuple[str, ...]:
        """What was guessed or left out, in sentences."""
        return self.report.messages

    @property
    def met(self) -> bool:
        """Whether every variable and group reaches what was required, if anything was."""
        return self.report.met

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the numbers mean, variable by variable."""
        return tuple(
            f"{one.title}: {sentence}"
            for one in self.report.variables
            for sentence in agreement_verdict(one.agreement)
        )

    def table(self) -> pd.DataFrame:
        """Return one row for each variable, group and coefficient, at full precision.

        Returns:
            Text columns are strings, counts Int64, numbers float64: ``value`` from -1 to 1,
            intervals at ``confidence_level``. What is undefined is missing, with its reason in
            ``undefined_because``.
        """
        rows = [cells for one in self.report.variables for cells in coefficient_rows(one)]
        return _frame(COEFFICIENT_COLUMNS, rows)

    def by_item(self) -> pd.DataFrame:
        """Return one row for each variable, group and item.

        Returns:
            ``agreement`` float64 is the share of agreeing pairs of labels, in [0, 1], missing
            for items with fewer than two labels; ``labels`` Int64 counts them.
        """
        rows = [cells for one in self.report.variables for cells in item_rows(one)]
        return _frame(ITEM_COLUMNS, rows)

    def write_html(self, path: GivenPath) -> Path:
        """Write the whole report as one self-contained page.

        Returns:
            The file.

        Raises:
            LocalEnsembleError: it cannot be written.
        """
        written = path_given(path)
        write_agreement_html(self.report, path=written)
        return written

    def __repr__(self) -> str:
        return "\n".join((f"Agreement in {self.report.source}", *self.sentences))

    def _repr_html_(self) -> str:
        rows = [
            (
                one.title,
                coefficient_name(shown.coefficient),
                estimate(
                    shown.coefficient.value,
                    shown.coefficient.interval_low,
                    shown.coefficient.interval_high,
                ),
                interval(shown.coefficient.interval_low, shown.coefficient.interval_high),
                f"{shown.coefficient.items_used:,}",
            )
            for one in self.report.variables
            for shown in one.coefficients
        ]
        level = f"{self.report.settings.confidence_level:.0%} interval"
        return (
            fragments.heading(f"Agreement in {self.report.source}")
            + fragments.paragraphs(self.sentences)
            + fragments.table(("Variable", "Coefficient", "Value", level, "Items used"), rows)
            + fragments.notes(self.messages)
        )


def agree(
    ratings: pd.DataFrame | GivenPath,
    *,
    level: Level | None = None,
    codebook: GivenCodebook | None = None,
    categories: Sequence[object] | None = None,
    layout: TableLayout | None = None,
    item: str | None = None,
    rater: str | None = None,
    label: Sequence[str] | str = (),
    raters: Sequence[str] | str = (),
    without_raters: Sequence[str] | str = (),
    column_pattern: str | None = None,
    variable_column: str | None = None,
    group: str | None = None,
    gold: str | None = None,
    gap: Sequence[str] | str = (),
    sheet: str | None = None,
    split_labels: str | None = None,
    coefficients: Sequence[str] | str = (),
    weights: str | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
    require: Sequence[str] | str = (),
    cross_check: bool = False,
    name: str = "ratings",
) -> MeasuredAgreement:
    """Measure how far raters agree: in a table of ratings, or in a study.

    Args:
        ratings: a DataFrame, the path of a table, or a study. Wide: one row per item, one
            column per rater. Long: one row per label.
        level: of measurement; required for a table unless ``codebook`` is given, since a wrong
            one gives a believable wrong number.
        codebook: with the variables of the table.
        categories: all, in order; None takes those of ordered Categorical columns, or that occur.
        layout: ``wide`` or ``long``; None detects it.
        item, rater: columns of the item ids and, long, of the raters' names.
        label: long; the columns with the labels, each a variable.
        raters, without_raters: the only ones, or those left out: columns (wide), names (long).
        column_pattern: wide; names of columns, such as ``{rater}_{variable}``.
        variable_column: column that names the variable of each row.
        group: column by which rows are measured apart.
        gold: column with gold labels, to show how far raters err together.
        gap: words that mean no label; a missing value always does.
        sheet: of a workbook.
        split_labels: what stands between several labels in a cell, ``json`` for lists, ``no``.
        coefficients: names of those to show; none shows all.
        weights: a scheme, or the path of a table of weights; None takes those of the level.
        confidence: of all intervals, above 0 and below 1.
        bootstrap, seed: draws over items, 0 for none; another seed draws others.
        require: like ``"AC1 >= 0.6"``; ``met`` tells whether all are.
        cross_check: compare with irrCAC and krippendorff.
        name: of a DataFrame, in messages, and of its variable where no column names one.

    Returns:
        The agreement on every variable and group.

    Raises:
        InputError: the table, a column, a category or an option cannot be used.

    Undefined when: only one category occurs, for example; ``undefined_because`` says why.

    Example:
        >>> le.agree(ratings, level="nominal").table()
    """
    counted = several(raters), several(without_raters), column_pattern, variable_column
    options = AgreeOptions(
        level=level,
        columns=NamedColumns(layout, item, rater, several(label), *counted, group, gold),
        gaps=several(gap), sheet=sheet, split_labels=split_labels, seed=seed,
        resamples=bootstrap, weights=weights,
        categories=categories_given(ratings, categories, codebook),
        codebook=None if codebook is None else codebook_given(codebook),
        coefficients=several(coefficients), confidence_level=confidence,
        requirements=several(require), cross_check=cross_check,
    )  # fmt: skip
    return MeasuredAgreement(measured(table_given(ratings, name=name), options=fitting(options)))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that a notebook shows; ``svg`` holds one picture for each variable."""

    svg: str = field(repr=False)

    def save(self, path: GivenPath) -> Path:
        """Write the figure as one HTML file.

        Returns:
            The file.
        """
        written = path_given(path)
        written.write_text(
            f'<!doctype html><meta charset="utf-8">{self._repr_html_()}\n', encoding="utf-8"
        )
        return written

    def _repr_html_(self) -> str:
        return f'<div style="{_COLORS}">{self.svg}</div>'


def forest_plot(agreement: MeasuredAgreement) -> Figure:
    """Draw the coefficients with their intervals, one picture for each variable and group.

    Percent agreement is left out: chance alone lifts it above 0.

    Args:
        agreement: as ``agree`` returns it.

    Returns:
        A figure, drawn when a notebook shows it. The numbers stand in ``agreement.table()``.

    Undefined when: a coefficient is undefined; its row says so.

    Example:
        >>> le.forest_plot(le.agree(ratings, level="nominal"))
    """
    drawn = []
    for one in agreement.report.variables:
        picture = forest_picture(one.title, one.agreement)
        drawn.append(fragments.heading(one.title) + str(picture.svg))
    return Figure("".join(drawn))


def _frame(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    dtypes = {
        name: "string" if name in _TEXT else "Int64" if name in _COUNTS else "float64"
        for name in columns
    }
    return frame.astype(dtypes)
