"""The verbs of ``import localensemble as le``: each takes DataFrames or paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localensemble.api.certificates.calibrate import Calibrated, RaterCalibrationMethod
from localensemble.api.certificates.certify import Certified, ScoreName
from localensemble.api.import_ratings import RatingsLevel, RatingsOptions
from localensemble.api.import_ratings import import_ratings as imported
from localensemble.api.label import LabelOptions
from localensemble.api.label import label as labeled
from localensemble.api.notebook.evaluated_study import EvaluatedStudy
from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    GivenRaters,
    categories_given,
    codebook_given,
    ensemble_given,
    path_given,
    several,
    table_given,
    table_given_if_any,
)
from localensemble.api.notebook.opened_study import Study, folder_given
from localensemble.api.notebook.rater_progress import progress_display
from localensemble.api.report import WrittenReport
from localensemble.api.withdrawal.withdraw_items import WithdrawnItems, WithdrawOptions
from localensemble.api.withdrawal.withdraw_items import withdraw as withdraw_items
from localensemble.core.options import fitting
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study as StudyValue
from localensemble.tables.rating_columns import NamedColumns, TableLayout

if TYPE_CHECKING:
    import pandas as pd


def label(
    items: pd.DataFrame | GivenPath,
    *,
    codebook: GivenCodebook,
    raters: GivenRaters | None = None,
    output: GivenPath | None = None,
    ensemble: Mapping[str, Any] | GivenPath | None = None,
    demo_models: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
    limit: int | None = None,
    gold: pd.DataFrame | GivenPath | None = None,
    control: pd.DataFrame | GivenPath | None = None,
    certificates: Sequence[GivenPath] = (),
    calibrations: Sequence[GivenPath] = (),
    foreign_files: bool = False,
    threads: int | None = None,
    strict: bool = False,
    stop_unfit: bool = False,
    progress: bool | None = None,
) -> Study:
    """Label every item with every rater, decide, and write the study's files.

    Args:
        items: a DataFrame (a named index is a column) or the path of a table, a row per item.
        codebook: the path of a YAML file, its content as a dictionary, or a ``Codebook``.
        raters: models by name or path, or dictionaries as in an ensemble file; None chooses.
        output: the study folder, also to resume; None takes a temporary one.
        ensemble: an ensemble file or its content, in place of ``raters``.
        demo_models: take the embedded models, whatever the codebook.
        id_column: column that identifies an item; None guesses it by name.
        text_column: column that holds the text; None guesses it by name, then by length.
        limit: label only the first items, 1 or more.
        gold: a table with gold labels, to report accuracy.
        control: a table with items whose category is known.
        certificates, calibrations: files, at most one of each a variable.
        foreign_files: they may be those of another study.
        threads: processor threads per model; None takes all cores.
        strict: score one prompt at a time: slow, to check by.
        stop_unfit: raise UnfitRaterError if the first items of a rater show that it is unfit.
        progress: None shows progress in a notebook only; True also on standard error.

    Returns:
        The study.

    Raises:
        InputError: an input cannot be used, or the folder holds another study; nothing was labeled.
        EngineError: a model cannot go on; what was labeled is kept.

    Undefined when: a rater gives no category; the label's status says why.

    Example:
        >>> study = le.label(texts, codebook=codebook)
    """
    source, (folder, temporary) = table_given(items, name="items"), folder_given(output)
    messages: list[str] = []
    options = LabelOptions(
        ensemble=ensemble_given(raters, ensemble),
        demo_models=demo_models,
        id_column=id_column,
        text_column=text_column,
        limit=limit,
        gold=table_given_if_any(gold, name="gold"),
        certificates=tuple(map(path_given, certificates)),
        calibrations=tuple(map(path_given, calibrations)),
        foreign_files=foreign_files,
        control=table_given_if_any(control, name="control"),
        mode="strict" if strict else "batched",
        threads=threads,
        stop_unfit=stop_unfit,
    )
    labeled(
        source,
        codebook=codebook_given(codebook),
        study=folder,
        options=fitting(options),
        on_progress=progress_display(progress).show,
        on_message=messages.append,
    )
    return Study(folder, items=source, messages=tuple(messages), temporary=temporary)


def import_ratings(
    ratings: pd.DataFrame | GivenPath,
    *,
    level: RatingsLevel | None = None,
    output: GivenPath | None = None,
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
    gap: Sequence[str] | str = (),
    sheet: str | None = None,
    split_labels: str | None = None,
    ensemble: GivenPath | None = None,
    items: pd.DataFrame | GivenPath | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    name: str = "ratings",
) -> Study:
    """Make a study of a table of ratings that people or other programs gave, and decide it.

    Args:
        ratings: a DataFrame or the path of a table, wide or long, as in ``agree``.
        level: of measurement; required unless ``codebook`` is given.
        output: the study folder; None takes a temporary one, as in ``label``.
        codebook: with the variables of the table.
        categories: all that can be chosen, in their order; None as in ``agree``.
        layout: ``wide`` or ``long``; None detects it.
        item: column of the item ids.
        rater: long; the column that names the rater.
        label: long; the columns with the labels, each a variable.
        raters, without_raters, column_pattern: as in ``agree``.
        variable_column: column that names the variable of each row.
        gap: words that mean no label; a missing value always does.
        sheet, split_labels: of a workbook; between several labels in a cell, as in ``agree``.
        ensemble: an ensemble file with consensus and escalation to decide by; None keeps the
            rules of a study that is there, or takes the majority.
        items: a table with the items and their texts.
        id_column: of ``items``.
        text_column: of ``items``.
        name: of a DataFrame, in messages, and of its variable where no column names one.

    Returns:
        The study.

    Raises:
        InputError: the table, a column, a category or a rule cannot be used, or the folder
            holds another study.

    Undefined when: a cell is missing; the rater then has no label on the item.

    Example:
        >>> le.import_ratings(ratings, level="nominal").decisions()
    """
    source = table_given(ratings, name=name)
    texts = table_given_if_any(items, name="items")
    counted = several(raters), several(without_raters), column_pattern, variable_column
    options = RatingsOptions(
        level=level,
        columns=NamedColumns(layout, item, rater, several(label), *counted),
        gaps=several(gap),
        sheet=sheet,
        split_labels=split_labels,
        categories=categories_given(ratings, categories, codebook),
        codebook=None if codebook is None else codebook_given(codebook),
        rules=None if ensemble is None else path_given(ensemble),
        items=texts,
        id_column=id_column,
        text_column=text_column,
    )
    folder, temporary = folder_given(output)
    found = imported(source, output=folder, options=fitting(options))
    return Study(folder, items=texts, messages=found.messages, temporary=temporary)


def open_study(path: GivenPath) -> Study:
    """Open a study folder.

    Args:
        path: the folder.

    Returns:
        The study. It holds no file open; closing it changes nothing.

    Raises:
        InputError: the path is a file.
        LedgerError: there is no study, none of its runs has finished, or it was changed.

    Example:
        >>> le.open_study("study").queue()
    """
    folder = StudyFolder.of(path_given(path))
    # Everything that can be wrong with it is said now, not when the first answer is asked for.
    StudyValue.open(folder.path).close()
    return Study(folder.path)


def decide(
    study: GivenPath,
    *,
    method: str | None = None,
    settings: Mapping[str, Any] | None = None,
    policies: Sequence[Mapping[str, Any]] | None = None,
    items: pd.DataFrame | GivenPath | None = None,
    gold: pd.DataFrame | GivenPath | None = None,
) -> Study:
    """Decide a study by other rules, record them, and write its tables and report anew.

    ``Study.with_rules`` shows first what the rules would change.

    Args:
        study: a study or its folder.
        method: the consensus method; None keeps it.
        settings: of the method.
        policies: in place of the study's; None keeps them, an empty list leaves none.
        items: the table that was labeled, as in ``Study.decide``.
        gold: a table with gold labels, in place of a method: a pool is fitted to them for each
            variable that has enough.

    Returns:
        The study under these rules.

    Raises:
        InputError: the rules do not fit, or the table is not the one labeled or not given.

    Example:
        >>> le.decide(study, method="unanimous")
    """
    changed = _study(study).with_rules(
        method=method, settings=settings, policies=policies, gold=gold
    )
    return changed.decide(items=items)


def evaluate(
    study: GivenPath,
    *,
    gold: pd.DataFrame | GivenPath,
    items: pd.DataFrame | GivenPath | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    random_sample: bool = False,
) -> EvaluatedStudy:
    """Compare the labels of a study with gold labels; see ``Study.evaluate``.

    Args:
        study: a study or its folder.
        gold: a table with item ids and a column ``gold_VARIABLE`` for each variable.
        items: the table that was labeled; then a classifier trained on the gold labels is
            compared, too.
        id_column: of both tables; None guesses it by name.
        group_column: of the gold table; each group is evaluated by itself.
        random_sample: state that the gold items were drawn at random from all items.

    Returns:
        Accuracy with exact intervals, for each rater, the consensus and the accepted labels.

    Raises:
        TableError: the gold table cannot be used or does not belong to the study.

    Undefined when: no item of a kind has a gold label; its numbers are missing.

    Example:
        >>> le.evaluate(study, gold=gold).table()
    """
    return _study(study).evaluate(
        gold,
        items=items,
        id_column=id_column,
        group_column=group_column,
        random_sample=random_sample,
    )


def certify(
    study: GivenPath,
    *,
    gold: pd.DataFrame | GivenPath,
    variable: str,
    alpha: float = 0.05,
    delta: float = 0.1,
    by: ScoreName | None = None,
    on_average: bool = False,
    id_column: str | None = None,
) -> Certified:
    """Certify a threshold above which labels may stand; see ``Study.certify``.

    Args:
        study: a study or its folder.
        gold: gold labels of items drawn at random from the study.
        variable: the variable whose labels are to be accepted.
        alpha: the tolerated share of wrong labels, above 0 and below 1.
        delta: the chance that the promise fails, above 0 and below 1.
        by: the score a threshold is sought on; None chooses.
        on_average: take the weaker promise of conformal risk control.
        id_column: of the gold table; None guesses it by name.

    Returns:
        The certificate with the sentence it promises, and its file.

    Raises:
        InputError: the variable or its gold labels are not there, or serve another purpose.

    Undefined when: nothing can be certified; ``path`` is then None.

    Example:
        >>> le.certify(study, gold=gold, variable="sentiment").path
    """
    return _study(study).certify(
        gold,
        variable=variable,
        alpha=alpha,
        delta=delta,
        by=by,
        on_average=on_average,
        id_column=id_column,
    )


def calibrate(
    study: GivenPath,
    *,
    variable: str,
    method: RaterCalibrationMethod,
    gold: pd.DataFrame | GivenPath | None = None,
    content_free: GivenPath | None = None,
    id_column: str | None = None,
) -> Calibrated:
    """Fit how the raters' probabilities are to be changed; see ``Study.calibrate``.

    Args:
        study: a study or its folder.
        variable: which.
        method: ``temperature``, ``isotonic`` or ``contextual_prior``.
        gold: a table with gold labels, for the first two.
        content_free: a study of content-free items, for the third.
        id_column: of the gold table; None guesses it by name.

    Returns:
        The calibration and its file.

    Raises:
        InputError: gold labels or content-free items are missing, too few, or of another study.

    Example:
        >>> le.calibrate(study, variable="sentiment", method="temperature", gold=gold)
    """
    return _study(study).calibrate(
        variable=variable,
        method=method,
        gold=gold,
        content_free=content_free,
        id_column=id_column,
    )


def write_report(
    study: GivenPath,
    *,
    gold: pd.DataFrame | GivenPath | None = None,
    items: pd.DataFrame | GivenPath | None = None,
) -> WrittenReport:
    """Write ``report.html`` and ``findings.json``; see ``Study.report``.

    Args:
        study: a study or its folder.
        gold: a table with gold labels, to report accuracy.
        items: the table that was labeled, to show texts of the most doubtful items.

    Returns:
        The numbers and the files.

    Raises:
        InputError: a table cannot be used or does not belong to the study.

    Example:
        >>> le.write_report(study).html
    """
    return _study(study).report(gold=gold, items=items)


def withdraw(
    study: GivenPath,
    ids: Sequence[str],
    *,
    items: pd.DataFrame | GivenPath | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
) -> WithdrawnItems:
    """Take items out of a study for good, for example if consent is withdrawn.

    Their ids, content hashes and labels leave the ledger, the tables, the report and the counts.
    No model runs, and the ledger stays verifiable.

    Args:
        study: a study or its folder.
        ids: the ids of the items.
        items: the table that was labeled, with or without these items; not needed where ratings
            were imported without texts.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.

    Returns:
        What is left, the files written, and messages on what to look into.

    Raises:
        InputError: an id is unknown, no item would be left, or the table is not the one labeled
            or not given.

    Example:
        >>> le.withdraw(study, [study.items[0]], items=texts).messages
    """
    return withdraw_items(
        path_given(study),
        options=WithdrawOptions(
            ids=tuple(map(str, ids)), id_column=id_column, text_column=text_column
        ),
        items=table_given_if_any(items, name="items"),
    )


def _study(study: GivenPath) -> Study:
    return study if isinstance(study, Study) else open_study(study)
