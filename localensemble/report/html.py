"""Write a report as one self-contained HTML file that a methodologist can hand in.

The page loads nothing: style and figures are part of the file, there is no script, and a
content security policy forbids every load. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from localensemble.codebook.model import Codebook
from localensemble.core import estimates
from localensemble.core.engine_facts import NOTHING_KNOWN, EngineFacts
from localensemble.core.files import replaced_text_file
from localensemble.findings.agreement import (
    BOOTSTRAP_RESAMPLES,
    BOOTSTRAP_SEED,
    Agreement,
    CrossCheck,
    ErrorDependence,
    Verdict,
)
from localensemble.findings.people.control_test import ALPHA, UNACCEPTABLE_ACCURACY
from localensemble.findings.study_findings import StudyFindings
from localensemble.report import (
    agreement_wording,
    marks,
    methods_text,
    pictures,
    strategy_wording,
    wording,
)
from localensemble.report.first_screen import agreement_cells, first_screen
from localensemble.report.queue import ItemQueue


@dataclass(frozen=True, slots=True)
class NamedAgreement:
    """The agreement on one variable or group, its requirements, shared errors and checks."""

    name: str
    agreement: Agreement
    verdicts: tuple[Verdict, ...] = ()
    dependence: ErrorDependence | None = None
    checks: tuple[CrossCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementSource:
    """Where labels come from and how their agreement was measured.

    Attributes:
        title: title of the report, for example the file's name.
        program_version: version of localensemble.
        left_out: what was not used and why, in sentences.
        resamples: number of bootstrap draws; 0 if there was no bootstrap.
        seed: seed of the bootstrap.
    """

    title: str
    program_version: str
    left_out: tuple[str, ...] = ()
    resamples: int = BOOTSTRAP_RESAMPLES
    seed: int = BOOTSTRAP_SEED


def write_report(
    findings: StudyFindings,
    *,
    codebook: Codebook,
    engines: Mapping[str, EngineFacts],
    path: Path,
    queue: ItemQueue | None = None,
) -> None:
    """Write the report of a study, completely or not at all; only the owner can read it.

    Args:
        findings: the findings of the study.
        codebook: its codebook; the report omits the examples, which may be item texts.
        engines: the facts about each engine, by its name.
        path: the file to write.
        queue: items to show with their texts; without it the report contains no item text.
    """
    _write(
        "study.html",
        {
            "findings": findings,
            "codebook": codebook,
            "queue": queue,
            "screen": first_screen(findings),
            "without_prompt": frozenset(
                rater.name
                for rater in findings.raters
                if engines.get(rater.engine, NOTHING_KNOWN).without_prompt
            ),
            "methods": methods_text.study_methods(findings, engines=engines),
        },
        path,
    )


def write_agreement_report(
    variables: Sequence[NamedAgreement], *, source: AgreementSource, path: Path
) -> None:
    """Write a report on agreement, completely or not at all; only the owner can read it."""
    methods = methods_text.agreement_methods(
        [one.agreement for one in variables],
        program_version=source.program_version,
        resamples=source.resamples,
        seed=source.seed,
    )
    _write(
        "agreement_page.html",
        {
            "variables": variables,
            "source": source,
            "methods": methods,
            "checks": [check for one in variables for check in one.checks],
        },
        path,
    )


def _write(template: str, content: Mapping[str, object], path: Path) -> None:
    page = _environment().get_template(template).render(content)
    with replaced_text_file(path) as stream:
        stream.write(page)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("localensemble.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Any] = {
        "coefficient_name": wording.coefficient_name,
        "estimate": estimates.estimate,
        "number": estimates.number,
        "p_value": wording.p_value,
        "share": estimates.share,
        "thousands": lambda count: f"{count:,}",
    }
    environment.filters.update(filters)
    environment.globals.update(
        agreement_cells=agreement_cells,
        agreement_wording=agreement_wording,
        marks=marks,
        interval=estimates.interval,
        share_interval=estimates.share_interval,
        part=wording.part,
        pictures=pictures,
        rule_in_words=methods_text.rule_in_words,
        policies_in_words=methods_text.policies_in_words,
        wording=wording,
        strategy_wording=strategy_wording,
        unacceptable_accuracy=UNACCEPTABLE_ACCURACY,
        control_alpha=ALPHA,
    )
    return environment
