"""The command ``evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.evaluate import evaluate
from localensemble.api.findings import PREVALENCE_ASSUMPTIONS, Prices
from localensemble.cli.console import output
from localensemble.cli.evaluation_tables import show_evaluation, show_prevalence
from localensemble.cli.isolated import isolated_option
from localensemble.cli.ratings_options import StudyCommand
from localensemble.cli.study_tables import show_findings


@click.command("evaluate", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--gold",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A table with the item ids and a column gold_VARIABLE for each variable.",
)
@click.option("--id-column", help="The column of the gold table that identifies an item.")
@click.option(
    "--group",
    "group_column",
    metavar="COLUMN",
    help="A column of the gold table (site, language): each group is evaluated by itself.",
)
@click.option(
    "--random-sample",
    is_flag=True,
    help="State that the gold items were drawn at random from all items: the share of each "
    "category is estimated, corrected for label error.",
)
@click.option(
    "--person-cost",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="What one item costs when a person labels it, in any unit.",
)
@click.option(
    "--model-cost",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="What one item costs when all models label it, in the same unit.",
)
@isolated_option
def command(
    *,
    study: Path,
    gold: Path,
    id_column: str | None,
    group_column: str | None,
    random_sample: bool,
    person_cost: float,
    model_cost: float,
) -> None:
    """Compare the labels of STUDY with gold labels; needs no model.

    Writes report.html and findings.json anew, the latter with every number at full precision.
    """
    console = output()
    findings = evaluate(
        study,
        gold=gold,
        id_column=id_column,
        group_column=group_column,
        random_sample=random_sample,
        prices=Prices(models=model_cost, person=person_cost),
    )
    show_findings(findings, console=console)
    show_evaluation(findings, console=console)
    for variable in findings.variables:
        if variable.gold is not None and variable.gold.prevalence:
            show_prevalence(
                variable.gold.prevalence,
                variable=variable.name,
                assumptions=PREVALENCE_ASSUMPTIONS,
                console=console,
            )
