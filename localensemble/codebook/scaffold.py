"""Write a codebook to start from, based on the columns of a table.

Decides which columns look like labels that somebody gave before: few distinct, short values.
Texts that only a person can write are placeholders that `check` reports as errors, so that a
scaffold is never mistaken for a codebook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from localensemble.codebook.check import PLACEHOLDER
from localensemble.codebook.names import clean_name, column_name_problem, fold, name_problem, slug
from localensemble.codebook.refi_qda import CodeVariable
from localensemble.core.words import listed
from localensemble.tables.delimited import Table
from localensemble.tables.doubts.lookalikes import loose_form
from localensemble.tables.doubts.missing_labels import may_be_missing

_MOST_CATEGORIES = 25
_LONGEST_CATEGORY = 60
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")

_HEAD = """\
# A codebook for you to complete. `localensemble check` lists every text you still have to write.
# Keys and rules are explained in docs/codebook.md.
name: {name}
version: "1"
description: {description}
variables:
"""
_VARIABLE = """\
  - name: {name}
    # binary: 2 categories. nominal: no order. ordinal: list them from low to high.
    # multi_label: any number of them may apply to one text.
    level: {level}
    question: {question}
    categories:
"""
_CATEGORY = """\
      - name: {name}
        definition: {definition}
"""
_TAIL = """\
    # For a category that a person must always review:
    #     always_review: true
    #     always_review_above: 0.1
    # How far raters must agree before labels are accepted:
    # required_agreement:
    #   coefficient: AC1
    #   at_least: 0.6
    #   below: review
    # Which category to choose if several fit, the strongest rule first:
    # rules:
    #   - If several fit, choose the one the text says most about.
    # A typical text for a category, or a borderline one:
    # examples:
    #   - text: A text as it would appear in the file.
    #     category: {category}
"""


def find_label_columns(
    table: Table, *, leave_out: Sequence[str] = ()
) -> Mapping[str, tuple[str, ...]]:
    """Find the columns that look like labels, with their distinct values.

    A column qualifies if it has 2 to 25 distinct values of at most 60 characters that could be
    categories, each used at least twice on average. Empty cells do not count. Values are listed
    in order of first use, numbers by size. Reads the whole table.

    Args:
        leave_out: columns to ignore, such as ids and texts.
    """
    values: dict[str, dict[str, None]] = {
        column: {} for column in table.columns if column not in leave_out
    }
    used = dict.fromkeys(values, 0)
    for row in table.rows():
        for column, cell in zip(table.columns, row, strict=True):
            if column not in values or not (value := clean_name(cell)):
                continue
            used[column] += 1
            values[column][value] = None
            if (
                len(value) > _LONGEST_CATEGORY
                or len(values[column]) > _MOST_CATEGORIES
                or name_problem(value)
            ):
                del values[column]
    return {
        column: _ordered(tuple(found))
        for column, found in values.items()
        if len(found) >= 2 and used[column] >= 2 * len(found)
    }


def doubtful_sentences(label_columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Name the values that may stand for a missing label; empty if there are none.

    Args:
        label_columns: as of `find_label_columns`.
    """
    found = {column: may_be_missing(values) for column, values in label_columns.items()}
    return tuple(
        f'Column "{column}": {listed([_quoted(word) for word in words])} may stand for '
        "a missing label; if so, remove "
        f"{'this category' if len(words) == 1 else 'these categories'} from the codebook."
        for column, words in found.items()
        if words
    )


def scaffold_codebook(name: str, *, label_columns: Mapping[str, Sequence[str]]) -> str:
    """Return the YAML text of a codebook for the user to complete; it loads without changes.

    Args:
        name: the name of the codebook.
        label_columns: columns that hold labels, with their categories; one variable each. If
            empty, the text has one variable with two categories as a pattern.
    """
    parts = [
        _HEAD.format(
            name=_quoted(name.strip() or "codebook"),
            description=_quoted(f"{PLACEHOLDER} which texts this codebook is for."),
        )
    ]
    taken: set[str] = set()
    for column, values in (label_columns or {"topic": ()}).items():
        parts.append(_variable(_variable_name(column, taken), column, values))
    return "".join(parts)


def scaffold_of_codes(name: str, variables: Sequence[CodeVariable]) -> str:
    """Return the YAML text of a codebook made from codes; what they do not say is a placeholder.

    Args:
        name: the name of the codebook.
        variables: the codes, as `read_qdc` returns them.
    """
    parts = [
        _HEAD.format(
            name=_quoted(name.strip() or "codebook"),
            description=_quoted(f"{PLACEHOLDER} which texts this codebook is for."),
        )
    ]
    taken: set[str] = set()
    for variable in variables:
        known = {one.name: one.definition for one in variable.categories}
        names = _different([*known])
        level = variable.level or ("binary" if len(names) == 2 else "nominal")
        question = variable.question or f'{PLACEHOLDER} what "{variable.name}" asks of a text.'
        parts.append(
            _VARIABLE.format(
                name=_quoted(_variable_name(variable.name, taken)),
                level=level,
                question=_quoted(question),
            )
        )
        for category in names:
            said = known.get(category) or f'{PLACEHOLDER} what belongs to "{category}".'
            parts.append(_CATEGORY.format(name=_quoted(category), definition=_quoted(said)))
        if variable.rules:
            lines = "".join(f"      - {_quoted(rule)}\n" for rule in variable.rules)
            parts.append(f"    rules:\n{lines}")
    return "".join(parts)


def _variable(name: str, column: str, values: Sequence[str]) -> str:
    categories = _different(values)
    if len(categories) < 2:
        categories = ("first category", "second category")
    numbers = all(_NUMBER.fullmatch(category) for category in categories)
    level = "binary" if len(categories) == 2 else "ordinal" if numbers else "nominal"
    return "".join(
        [
            _VARIABLE.format(
                name=_quoted(name),
                level=level,
                question=_quoted(f'{PLACEHOLDER} what "{column}" asks of a text.'),
            ),
            *(
                _CATEGORY.format(
                    name=_quoted(category),
                    definition=_quoted(f'{PLACEHOLDER} what belongs to "{category}".'),
                )
                for category in categories
            ),
            _TAIL.format(category=_quoted(categories[0])),
        ]
    )


def _variable_name(column: str, taken: set[str]) -> str:
    wanted = slug(column)[:40].strip("_")
    if column_name_problem(wanted):
        wanted = f"variable_{wanted}".rstrip("_")
    name, number = wanted, 1
    while fold(name) in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(fold(name))
    return name


def _different(values: Sequence[str]) -> tuple[str, ...]:
    """Keep the first of the values that a reader takes for the same category."""
    kept: dict[str, str] = {}
    for value in values:
        kept.setdefault(loose_form(value), clean_name(value))
    return tuple(kept.values())


def _ordered(values: tuple[str, ...]) -> tuple[str, ...]:
    if all(_NUMBER.fullmatch(value) for value in values):
        return tuple(sorted(values, key=float))
    return values


def _quoted(text: str) -> str:
    """Write a text as a double-quoted YAML scalar on one line, without invisible characters."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
