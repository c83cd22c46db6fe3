"""The command ``certify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import click
from rich.console import Console

from localensemble.api.certificates.certify import (
    CertificationPlan,
    Certified,
    CertifiedThreshold,
    Promise,
    ScoreName,
    certify,
    plan,
)
from localensemble.api.findings import PREVALENCE_ASSUMPTIONS
from localensemble.api.shared_options import GoldIdColumn
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.evaluation_tables import show_prevalence
from localensemble.cli.results.word_table import WordTable
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.command_lines import command_line
from localensemble.core.estimates import share
from localensemble.core.options import Option

NOTHING_CERTIFIED = 1


@click.command("certify", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path), required=False)
@with_options
@isolated_option
def command(
    study: Path | None,
    *,
    gold: Annotated[
        Path | None, Option("Gold labels of randomly drawn items (see `sample`).")
    ] = None,
    variable: Annotated[str | None, Option("The variable to certify.")] = None,
    alpha: Annotated[float, Option("The share of errors you tolerate.")] = 0.05,
    delta: Annotated[float, Option("The chance that the promise fails.")] = 0.1,
    method: Annotated[
        Literal["ltt", "crc"],
        Option(
            "ltt: at most a share alpha of the accepted labels is wrong, with confidence 1 - "
            "delta. crc is weaker: on average at most a share alpha of all items is accepted and "
            "wrong."
        ),
    ] = "ltt",
    by: Annotated[
        ScoreName | None,
        Option(
            "The score that the threshold is on. [default: mean_probability; support for ratings]"
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        Option(
            "The certificate to write (JSON). [default: certificate-VARIABLE.json in the study "
            "folder]",
            "-o --output",
        ),
    ] = None,
    id_column: GoldIdColumn = None,
    only_plan: Annotated[
        bool, Option("Only estimate how many gold labels are needed.", "--plan")
    ] = False,
    error_rate: Annotated[
        float, Option("With --plan: the share of the accepted labels you expect to be wrong.")
    ] = 0.02,
    accepted_share: Annotated[
        float, Option("With --plan: the share of the items you expect to accept.")
    ] = 0.5,
) -> None:
    """Certify a threshold above which labels of STUDY can be accepted without review.

    Exits with code 1 and writes nothing if nothing can be certified.
    """
    console = output()
    if only_plan:
        _show_plan(
            plan(alpha=alpha, delta=delta, error_rate=error_rate, accepted_share=accepted_share),
            console,
        )
        return
    if study is None or gold is None or variable is None:
        raise click.UsageError("Give STUDY, --gold and --variable, or --plan.")
    certified = certify(
        study,
        gold=gold,
        variable=variable,
        promise=Promise(
            "fixed_sequence" if method == "ltt" else "conformal_risk_control",
            alpha=alpha,
            delta=delta,
            by=by,
        ),
        certificate_path=certificate,
        id_column=id_column,
    )
    _show_certified(certified, study, console)
    if certified.path is None:
        sys.exit(NOTHING_CERTIFIED)


def _show_certified(certified: Certified, study: Path, console: Console) -> None:
    issued = certified.certificate
    for message in certified.messages:
        say(console, message)
    if issued.certified.candidates:
        _show_candidates(issued.certified, issued.by, console)
    say(console, f"{issued.sentence()}\n")
    for assumption in issued.assumptions():
        say(console, f"  Assumed: {assumption}.")
    console.print()
    if certified.prevalence:
        show_prevalence(
            certified.prevalence,
            variable=issued.variable,
            assumptions=PREVALENCE_ASSUMPTIONS,
            console=console,
        )
    if certified.path is None:
        say(console, "No certificate was written.")
        return
    say(console, f"Wrote {certified.path}, which is valid only for:")
    for name, sha256 in issued.hashes:
        say(console, f"  {name} {sha256[:12]}")
    say(console, "To apply it, give the table that was labeled:")
    given = command_line(["consensus", str(study), "--certificate", str(certified.path)])
    say(console, f"  localensemble {given} --items ITEMS")
    say(console, "`label` also takes --certificate.")


def _show_candidates(certified: CertifiedThreshold, by: str, console: Console) -> None:
    # Conformal risk control bounds an error on average; it tests nothing.
    tested = certified.delta is not None
    value = "p" if tested else "bound"
    table = WordTable(
        f"Thresholds on {by.replace('_', ' ')}, strictest first",
        words=("outcome",),
        numbers=(
            "threshold",
            "gold items accepted",
            "wrong",
            "accepted without gold",
            value,
            "upper bound",
        ),
    )
    for candidate in certified.candidates:
        table.add_row(
            candidate.outcome,
            f"{candidate.threshold:.6g}",
            f"{candidate.accepted:,}",
            f"{candidate.errors:,}",
            "" if candidate.unread is None else f"{candidate.unread:,}",
            f"{candidate.p_value:.3g}",
            "" if candidate.upper is None else share(candidate.upper),
        )
    console.print(table)
    if tested:
        say(
            console,
            f"passed: p is at most {certified.delta:.3g}. skipped: accepts too few items to tell "
            f"(fewer than {certified.least_accepted:,} gold items, or too few without a gold "
            "label). not reached: after the first failure.\n",
        )


def _show_plan(planned: CertificationPlan, console: Console) -> None:
    table = WordTable(
        f"Share of wrong labels among the accepted: at most {planned.alpha:.3g}, with "
        f"confidence {1 - planned.delta:.3g}",
        words=(),
        numbers=("wrong labels among accepted gold items", "accepted gold items needed"),
    )
    for errors, size in planned.sizes:
        table.add_row(f"{errors:,}", f"{size:,}")
    console.print(table)
    expected = (
        f"If {planned.error_rate:.1%} of the accepted labels are wrong and "
        f"{planned.accepted_share:.0%} of the items are accepted, "
    )
    if planned.items_needed is None:
        say(console, f"{expected}no number of gold labels is enough.")
    else:
        say(
            console,
            f"{expected}about {planned.items_needed:,} gold labels of random items certify this "
            f"with a chance of {planned.chance:.0%}. Testing several thresholds may need more.",
        )
