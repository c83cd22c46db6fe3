"""What a pilot found, as a notebook holds it: sentences, and DataFrames with the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localensemble.api.before_a_run.pilot import Pilot, PilotOptions, rows
from localensemble.api.before_a_run.pilot import pilot as piloted
from localensemble.api.notebook import fragments
from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    GivenRaters,
    codebook_given,
    ensemble_given,
    path_given,
    table_given,
    table_given_if_any,
)
from localensemble.api.notebook.rater_progress import progress_display
from localensemble.core.options import fitting

if TYPE_CHECKING:
    import pandas as pd

_HEADINGS = ("off-codebook", "above the limit", "most frequent", "changed", "first place")


@dataclass(frozen=True, slots=True, eq=False)
class PilotedEnsemble:
    """What a pilot found about the raters of an ensemble.

    A notebook shows what to do, a table of the raters, and what a run would accept and take.

    Attributes:
        pilot: all the numbers, as frozen values.
    """

    pilot: Pilot

    @property
    def messages(self) -> tuple[str, ...]:
        """What was detected, and what you should know, in sentences."""
        return self.pilot.messages

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to do, then what a run would accept and take."""
        return (*self.pilot.advice, *self.pilot.outlook)

    def table(self) -> pd.DataFrame:
        """Return one row for each variable and rater.

        Returns:
            ``variable``, ``rater``, ``signs``, ``reading``, ``most_frequent`` string; ``pairs``,
            ``changed`` Int64: items with a category in both orders, and those whose category
            changed; ``off_codebook_median``, ``most_frequent_share``, ``first``,
            ``first_reversed``, ``accuracy`` float64.
        """
        import pandas as pd

        found = [
            (
                variable.variable,
                one.rater,
                ", ".join(one.signs),
                one.position.reading,
                one.commonest,
                one.position.commonest_share,
                one.outside.median,
                one.position.pairs,
                one.position.flips,
                one.position.first,
                one.position.first_reversed,
                None if one.accuracy is None else one.accuracy.right / one.accuracy.items,
            )
            for variable in self.pilot.findings.variables
            for one in variable.raters
        ]
        words = dict.fromkeys(("variable", "rater", "signs", "reading", "most_frequent"), "string")
        dtypes = words | {
            "most_frequent_share": "float64",
            "off_codebook_median": "float64",
            "pairs": "Int64",
            "changed": "Int64",
            "first": "float64",
            "first_reversed": "float64",
            "accuracy": "float64",
        }
        return pd.DataFrame(found, columns=list(dtypes), dtype=object).astype(dtypes)

    def __repr__(self) -> str:
        return "\n".join((self.pilot.heading, *self.sentences))

    def _repr_html_(self) -> str:
        return "".join(
            (
                fragments.paragraphs((self.pilot.heading, *self.pilot.advice)),
                fragments.table(
                    ("variable", "rater", "sign", *_HEADINGS), list(rows(self.pilot.findings))
                ),
                fragments.paragraphs(self.pilot.outlook),
                fragments.notes(self.messages),
            )
        )


def pilot(
    items: pd.DataFrame | GivenPath,
    *,
    codebook: GivenCodebook,
    raters: GivenRaters | None = None,
    ensemble: Mapping[str, Any] | GivenPath | None = None,
    demo_models: bool = False,
    count: int = 50,
    gold: pd.DataFrame | GivenPath | None = None,
    rank: bool = False,
    output: GivenPath | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    threads: int | None = None,
    progress: bool | None = None,
) -> PilotedEnsemble:
    """Label a few items with every rater to find out which are fit; record no label.

    Every rater labels the items twice, with the categories in the order of the codebook and in
    reverse, and a few texts without content.

    Args:
        items: as in ``label``.
        codebook: as in ``label``.
        raters: as in ``label``.
        ensemble: as in ``label``.
        demo_models: as in ``label``.
        count: how many items, 1 or more; those with a gold label come first.
        gold: a table with gold labels, to report accuracy and to choose a calibration.
        rank: rank the models by accuracy on the gold labels (``pilot.rankings`` of the result);
            without raters, all models on this machine are candidates.
        output: a folder for ``pilot.json`` and the calibrations that gold labels recommend; None
            writes nothing.
        id_column: column that identifies an item; None guesses it by name.
        text_column: column that holds the text; None guesses it by name, then by length.
        threads: processor threads per model; None takes all cores.
        progress: as in ``label``.

    Returns:
        Which raters are fit, what a run would accept and how long it would take.

    Raises:
        InputError: a table, the codebook or the ensemble cannot be used.
        EngineError: a model cannot be loaded, or fails.

    Undefined when: a rater labels too few items; then nothing is read off its answers.

    Example:
        >>> le.pilot(texts, codebook=codebook).sentences
    """
    options = PilotOptions(
        ensemble=ensemble_given(raters, ensemble),
        demo_models=demo_models,
        count=count,
        gold=table_given_if_any(gold, name="gold"),
        rank=rank,
        id_column=id_column,
        text_column=text_column,
        threads=threads,
    )
    return PilotedEnsemble(
        piloted(
            table_given(items, name="items"),
            codebook=codebook_given(codebook),
            options=fitting(options),
            folder=None if output is None else path_given(output),
            on_progress=progress_display(progress).show,
        )
    )
