"""The command ``certify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click
from rich.console import Console

from localensemble.api.certify import (
    SCORE_NAMES,
    CertificationPlan,
    Certified,
    CertifiedThreshold,
    Promise,
    ScoreName,
    certify,
    plan,
)
from localensemble.api.findings import PREVALENCE_ASSUMPTIONS
from localensemble.cli.console import output, say
from localensemble.cli.evaluation_tables import show_prevalence
from localensemble.cli.isolated import isolated_option
from localensemble.cli.numbers import share
from localensemble.cli.ratings_options import StudyCommand
from localensemble.cli.word_table import WordTable

NOTHING_CERTIFIED = 1

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("certify", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path), required=False)
@click.option("--gold", type=_FILE, help="Gold labels of items drawn at random (see `sample`).")
@click.option("--variable", help="The variable whose labels are to be accepted.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="The tolerated error.")
@click.option(
    "--delta", type=float, default=0.1, show_default=True, help="Chance that the promise fails."
)
@click.option(
    "--method",
    type=click.Choice(["ltt", "crc"]),
    default="ltt",
    show_default=True,
    help="ltt: at most alpha wrong among the accepted, with confidence 1 - delta. crc: on average "
    "at most alpha of all items accepted and wrong; weaker.",
)
@click.option(
    "--by",
    type=click.Choice(SCORE_NAMES),
    help="The score a threshold is set on. [default: mean_probability; support for ratings]",
)
@click.option(
    "-o",
    "--output",
    "certificate",
    type=_FILE,
    help="The certificate (JSON). [default: certificate-VARIABLE.json in the study folder]",
)
@click.option("--id-column", help="The column of the gold table that identifies an item.")
@click.option("--plan", "only_plan", is_flag=True, help="Only say how many gold labels it takes.")
@click.option(
    "--error-rate",
    type=float,
    default=0.02,
    show_default=True,
    help="With --plan: share of wrong labels you expect among the accepted.",
)
@click.option(
    "--accepted-share",
    type=float,
    default=0.5,
    show_default=True,
    help="With --plan: share of the items you expect to accept.",
)
@isolated_option
def command(
    *,
    study: Path | None,
    gold: Path | None,
    variable: str | None,
    alpha: float,
    delta: float,
    method: str,
    by: str | None,
    certificate: Path | None,
    id_column: str | None,
    only_plan: bool,
    error_rate: float,
    accepted_share: float,
) -> None:
    """Certify a threshold above which labels of STUDY may stand without a person.

    Ends with exit code 1, and writes nothing, when nothing can be certified.
    """
    console = output()
    if only_plan:
        _show_plan(
            plan(alpha=alpha, delta=delta, error_rate=error_rate, accepted_share=accepted_share),
            console,
        )
        return
    if study is None or gold is None or variable is None:
        raise click.UsageError("Give STUDY, --gold and --variable; or --plan.")
    certified = certify(
        study,
        gold=gold,
        variable=variable,
        promise=Promise(
            "fixed_sequence" if method == "ltt" else "conformal_risk_control",
            alpha=alpha,
            delta=delta,
            by=cast(ScoreName | None, by),
        ),
        certificate_path=certificate,
        id_column=id_column,
    )
    _show_certified(certified, console)
    if certified.path is None:
        sys.exit(NOTHING_CERTIFIED)


def _show_certified(certified: Certified, console: Console) -> None:
    issued = certified.certificate
    for message in certified.messages:
        say(console, message)
    _show_candidates(issued.certified, issued.by, console)
    say(console, f"{issued.sentence()}\n")
    for assumption in issued.assumptions():
        say(console, f"  Taken for granted: {assumption}.")
    console.print()
    show_prevalence(
        certified.prevalence,
        variable=issued.variable,
        assumptions=PREVALENCE_ASSUMPTIONS,
        console=console,
    )
    if certified.path is None:
        say(console, "No certificate was written.")
        return
    say(console, f"Wrote {certified.path}, which holds for:")
    for name, sha256 in issued.hashes:
        say(console, f"  {name} {sha256[:12]}")
    say(
        console,
        "Apply it with `localensemble consensus STUDY --certificate FILE --items FILE`, or with "
        "`localensemble label ... --certificate FILE`.",
    )


def _show_candidates(certified: CertifiedThreshold, by: str, console: Console) -> None:
    # Conformal risk control bounds an error on average; it tests nothing.
    tested = certified.delta is not None
    value = "p" if tested else "bound"
    table = WordTable(
        f"Thresholds on {by.replace('_', ' ')}, strictest first",
        words=("outcome",),
        numbers=("threshold", "gold items accepted", "wrong", value, "upper bound"),
    )
    for one in certified.candidates:
        table.add_row(
            one.outcome,
            f"{one.threshold:.6g}",
            f"{one.accepted:,}",
            f"{one.errors:,}",
            f"{one.p_value:.3g}",
            "" if one.upper is None else share(one.upper),
        )
    console.print(table)
    if tested:
        say(
            console,
            f"passed: p is at most {certified.delta:.3g}. skipped: fewer than "
            f"{certified.least_accepted:,} gold items accepted, too few to tell. not reached: "
            "behind the first failure.\n",
        )


def _show_plan(planned: CertificationPlan, console: Console) -> None:
    table = WordTable(
        f"At most {planned.alpha:.3g} wrong among the accepted, with confidence "
        f"{1 - planned.delta:.3g}",
        words=(),
        numbers=("wrong among the gold items accepted", "fewest gold items accepted"),
    )
    for errors, size in planned.sizes:
        table.add_row(f"{errors:,}", f"{size:,}")
    console.print(table)
    expected = (
        f"If {planned.error_rate:.1%} of the accepted are wrong and {planned.accepted_share:.0%} "
        "of the items are accepted, "
    )
    if planned.items_needed is None:
        say(console, f"{expected}no number of gold labels is enough.")
    else:
        say(
            console,
            f"{expected}about {planned.items_needed:,} gold labels, drawn at random, certify it "
            f"with a chance of {planned.chance:.0%}; the walk over several thresholds may need "
            "more.",
        )
