"""List what a methodologist would object to in a codebook that loads.

Nothing here stops a run. Decides what counts as an error (raters would be misled), a
warning (labels or agreement will probably suffer) or a note (worth a second look). The
checks of wording are deliberately simple and report what they found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Literal

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.codebook.names import fold
from localensemble.tables.delimited import neutralize_formula
from localensemble.tables.doubts.lookalikes import plain_form, shown
from localensemble.tables.doubts.missing_labels import may_be_missing
from localensemble.tables.doubts.missing_words import is_missing_word

Severity = Literal["error", "warning", "note"]

PLACEHOLDER = "Describe here"
"""The beginning of every text in a `scaffold` that the user still has to write."""

_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_MANY_CATEGORIES = 12
_LONG_NAME = 60
_LONG_EXAMPLE = 1500
_SHORT_DEFINITION_WORDS = 3
_SAME_WORDING = 0.85
_FALLBACK = re.compile(
    r"\b(other|others|miscellaneous|misc|none|neither|unclear|unknown|undetermined|mixed|"
    r"unspecified|not (mentioned|applicable|stated|clear)|n/a|no other|nothing)\b"
)
_CURLY_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a"
_SCALES = (
    ("never", "rarely", "sometimes", "often", "always"),
    ("none", "minimal", "mild", "moderate", "severe", "extreme"),
    ("absent", "possible", "probable", "definite"),
    ("very low", "low", "medium", "high", "very high"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very unlikely", "unlikely", "likely", "very likely"),
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One objection: how severe, where, what was found, and what to do about it."""

    severity: Severity
    where: str
    what: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class SharedRemark:
    """One objection, and all the places where it was raised, in codebook order."""

    severity: Severity
    what: str
    what_to_do: str
    places: tuple[str, ...]


def shared_remarks(remarks: Iterable[Remark]) -> tuple[SharedRemark, ...]:
    """Gather remarks that say the same of several places, in the order they first come in."""
    places: dict[tuple[Severity, str, str], list[str]] = {}
    for remark in remarks:
        said = (remark.severity, remark.what, remark.what_to_do)
        places.setdefault(said, []).append(remark.where)
    return tuple(SharedRemark(*said, tuple(found)) for said, found in places.items())


def check_codebook(codebook: Codebook) -> tuple[Remark, ...]:
    """List the objections to a codebook, the most severe first, then in codebook order."""
    remarks = [
        *_codebook_remarks(codebook),
        *(
            remark
            for variable in codebook.variables
            for look in _LOOKS
            for remark in look(variable)
        ),
    ]
    return tuple(sorted(remarks, key=lambda remark: _SEVERITIES.index(remark.severity)))


def _codebook_remarks(codebook: Codebook) -> Iterator[Remark]:
    if codebook.description.startswith(PLACEHOLDER):
        yield Remark(
            "warning",
            "codebook",
            f'The description still begins with "{PLACEHOLDER}".',
            "Describe which texts the codebook is for.",
        )
    elif not codebook.description:
        yield Remark(
            "note",
            "codebook",
            "The codebook has no description.",
            "Describe which texts it is for; readers of the report will ask.",
        )
    if _in_curly_quotes(codebook.name) or _in_curly_quotes(codebook.version):
        yield Remark(
            "warning",
            "codebook",
            "The name or the version is in typographic quotes, which YAML reads as part of it.",
            'Use straight quotes (").',
        )
    for first, second in combinations(codebook.variables, 2):
        if fold(first.question) == fold(second.question):
            yield Remark(
                "warning",
                _place(second),
                f'The question is the same as that of "{first.name}".',
                "Give each variable its own question, or remove one variable.",
            )
        elif _siblings(first, second) and _alike(
            first.categories[0].definition, second.categories[0].definition
        ):
            yield Remark(
                "warning",
                _place(second),
                f'The definition is nearly the same as that of "{first.name}".',
                "Explain in each definition how it differs from the other.",
            )


def _placeholders(variable: Variable) -> Iterator[Remark]:
    texts = {_place(variable): [variable.question, *variable.rules]}
    for category in variable.categories:
        texts[_place(variable, category)] = [category.name, category.definition]
    for where, written in texts.items():
        if any(text.startswith(PLACEHOLDER) for text in written):
            yield Remark(
                "error",
                where,
                f'A text still begins with "{PLACEHOLDER}"; raters would see it.',
                "Write the text.",
            )


def _quotes(variable: Variable) -> Iterator[Remark]:
    for category in variable.categories:
        if _in_curly_quotes(category.name):
            yield Remark(
                "error",
                _place(variable, category),
                "The name is in typographic quotes, which YAML reads as part of it, so raters "
                "would have to answer with the quotes.",
                'Use straight quotes (") or none.',
            )


def _question(variable: Variable) -> Iterator[Remark]:
    if variable.question.startswith(PLACEHOLDER):
        return  # It is no question yet, which is reported by itself.
    if not variable.question.rstrip().endswith(("?", "\uff1f", "\u061f")):
        yield Remark(
            "note",
            _place(variable),
            "The question does not end with a question mark.",
            "Ask it as you would ask a person; models answer questions better than headings.",
        )


def _names(variable: Variable) -> Iterator[Remark]:
    for category in variable.categories:
        where = _place(variable, category)
        if len(category.name) > _LONG_NAME:
            yield Remark(
                "note",
                where,
                f"The name has {len(category.name)} characters.",
                "Shorten the name, and move the rest to the definition.",
            )
        if neutralize_formula(category.name) != category.name:
            yield Remark(
                "warning",
                where,
                "A spreadsheet would treat the name as a formula.",
                "Begin it with a letter or a digit; otherwise tables show it with an apostrophe.",
            )
        if is_missing_word(category.name) or category.name == "None":
            yield Remark(
                "warning",
                where,
                "Spreadsheets and statistics programs read this name as a missing label.",
                'Choose words that say what is meant, such as "not applicable" or "not mentioned".',
            )
        elif re.search(r"\w\s*/\s*\w| and ", category.name):
            yield Remark(
                "note",
                where,
                "The name combines two things.",
                "State in the definition that either one is enough, or split the category.",
            )
    for code in may_be_missing(variable.answers):
        if not is_missing_word(code) and code != "None":
            yield Remark(
                "warning",
                f"{_place(variable)}, category {code}",
                "The number is far outside the others, as codes for missing values are.",
                "If it stands for a missing label, remove the category, and read tables with "
                f"`--gap {code}`.",
            )
    for short, long in combinations(sorted(variable.answers, key=len), 2):
        if plain_form(short) == plain_form(long):
            yield Remark(
                "warning",
                f"{_place(variable)}, category {long}",
                f"The category {shown(short)} looks the same as {shown(long)}.",
                "Keep one of them; raters cannot tell them apart.",
            )
        elif fold(long).startswith(fold(short)):
            yield Remark(
                "warning",
                f"{_place(variable)}, category {long}",
                f'The category "{short}" begins the same way.',
                "Give the two categories names that begin with different words.",
            )


def _definitions(variable: Variable) -> Iterator[Remark]:
    for category in variable.categories:
        where = _place(variable, category)
        if fold(category.definition).strip(". ") == fold(category.name):
            yield Remark(
                "warning",
                where,
                "The definition only repeats the name.",
                "Describe what belongs here and what does not.",
            )
        elif len(category.definition.split()) < _SHORT_DEFINITION_WORDS:
            yield Remark(
                "note",
                where,
                "The definition is very short.",
                "Write a sentence that says what belongs here.",
            )
    for first, second in combinations(variable.categories, 2):
        if _alike(first.definition, second.definition):
            yield Remark(
                "warning",
                _place(variable, second),
                f'The definition is nearly the same as that of "{first.name}".',
                "Explain in each definition how it differs from the other.",
            )


def _category_set(variable: Variable) -> Iterator[Remark]:
    count = len(variable.categories)
    if count > _MANY_CATEGORIES:
        yield Remark(
            "warning",
            _place(variable),
            f"There are {count} categories; raters rarely distinguish more than "
            f"{_MANY_CATEGORIES}.",
            "Merge categories, or ask in two steps with two variables.",
        )
    if variable.level == "nominal" and not any(
        _FALLBACK.search(f"{category.name} {category.definition}".casefold())
        for category in variable.categories
    ):
        yield Remark(
            "warning",
            _place(variable),
            "There is no category for texts that fit none of the others.",
            'Add one such as "Other", or write a rule for these texts.',
        )


def _order(variable: Variable) -> Iterator[Remark]:
    if variable.level != "ordinal":
        return
    names = [fold(name) for name in variable.answers]
    ranks = _numeric_ranks(names) or _scale_ranks(names)
    if ranks is None:
        yield Remark(
            "note",
            _place(variable),
            "The order of the categories cannot be told from their names.",
            "Check that they are listed from low to high; weights depend on the order.",
        )
    elif ranks not in (sorted(ranks), sorted(ranks, reverse=True)):
        yield Remark(
            "warning",
            _place(variable),
            f"The categories are not in order: {', '.join(variable.answers)}.",
            "List them from low to high; weights depend on the order.",
        )


def _examples(variable: Variable) -> Iterator[Remark]:
    texts = [(fold(example.text), example.category) for example in variable.examples]
    for (first, left), (second, right) in combinations(texts, 2):
        if first == second and left != right:
            yield Remark(
                "error",
                _place(variable),
                f'The same example is given for "{left}" and for "{right}".',
                "Keep only one of them.",
            )
        elif first == second:
            yield Remark(
                "note", _place(variable), f'An example of "{left}" is given twice.', "Remove one."
            )
        elif left != right and (first in second or second in first):
            yield Remark(
                "note",
                _place(variable),
                f'An example of "{left}" and one of "{right}" are the same text, but one is '
                "longer.",
                "Check that the examples are meant to show this difference.",
            )
    for number, example in enumerate(variable.examples, start=1):
        if len(example.text) > _LONG_EXAMPLE:
            yield Remark(
                "note",
                f"{_place(variable)}, example {number}",
                f"The example has {len(example.text):,} characters, and every rater reads it.",
                "Keep only the part that matters.",
            )
    shown = Counter(category for _, category in texts)
    without = [name for name in variable.answers if name not in shown]
    if len(shown) == 1 and len(texts) > 1:
        yield Remark(
            "warning",
            _place(variable),
            f'All {len(texts)} examples belong to "{texts[0][1]}".',
            "Add examples of other categories; raters favor the categories they have seen.",
        )
    elif without:
        yield Remark(
            "note",
            _place(variable),
            f"There is no example for {', '.join(without)}." if texts else "There is no example.",
            "Add a typical example, and a borderline one.",
        )


def _rules(variable: Variable) -> Iterator[Remark]:
    known = {fold(name) for name in variable.answers}
    for number, rule in enumerate(variable.rules, start=1):
        for quoted in re.findall(r'["\u201c]([^"\u201d]+)["\u201d]', rule):
            if fold(quoted) not in known:
                yield Remark(
                    "warning",
                    f"{_place(variable)}, rule {number}",
                    f'This variable has no category "{quoted}".',
                    "Write the name exactly as in the category, or remove the quotes.",
                )


def _always_review(variable: Variable) -> Iterator[Remark]:
    marked = [category for category in variable.categories if category.always_review]
    if len(marked) == len(variable.categories):
        yield Remark(
            "warning",
            _place(variable),
            "Every category is marked always_review, so every item goes to review.",
            "Mark only the categories that a person must always review.",
        )
    for category in marked:
        above = category.always_review.above if category.always_review else None
        if above is not None and above >= 0.5:
            yield Remark(
                "warning",
                _place(variable, category),
                f"always_review_above is {above:g}, but a rater that gives a category more than "
                "0.5 has chosen it, and then the item is reviewed anyway.",
                "Set it to the smallest probability that needs review, for example 0.1.",
            )


_LOOKS: tuple[Callable[[Variable], Iterator[Remark]], ...] = (
    _placeholders,
    _quotes,
    _question,
    _names,
    _definitions,
    _category_set,
    _order,
    _examples,
    _rules,
    _always_review,
)


def _place(variable: Variable, category: Category | None = None) -> str:
    where = f"variable {variable.name}"
    return f"{where}, category {category.name}" if category else where


def _in_curly_quotes(text: str) -> bool:
    return len(text) > 2 and text[0] in _CURLY_QUOTES and text[-1] in _CURLY_QUOTES


def _siblings(first: Variable, second: Variable) -> bool:
    """Tell whether two variables come from one multi-label variable."""
    stem, dot, _ = first.name.partition(".")
    return bool(dot) and second.name.startswith(f"{stem}.")


def _alike(first: str, second: str) -> bool:
    left, right = fold(first).split(), fold(second).split()
    if first.startswith(PLACEHOLDER) or second.startswith(PLACEHOLDER):
        return False
    return SequenceMatcher(None, left, right, autojunk=False).ratio() >= _SAME_WORDING


def _numeric_ranks(names: list[str]) -> list[float] | None:
    starts = [re.match(r"[+-]?\d+([.,]\d+)?", name) for name in names]
    if not all(starts):
        return None
    return [float(start.group().replace(",", ".")) for start in starts if start]


def _scale_ranks(names: list[str]) -> list[float] | None:
    for scale in _SCALES:
        if set(names) <= set(scale):
            return [float(scale.index(name)) for name in names]
    return None
