"""Read a table of ratings and align it with its items, ready to be recorded as a study.

Decides which categories and levels the ratings have. Refuses ratings of items that are not in the
table of items, and a folder that holds another study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np

from localensemble.codebook.checked import CodebookSource, load_checked
from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.codebook.names import slug
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.labels import ItemId
from localensemble.core.options import Option, Without
from localensemble.core.words import counted
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.study.folder import StudyFolder
from localensemble.study.rating_table.rating_categories import choose_categories
from localensemble.study.rating_table.recorded_ratings import AlignedRatings, hash_of_items
from localensemble.study.run_record import has_ratings, newest_finished
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly
from localensemble.tables.delimited import TableSource, path_of
from localensemble.tables.doubts.joined_labels import separate_labels
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import (
    AllCategories,
    Gaps,
    NamedColumns,
    Sheet,
    SplitLabels,
)
from localensemble.tables.ratings import Ratings, VariableRatings, read_ratings

RatingsLevel = Literal["nominal", "ordinal"]

_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class RatingsOptions:
    """How to read a table of ratings, and by which rules to decide it.

    Attributes:
        level: level of measurement of every variable; None takes the codebook's.
        columns: columns of the table; those not named are guessed. Groups are not read.
        gaps: cells that mean no label, besides the empty one.
        sheet: sheet of a workbook.
        categories: all possible categories, in their order; None takes the codebook's, or
            those that occur.
        split_labels: what stands between several labels in a cell, ``json`` for lists, or ``no``
            for cells that are whole categories; None refuses cells that seem to hold several.
        codebook: a codebook with the variables of the table.
        rules: an ensemble file with consensus and escalation; None keeps the rules of an
            existing study, or else means the majority and no policies.
        items: a table with the items and their texts; None takes the ids of the ratings.
        id_column: the column of ``items`` with the ids.
        text_column: the column of ``items`` with the texts.
    """

    level: Annotated[
        RatingsLevel | None,
        Option("Measurement level; required unless --codebook is given."),
    ] = None
    columns: Annotated[NamedColumns, Without(("group", "gold"))] = field(
        default_factory=NamedColumns
    )
    gaps: Gaps = ()
    sheet: Sheet = None
    categories: AllCategories = None
    split_labels: SplitLabels = None
    codebook: Annotated[
        CodebookSource | None, Option("A codebook that defines the variables.", "-c --codebook")
    ] = None
    rules: Annotated[
        Path | None,
        Option(
            "Decide with the consensus and escalation of this ensemble file. [default: the "
            "study's rules, or majority]",
            "-e --ensemble",
        ),
    ] = None
    items: Annotated[TableSource | None, Option("A table with the items and their texts.")] = None
    id_column: IdColumn = None
    text_column: TextColumn = None


@dataclass(frozen=True, slots=True)
class ReadRatings:
    """Aligned ratings, the table of their items, and sentences about what was guessed."""

    labels: AlignedRatings
    items: ItemFile | IdsOnly
    messages: tuple[str, ...]


def read_ratings_table(source: TableSource, *, options: RatingsOptions) -> ReadRatings:
    """Read a table of ratings: the labels of all its variables on the same items and raters.

    Raises:
        InputError: the table, a column or a category cannot be used, the level is unknown,
            or a rated item is missing from the table of items.
    """
    path = path_of(source)
    if options.codebook is not None and options.categories is not None:
        raise InputError(
            "Categories were given twice: by --categories and by --codebook.",
            hint="Leave out --categories; the codebook defines them and their order.",
        )
    codebook, table = read_with_codebook(
        source,
        codebook=options.codebook,
        level=options.level,
        levels=get_args(RatingsLevel),
        columns=options.columns,
        gaps=options.gaps,
        sheet=options.sheet,
        categories=options.categories,
        split_labels=options.split_labels,
    )
    if table.columns.layout == "counts":
        raise InputError(
            f"{path.name}: a table of counts does not say which rater gave a label, so it cannot "
            "become a study.",
            hint="Measure its agreement with `localensemble agree`, or import a table with the "
            "labels of each rater.",
        )
    messages = list(table.messages)
    rated: dict[str, _Rated] = {}
    for labels in table.variables:
        variable = None if codebook is None else variable_of(labels, table, codebook)
        one = _rated(labels, variable, table, options)
        messages += one.messages
        rated[one.variable.name] = one
    if codebook is None:
        codebook = Codebook(path.stem, "", "", tuple(one.variable for one in rated.values()))
    for variable in codebook.variables:
        if variable.name not in rated:
            messages.append(f'Variable "{variable.name}" has no ratings; it is left out.')
    codebook = replace(
        codebook,
        variables=tuple(
            rated[one.name].variable for one in codebook.variables if one.name in rated
        ),
    )
    raters = tuple(dict.fromkeys(name for one in rated.values() for name in one.matrix.raters))
    ids = tuple(dict.fromkeys(item for one in rated.values() for item in one.items))
    items = _items(table, ids, options)
    hashed = _hashed(items)
    places = {item_id: place for place, (item_id, _) in enumerate(hashed)}
    _refuse_unknown_items(path, ids, places, items)
    matrices = {
        variable.name: _aligned(rated[variable.name], raters, places)
        for variable in codebook.variables
    }
    aligned = AlignedRatings(
        codebook=codebook,
        raters=raters,
        items=hashed,
        items_sha256=items.sha256 if isinstance(items, ItemFile) else hash_of_items(hashed),
        matrices=matrices,
        cautions=_labeled_once(matrices),
    )
    more = items.messages if isinstance(items, ItemFile) else ()
    return ReadRatings(aligned, items, (*messages, *more))


def read_with_codebook(
    source: TableSource,
    *,
    codebook: CodebookSource | None,
    level: str | None,
    levels: Sequence[str],
    columns: NamedColumns,
    gaps: Sequence[str],
    sheet: str | None,
    categories: Sequence[str] | None,
    split_labels: str | None,
) -> tuple[Codebook | None, Ratings]:
    """Read a table of labels, and the codebook of its variables if one is given.

    Args:
        source: the table.
        codebook: the codebook with its variables, if one is given.
        levels: the levels that could be given, for the message.
        categories: the categories that an option names.
        split_labels: as in ``RatingsOptions``.

    Raises:
        InputError: the file or a column cannot be used, or the level is unknown.
    """
    if codebook is None and level is None:
        *others, last = (f"`--level {level}`" for level in levels)
        raise InputError(
            f"{path_of(source).name}: the level of measurement is not given.",
            hint=f"Add {', '.join(others)} or {last}, or give the codebook (`--codebook`). There "
            "is no default: a wrong level gives a believable wrong number.",
        )
    checked = None if codebook is None else load_checked(codebook)
    table = read_ratings(
        source,
        named=columns,
        gaps=gaps,
        variables=[variable.name for variable in checked.variables] if checked else (),
        sheet=sheet,
    )
    answers = (
        {answer for variable in checked.variables for answer in variable.answers} if checked else ()
    )
    separate = separate_labels(
        table,
        separator=split_labels,
        declared=categories or (),
        whole=answers,
        name_of=partial(_variable_of_category, checked),
    )
    return checked, separate


def _variable_of_category(codebook: Codebook | None, variable: str, category: str) -> str:
    """Name the variable of one category as a codebook with a multi-label variable does."""
    name = f"{variable}.{category}"
    if codebook is None:
        return name
    ending = f".{slug(category)}"
    found = [one.name for one in codebook.variables if one.name.endswith(ending)]
    return next((one for one in found if one == f"{variable}{ending}" or len(found) == 1), name)


def variable_of(labels: VariableRatings, table: Ratings, codebook: Codebook) -> Variable:
    """Find the variable of the codebook that labels of a table are about.

    Raises:
        InputError: the codebook has no variable of that name, and several could be meant.
    """
    names = [variable.name for variable in codebook.variables]
    if labels.variable in names:
        return codebook.variable(labels.variable)
    if len(names) == 1 and len(table.variables) == 1 and table.columns.variable is None:
        return codebook.variables[0]
    raise InputError(
        f'{table.path.name}: the codebook has no variable "{labels.variable}"; it has '
        f"{', '.join(names)}.",
        hint="Name the columns after the variables, or name the column that holds the variable "
        "of each row (`--variable-column`).",
    )


def refuse_other_study(folder: StudyFolder, labels: AlignedRatings) -> None:
    """Refuse to overwrite a study of models, or one with other variables or items."""
    if not is_begun(folder.ledger):
        return
    with LedgerReader.open(folder.ledger) as reader:
        if not all(map(has_ratings, reader.runs())):
            raise InputError(
                f"{folder.path}: this folder holds a study that models labeled.",
                hint="Choose another folder with --output.",
            )
        if newest_finished(reader) is None:
            # Recording was cut off; it continues where it stopped.
            return
        held = Study.load(reader)
        asked, asks = (
            {variable.name: variable.answers for variable in codebook.variables}
            for codebook in (held.codebook, labels.codebook)
        )
        ids = {item_id for item_id, _ in labels.items}
        if asked != asks or not ids.issuperset(held.recorded.item_ids):
            what = "items" if asked == asks else "variables or categories"
            raise InputError(
                f"{folder.path}: this folder holds ratings of other {what}.",
                hint="Choose another folder with --output.",
            )


def labels_lost(folder: StudyFolder, labels: AlignedRatings) -> int:
    """Count the labels of a folder's last ratings that the new ones lack or change.

    Raises:
        InputError: the folder holds another study.
    """
    refuse_other_study(folder, labels)
    if not is_begun(folder.ledger):
        return 0
    lost = 0
    with LedgerReader.open(folder.ledger) as reader:
        if newest_finished(reader) is None:
            return 0
        study = Study.load(reader)
        place = {item_id: row for row, (item_id, _) in enumerate(labels.items)}
        rows = [place[ItemId(item_id)] for item_id in study.recorded.item_ids]
        for variable in study.codebook.variables:
            now = labels.matrices[variable.name]
            held = study.recorded.matrix(variable).indices
            for column, name in enumerate(study.recorded.rater_names):
                given = held[:, column]
                becomes = now.indices[rows, now.raters.index(name)] if name in now.raters else GAP
                lost += int(np.count_nonzero((given != GAP) & (given != becomes)))
    return lost


@dataclass(frozen=True, slots=True, eq=False)
class _Rated:
    variable: Variable
    matrix: LabelMatrix
    items: tuple[ItemId, ...]
    messages: tuple[str, ...]


def _rated(
    labels: VariableRatings, variable: Variable | None, table: Ratings, options: RatingsOptions
) -> _Rated:
    level: RatingsLevel = options.level or "nominal"
    if variable is not None and options.level is None:
        level = "ordinal" if variable.level == "ordinal" else "nominal"
    elif variable is not None and variable.level != "binary":
        # Otherwise the study would be measured at another level than the one asked for.
        variable = replace(variable, level=level)
    declared = options.categories
    if variable is not None:
        declared = variable.answers
    chosen = choose_categories(labels, level=level, declared=declared, source=table.path.name)
    if variable is None:
        names = chosen.names
        variable = Variable(
            labels.variable,
            "binary" if len(names) == 2 else level,
            "",
            tuple(Category(name, "") for name in names),
        )
    (matrix,) = labels.matrices(chosen.names, name_of=chosen.name_of)
    return _Rated(variable, matrix, labels.groups[0].items, chosen.messages)


def _items(table: Ratings, ids: tuple[ItemId, ...], options: RatingsOptions) -> ItemFile | IdsOnly:
    if options.items is None:
        return IdsOnly(table.path, ids, format=table.format)
    return ItemFile.open(
        options.items, id_column=options.id_column, text_column=options.text_column
    )


def _hashed(items: ItemFile | IdsOnly) -> tuple[tuple[ItemId, str], ...]:
    return tuple(
        (row.item.id, sha256_text(row.item.text))
        for block in items.blocks(_BLOCK_ITEMS)
        for row in block
    )


def _refuse_unknown_items(
    path: Path,
    ids: Sequence[ItemId],
    places: Mapping[ItemId, int],
    items: ItemFile | IdsOnly,
) -> None:
    unknown = [item_id for item_id in ids if item_id not in places]
    if unknown:
        raise InputError(
            f'{path.name}: {len(unknown):,} rated items, the first "{unknown[0]}", are missing '
            f"from {items.path.name}.",
            hint="Give the table of the rated items, and name its id column (`--id-column`).",
        )


def _aligned(rated: _Rated, raters: tuple[str, ...], places: Mapping[ItemId, int]) -> LabelMatrix:
    indices = np.full((len(places), len(raters)), GAP, dtype=np.int16)
    rows = [places[item] for item in rated.items]
    columns = [raters.index(name) for name in rated.matrix.raters]
    indices[np.ix_(rows, columns)] = rated.matrix.indices
    return LabelMatrix(indices, rated.variable.answers, raters)


def _labeled_once(matrices: Mapping[str, LabelMatrix]) -> tuple[str, ...]:
    """Warn of items with the label of only one rater, which any method makes the consensus."""
    messages = []
    for name, matrix in matrices.items():
        once = int(np.count_nonzero(matrix.mask.sum(axis=1) == 1))
        raters = len(matrix.raters)
        if once and raters > 1:
            messages.append(
                f'Variable "{name}": {counted(once, "item")} {"has" if once == 1 else "have"} the '
                "label of only one rater, which nothing confirms. To review them, add "
                f"--policy '{{policy: missing_raters, allowed: {raters - 2}}}'"
            )
    return tuple(messages)
