"""Write agreement for programs and spreadsheets: JSON with everything, CSV with rows.

Numbers have full precision. An undefined value is null or an empty cell, with the reason
beside it. The files contain no item texts; only the table of items contains item ids.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from localensemble.core.files import replaced_text_file
from localensemble.core.identity import JsonValue
from localensemble.findings.agreement_report import AgreementReport, VariableAgreement
from localensemble.report.agreement_wording import agreement_verdict
from localensemble.study.rating_table.weight_table import WeightTable
from localensemble.tables.delimited import write_table

COEFFICIENT_COLUMNS = (
    "variable", "group", "coefficient", "weights", "value", "interval_low", "interval_high",
    "confidence_level", "interval_method", "standard_error", "p_value", "observed_agreement",
    "expected_agreement", "analytic_low", "analytic_high", "bootstrap_low", "bootstrap_high",
    "jackknife_low", "jackknife_high", "items_used", "items_left_out", "raters",
    "undefined_because", "interval_undefined_because",
)  # fmt: skip
ITEM_COLUMNS = ("variable", "group", "item", "labels", "agreement")


def agreement_as_json(report: AgreementReport) -> JsonValue:
    """Return the report, without single items, as JSON values at full precision."""
    settings = report.settings
    weights = settings.weights
    content = {
        "source": report.source,
        "messages": report.messages,
        "weights": "custom" if isinstance(weights, WeightTable) else weights,
        "confidence_level": settings.confidence_level,
        "bootstrap": {"resamples": settings.resamples, "seed": settings.seed},
        "requirements": [str(one) for one in settings.requirements],
        "met": report.met if any(one.verdicts for one in report.variables) else None,
        "cross_check": _checks_as_json(report),
        "variables": [_variable_as_json(one) for one in report.variables],
    }
    # Convert to text and back, so that tuples become lists as in the written file.
    values: JsonValue = json.loads(json.dumps(content, allow_nan=False))
    return values


def write_agreement_json(report: AgreementReport, *, path: Path) -> None:
    """Write the report, without single items, as JSON."""
    text = json.dumps(agreement_as_json(report), indent=2, ensure_ascii=False, allow_nan=False)
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")


def write_coefficients(report: AgreementReport, *, path: Path) -> None:
    """Write a CSV file with one row per variable, group and coefficient."""
    rows = (
        ((), tuple(map(_cell, cells)))
        for variable in report.variables
        for cells in coefficient_rows(variable)
    )
    write_table(path, kept=(), added=COEFFICIENT_COLUMNS, rows=rows)


def write_item_agreement(report: AgreementReport, *, path: Path) -> None:
    """Write a CSV file with one row per variable, group and item.

    The column ``agreement`` is the share of agreeing pairs of labels; it is empty for items
    with fewer than two labels.
    """
    rows = (
        ((), tuple(map(_cell, cells)))
        for variable in report.variables
        for cells in item_rows(variable)
    )
    write_table(path, kept=(), added=ITEM_COLUMNS, rows=rows)


def _checks_as_json(report: AgreementReport) -> dict[str, object] | None:
    """Summarize the cross-check; None if it was not requested."""
    if not report.checks:
        return None
    compared = [
        check.largest_difference for check in report.checks if check.largest_difference is not None
    ]
    return {
        "packages": {check.package: check.version for check in report.checks},
        "compared": len(compared),
        "not_compared": len(report.checks) - len(compared),
        "largest_difference": max(compared, default=None),
    }


def _variable_as_json(found: VariableAgreement) -> dict[str, object]:
    whole = found.agreement
    coefficients = []
    for one in found.coefficients:
        fields = dataclasses.asdict(one)
        coefficients.append({**fields.pop("coefficient"), **fields})
    return {
        "variable": found.variable,
        "group": found.group,
        "verdict": agreement_verdict(whole),
        "level": whole.level,
        "weights": whole.weights,
        "categories": whole.categories,
        "values": found.values,
        "raters": whole.raters,
        "items": dataclasses.asdict(whole.counts),
        "coefficients": coefficients,
        "prevalence": dataclasses.asdict(whole.prevalence),
        "by_category": [dataclasses.asdict(one) for one in whole.by_category],
        "by_rater": [dataclasses.asdict(one) for one in whole.by_rater],
        "same_answer": [dataclasses.asdict(one) for one in whole.same_answer],
        "by_pair": [dataclasses.asdict(one) for one in whole.by_pair],
        "excess": [dataclasses.asdict(one) for one in whole.excess],
        "shared_errors": found.dependence and dataclasses.asdict(found.dependence),
        "leading": whole.leading,
        "without_rater": [dataclasses.asdict(one) for one in whole.without_rater],
        "pairs_left_out_because": whole.pairs_left_out_because,
        "single_label_effects": [dataclasses.asdict(one) for one in whole.single_label_effects],
        "requirements": [
            {**dataclasses.asdict(one), "requirement": str(one.requirement)}
            for one in found.verdicts
        ],
        "cross_check": [dataclasses.asdict(one) for one in found.checks],
    }


def coefficient_rows(found: VariableAgreement) -> Iterator[tuple[object, ...]]:
    """Yield a row for each coefficient, with the cells of `COEFFICIENT_COLUMNS`."""
    for shown in found.coefficients:
        one, analytic = shown.coefficient, shown.analytic
        bootstrap, jackknife = shown.bootstrap, shown.jackknife
        yield (
            found.variable, found.group, one.name, one.weights, one.value, one.interval_low,
            one.interval_high, one.confidence_level, one.interval_method, one.standard_error,
            one.p_value, one.observed_agreement, one.expected_agreement,
            analytic.interval_low, analytic.interval_high,
            bootstrap and bootstrap.interval_low, bootstrap and bootstrap.interval_high,
            jackknife and jackknife.interval_low, jackknife and jackknife.interval_high,
            one.items_used, one.items_left_out, one.raters, one.undefined_because,
            one.interval_undefined_because,
        )  # fmt: skip


def item_rows(found: VariableAgreement) -> Iterator[tuple[object, ...]]:
    """Yield a row for each item, with the cells of `ITEM_COLUMNS`."""
    by_item = found.by_item
    agreement = dict(zip(by_item.items.tolist(), by_item.agreement.tolist(), strict=True))
    for place, (item, labels) in enumerate(
        zip(found.items, found.labels_per_item.tolist(), strict=True)
    ):
        yield found.variable, found.group, item, labels, agreement.get(place)


def _cell(value: object) -> str:
    # repr writes every significant digit of a float.
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
