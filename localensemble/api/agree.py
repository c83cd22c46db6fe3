"""Measure the agreement of raters, people or models, in a table of ratings or a study."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import Annotated, get_args

from localensemble import __version__
from localensemble.agreement import (
    WEIGHT_SCHEMES,
    Agreement,
    AgreementError,
    CategoryAgreement,
    Coefficient,
    DoubleFault,
    ErrorDependence,
    Level,
    Requirement,
    Verdict,
    WeightScheme,
    coefficient_named,
)
from localensemble.agreement.cross_check import CrossCheck
from localensemble.api.cross_check.reference_environment import cross_check, find_reference_python
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Variable
from localensemble.core.errors import InputError
from localensemble.core.input_files import FileMark
from localensemble.core.options import Option
from localensemble.findings.agreement_report import (
    AgreementReport,
    LabeledVariable,
    MeasureSettings,
    VariableAgreement,
    cross_check_plan,
    measure_variable,
)
from localensemble.report.agreement_files import (
    agreement_as_json,
    write_agreement_json,
    write_coefficients,
    write_item_agreement,
)
from localensemble.report.agreement_wording import (
    agreement_statement,
    agreement_verdict,
    check_result,
    cross_check_summary,
    effective_raters,
    leading_coefficient,
    no_band_because,
    reached_word,
    resampling_notes,
    same_answer_sentences,
    single_label_notes,
    why_missing,
)
from localensemble.report.html import AgreementSource, NamedAgreement, write_agreement_report
from localensemble.study.rating_table.rating_categories import category_values, choose_categories
from localensemble.study.rating_table.read_ratings import read_with_codebook, variable_of
from localensemble.study.rating_table.weight_table import WeightTable, read_weight_table
from localensemble.study.required_verdict import requirement_of
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource, path_of, refuse_changed
from localensemble.tables.rating_columns import (
    AllCategories,
    Gaps,
    NamedColumns,
    Sheet,
    SplitLabels,
    TableLayout,
)

__all__ = [
    "AgreeOptions",
    "Agreement",
    "AgreementReport",
    "CategoryAgreement",
    "Coefficient",
    "CrossCheck",
    "DoubleFault",
    "ErrorDependence",
    "Level",
    "NamedColumns",
    "TableLayout",
    "VariableAgreement",
    "Verdict",
    "agree",
    "agreement_as_json",
    "agreement_statement",
    "agreement_verdict",
    "check_result",
    "cross_check_summary",
    "effective_raters",
    "leading_coefficient",
    "no_band_because",
    "reached_word",
    "resampling_notes",
    "same_answer_sentences",
    "single_label_notes",
    "why_missing",
    "write_agreement_html",
    "write_agreement_json",
    "write_coefficients",
    "write_item_agreement",
]


@dataclass(frozen=True, slots=True)
class AgreeOptions:
    """How to read a table of ratings and measure agreement.

    Attributes:
        level: level of measurement of every variable; None uses the level in the codebook or
            study. A table without a codebook has no default on purpose: a wrong level gives a
            believable wrong number.
        columns: columns of the table; those that are not named are detected.
        gaps: cell contents that mean a gap; an empty cell always does.
        sheet: sheet of a workbook.
        categories: all categories that raters could choose, in order; None uses those of the
            codebook, or those that occur.
        split_labels: what stands between several labels in a cell, ``json`` for lists, or ``no``
            for cells that are whole categories; None refuses cells that seem to hold several.
        codebook: file with the variables of the table.
        coefficients: coefficients to show; empty shows all.
        weights: a weighting scheme or the path of a table of weights; None uses the weights
            that belong to the level.
        confidence_level: confidence level of all intervals.
        resamples: number of bootstrap draws; 0 turns the bootstrap off.
        seed: seed of the bootstrap.
        requirements: for example ``AC1 >= 0.6``; each applies to every variable and group.
        cross_check: whether to compare with irrCAC and krippendorff, from this environment or
            from a reference environment.
    """

    level: Annotated[
        Level | None,
        Option(
            "Measurement level; required for a table unless --codebook is given. A wrong level "
            "gives a plausible but wrong number."
        ),
    ] = None
    columns: NamedColumns = field(default_factory=NamedColumns)
    gaps: Gaps = ()
    sheet: Sheet = None
    categories: AllCategories = None
    split_labels: SplitLabels = None
    codebook: Annotated[
        CodebookSource | None, Option("A codebook that defines the variables.", "-c --codebook")
    ] = None
    coefficients: Annotated[
        tuple[str, ...],
        Option("Coefficients to show, such as AC1,alpha. [default: all]", split=True),
    ] = ()
    weights: Annotated[
        str | None, Option("A weighting scheme, or a CSV file of weights. [default: by level]")
    ] = None
    confidence_level: Annotated[
        float,
        Option("Confidence level of the intervals.", "--confidence", least=0, most=1, between=True),
    ] = 0.95
    resamples: Annotated[
        int, Option("Bootstrap draws over items; 0 for none.", "--bootstrap", least=0)
    ] = 1000
    seed: Annotated[int, Option("Random seed of the bootstrap.", least=0)] = 0
    requirements: Annotated[
        tuple[str, ...],
        Option(
            'A minimum such as "AC1 >= 0.6": exit code 5 if the interval reaches below it; '
            "repeatable.",
            "--require",
        ),
    ] = ()
    cross_check: Annotated[bool, Option("Compare with the packages irrCAC and krippendorff.")] = (
        False
    )


def agree(source: TableSource, *, options: AgreeOptions) -> AgreementReport:
    """Measure the agreement in a table of ratings or in a study folder.

    Raises:
        InputError: the table, a column, a category or an option cannot be used, or no
            environment can cross-check.
        LedgerError: the folder has no finished study.
    """
    settings = _settings(options)
    # Before the work, so that a missing environment costs no time.
    reference = find_reference_python() if options.cross_check else None
    path = path_of(source)
    if isinstance(source, Path) and source.is_dir():
        unread = None
        labeled, messages = _from_study(source, options)
    else:
        unread = FileMark.of(source) if isinstance(source, Path) else None
        labeled, messages = _from_table(source, options)
    variables = tuple(measure_variable(one, settings=settings) for one in labeled)
    if reference is not None:
        plans = [cross_check_plan(*both) for both in zip(labeled, variables, strict=True)]
        checked = cross_check(plans, python=reference)
        variables = tuple(
            replace(found, checks=checks) for found, checks in zip(variables, checked, strict=True)
        )
    # Whoever writes to the table meanwhile wants to know the agreement of what is written.
    refuse_changed(path, unread)
    return AgreementReport(
        source=path.name, messages=messages, settings=settings, variables=variables
    )


def write_agreement_html(report: AgreementReport, *, path: Path) -> None:
    """Write the report as one self-contained page; it shows every coefficient."""
    write_agreement_report(
        [
            NamedAgreement(one.title, one.agreement, one.verdicts, one.dependence, one.checks)
            for one in report.variables
        ],
        source=AgreementSource(
            report.source,
            __version__,
            report.messages,
            resamples=report.settings.resamples,
            seed=report.settings.seed,
        ),
        path=path,
    )


def _settings(options: AgreeOptions) -> MeasureSettings:
    return MeasureSettings(
        weights=_weights(options.weights),
        confidence_level=options.confidence_level,
        resamples=options.resamples,
        seed=options.seed,
        coefficients=tuple(coefficient_named(text).name for text in options.coefficients),
        requirements=tuple(map(Requirement.parse, options.requirements)),
    )


def _weights(text: str | None) -> WeightScheme | WeightTable | None:
    if text is None:
        return None
    for scheme in WEIGHT_SCHEMES:
        if text == scheme:
            return scheme
    if Path(text).is_file():
        return read_weight_table(Path(text))
    raise AgreementError(
        f'Unknown weighting scheme "{text}", and no file has that name.',
        hint=f"Choose one of {', '.join(WEIGHT_SCHEMES)}, or give a CSV file with one row and one "
        "column for each category.",
    )


def _from_study(
    folder: Path, options: AgreeOptions
) -> tuple[list[LabeledVariable], tuple[str, ...]]:
    for_tables = AgreeOptions(
        columns=options.columns, gaps=options.gaps, sheet=options.sheet,
        categories=options.categories, codebook=options.codebook,
        split_labels=options.split_labels,
    )  # fmt: skip
    if for_tables != AgreeOptions():
        raise InputError(
            f"{folder.name}: a study has its own items, raters and categories, but an option "
            "names columns, categories or a codebook.",
            hint="Leave out the options for tables; to compare a study with gold labels, run "
            "`localensemble evaluate STUDY --gold FILE`.",
        )
    with Study.open(folder) as study:
        labels = study.recorded
        items = labels.reader.item_ids(labels.item_set, start=0, stop=labels.item_count)
        labeled = []
        for variable in study.codebook.variables:
            level = options.level or _level(variable)
            matrix = labels.compared_matrix(variable)
            compared = labels.compared_items(variable.name)
            found = category_values(
                variable.answers, level=level, source=f'Variable "{variable.name}"'
            )
            if found.names != variable.answers:
                raise InputError(
                    f'Variable "{variable.name}": level {level} needs categories in the order of '
                    "their numbers, but the codebook orders them differently.",
                    hint="Use `--level ordinal`, or leave out `--level` to use the codebook's.",
                )
            labeled.append(
                LabeledVariable(
                    variable.name,
                    None,
                    level,
                    matrix,
                    found.values,
                    items if compared is None else tuple(compress(items, compared)),
                    _required(variable),
                )
            )
    return labeled, study.cautions


def _from_table(
    source: TableSource, options: AgreeOptions
) -> tuple[list[LabeledVariable], tuple[str, ...]]:
    path = path_of(source)
    codebook, table = read_with_codebook(
        source,
        codebook=options.codebook,
        level=options.level,
        levels=get_args(Level),
        columns=options.columns,
        gaps=options.gaps,
        sheet=options.sheet,
        categories=options.categories,
        split_labels=options.split_labels,
    )
    labeled: list[LabeledVariable] = []
    messages = list(table.messages)
    for labels in table.variables:
        declared = options.categories
        level = options.level
        required: tuple[Requirement, ...] = ()
        if codebook is not None:
            variable = variable_of(labels, table, codebook)
            labels = replace(labels, variable=variable.name)
            declared = declared if declared is not None else variable.answers
            level = level or _level(variable)
            required = _required(variable)
        if level is None:
            raise ValueError("A table without a level has a codebook.")
        categories = choose_categories(labels, level=level, declared=declared, source=path.name)
        messages += categories.messages
        matrices = labels.matrices(categories.names, name_of=categories.name_of)
        gold = labels.gold(categories.names, name_of=categories.name_of)
        labeled += [
            LabeledVariable(
                labels.variable,
                one.group,
                level,
                matrix,
                categories.values,
                one.items,
                required,
                truth,
                anonymous=table.columns.layout == "counts",
            )
            for one, matrix, truth in zip(labels.groups, matrices, gold, strict=True)
        ]
    return labeled, tuple(dict.fromkeys(messages))


def _required(variable: Variable) -> tuple[Requirement, ...]:
    requirement = requirement_of(variable)
    return () if requirement is None else (requirement,)


def _level(variable: Variable) -> Level:
    # Two categories have no order that a weight could use.
    return "ordinal" if variable.level == "ordinal" else "nominal"
