"""What people do to a table of ratings never changes a coefficient silently.

Columns are permuted and renamed, others are added, header rows appear. The coefficient stays the
same, or the table is refused with a reason. A kind of change is one entry of `CHANGES`.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localensemble.agreement import gwet_ac1
from localensemble.api.agree import AgreeOptions, agree
from localensemble.core.errors import InputError
from localensemble.core.label_matrix import LabelMatrix

pytestmark = pytest.mark.slow  # measures hundreds of tables


@dataclass(frozen=True)
class Wide:
    """A wide table: item ids and one column for each rater, then columns of other kinds."""

    raters: tuple[str, ...]
    ids: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    header_rows: tuple[tuple[str, ...], ...] = ()
    order: tuple[int, ...] = ()

    def text(self) -> str:
        """Return the table as a CSV file."""
        names = ["id", *self.raters, *(name for name, _ in self.beside)]
        rows = [
            [item, *row, *(cells[place] for _, cells in self.beside)]
            for place, (item, row) in enumerate(zip(self.ids, self.labels, strict=True))
        ]
        more = [[*row, *("" for _ in self.beside)] for row in self.header_rows]
        order = self.order or range(len(names))
        stream = io.StringIO()
        csv.writer(stream).writerows(
            [row[place] for place in order] for row in (names, *more, *rows)
        )
        return stream.getvalue()


NAMES = ("ann", "ben", "cy", "Dora Lind", "coder_1", "Rater B", "R2", "gpt-4o", "E. Voss", "7")
CATEGORIES = (
    ("yes", "no"),
    ("0", "1"),
    ("1", "2", "3", "4", "5"),
    ("very good", "good", "bad"),
    ("pain", "sleep", "food and drink"),
    ("a", "b", "c", "d"),
)


@st.composite
def tables(draw: st.DrawFn) -> Wide:
    """Draw tables in which every rater uses most categories and each category recurs."""
    categories = draw(st.sampled_from(CATEGORIES))
    raters = tuple(draw(st.permutations(NAMES)))[: draw(st.integers(2, 4))]
    truth = [categories[n % len(categories)] for n in range(draw(st.integers(10, 24)))]
    label = st.sampled_from(categories)
    rows = tuple(
        tuple(draw(st.one_of(st.just(one), st.just(one), label)) for _ in raters) for one in truth
    )
    return Wide(raters, tuple(f"t{n}" for n in range(len(rows))), rows)


def ac1_of(table: Wide) -> float | None:
    """Compute the coefficient without reading a table."""
    occurring = sorted({label for row in table.labels for label in row})
    matrix = LabelMatrix.from_names(table.labels, categories=occurring, raters=table.raters)
    return gwet_ac1(matrix).value


def measured(text: str) -> float | None:
    """Read and measure a table; the level is the only option."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        path.write_text(text, encoding="utf-8")
        report = agree(path, options=AgreeOptions(level="nominal", resamples=0))
    (variable,) = report.variables
    return variable.agreement.coefficient("AC1").value


def permuted(draw: st.DrawFn, table: Wide) -> Wide:
    """Put the columns in another order."""
    width = 1 + len(table.raters) + len(table.beside)
    return replace(table, order=tuple(draw(st.permutations(range(width)))))


def with_side_column(draw: st.DrawFn, table: Wide) -> Wide:
    """Add what programs store beside the labels of everyone or of one rater."""
    word = draw(st.sampled_from(("confidence", "time", "seconds", "comment", "status", "start")))
    rater = draw(st.sampled_from(table.raters))
    name = draw(
        st.sampled_from((word, word.upper(), f"{rater}_{word}", f"{word} {rater}", f"{word}.1"))
    )
    cells = st.sampled_from([*{label for row in table.labels for label in row}, "5", "x"])
    return beside(table, name, tuple(draw(cells) for _ in table.ids))


def with_settled_labels(draw: st.DrawFn, table: Wide) -> Wide:
    """Add a curator, a consensus or gold labels."""
    name = draw(
        st.sampled_from(
            ("curator", "Gold", "consensus", "final_label", "CURATION_USER", "adjudicated", "admin")
        )
    )
    return beside(table, name, tuple(draw(st.sampled_from(row)) for row in table.labels))


def with_checkboxes(draw: st.DrawFn, table: Wide) -> Wide:
    """Add the checkboxes of a question."""
    for number in range(1, draw(st.integers(3, 4))):
        cells = tuple(draw(st.sampled_from("01")) for _ in table.ids)
        table = beside(table, f"theme___{number}", cells)
    return table


def with_header_rows(draw: st.DrawFn, table: Wide) -> Wide:
    """Add header rows as survey programs write them."""
    questions = ("Item", *(f"{rater}: how urgent is it?" for rater in table.raters))
    imported = tuple(f'{{"ImportId":"QID{n}"}}' for n, _ in enumerate(questions))
    return replace(
        table,
        header_rows=draw(
            st.sampled_from(
                (
                    (questions, imported),
                    (questions,),
                    (imported,),
                    (("", *("Response" for _ in table.raters)),),
                    (("ID", *(rater.upper() for rater in table.raters)),),
                )
            )
        ),
    )


def with_several_variables(draw: st.DrawFn, table: Wide) -> Wide:
    """Give each rater a second column, of another variable."""
    separator = draw(st.sampled_from("_.:"))
    one, other = draw(st.permutations(("pain", "sleep")))
    for rater in table.raters:
        cells = tuple(row[table.raters.index(rater)] for row in table.labels[::-1])
        table = beside(table, f"{rater}{separator}{other}", cells)
    return replace(table, raters=tuple(f"{rater}{separator}{one}" for rater in table.raters))


def beside(table: Wide, name: str, cells: tuple[str, ...]) -> Wide:
    """Add a column unless its name is taken."""
    taken = {"id", *table.raters, *(other for other, _ in table.beside)}
    return table if name in taken else replace(table, beside=(*table.beside, (name, cells)))


CHANGES: tuple[Callable[[st.DrawFn, Wide], Wide], ...] = (
    with_side_column,
    with_settled_labels,
    with_checkboxes,
    with_header_rows,
    with_several_variables,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_permuted_and_renamed_columns_give_the_same_coefficient(data: st.DataObject) -> None:
    table = data.draw(tables())
    changed = data.draw(st.composite(lambda draw: permuted(draw, table))())
    try:
        value = measured(changed.text())
    except InputError:
        # A small table can look like something else by chance; then it is asked about.
        return
    assert value == pytest.approx(ac1_of(table))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_change_never_gives_another_coefficient(
    change: Callable[[st.DrawFn, Wide], Wide], data: st.DataObject
) -> None:
    table = data.draw(tables())

    @st.composite
    def changed(draw: st.DrawFn) -> Wide:
        once = change(draw, table)
        return permuted(draw, draw(st.sampled_from(CHANGES))(draw, once))

    try:
        value = measured(data.draw(changed()).text())
    except InputError:
        return
    assert value == pytest.approx(ac1_of(table))


def test_an_ordinary_table_is_not_refused() -> None:
    labels = tuple(
        ("yes" if n % 2 else "no", "yes" if n % 3 else "no", "yes" if n % 5 else "no")
        for n in range(20)
    )
    table = Wide(("ann", "ben", "cy"), tuple(map(str, range(20))), labels)
    assert measured(table.text()) == pytest.approx(ac1_of(table))
