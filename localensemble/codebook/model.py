"""The content of a codebook, as frozen values.

A codebook has variables; a variable asks one question and allows a closed set of categories.
These values do not check themselves: `load` refuses what makes no sense, and names the file,
the path and the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any, Literal

from localensemble.codebook.deidentification import Deidentification
from localensemble.codebook.non_answers import USUAL_NON_ANSWERS
from localensemble.core.coefficient_names import AgreementCoefficient
from localensemble.core.errors import CodebookError
from localensemble.core.identity import sha256_json

Level = Literal["binary", "nominal", "ordinal"]
BelowRequired = Literal["review", "warn"]


@dataclass(frozen=True, slots=True)
class AlwaysReview:
    """When a single rater is enough to send an item to review.

    A rater that chooses the category is always enough. With ``above``, in (0, 1), so is a
    rater that gives the category a probability greater than this but chooses another one.
    """

    above: float | None = None


@dataclass(frozen=True, slots=True)
class RequiredAgreement:
    """How far raters must agree on a variable before its labels are accepted.

    Attributes:
        coefficient: the coefficient to compare.
        at_least: the value that the lower end of its 95% interval must reach, from -1 to 1.
        below: what happens if it does not: ``review`` sends every item to a person, ``warn``
            only adds a warning.
    """

    coefficient: AgreementCoefficient
    at_least: float
    below: BelowRequired


@dataclass(frozen=True, slots=True)
class Category:
    """One allowed answer to a variable; ``name`` is the exact answer string."""

    name: str
    definition: str
    always_review: AlwaysReview | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its category; ``repr`` leaves out the text and the reason."""

    text: str = field(repr=False)
    category: str
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """One question the codebook asks of an item.

    Attributes:
        name: a safe column name; ``problems.pain`` if it comes from the multi-label variable
            ``problems``.
        level: ``binary`` has two categories, ``ordinal`` three or more from low to high.
        rules: priority rules, the strongest first.
        sha256: hash of everything that a rater may be shown and that defines what its label
            means. ``always_review`` and ``required_agreement`` are not included: they affect
            review, not labels, so changing them must not require new labels.
    """

    name: str
    level: Level
    question: str
    categories: tuple[Category, ...]
    rules: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    required_agreement: RequiredAgreement | None = None
    sha256: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _keep_as_tuple(self, "categories", Category, f'variable "{self.name}"')
        _keep_as_tuple(self, "examples", Example, f'variable "{self.name}"')
        object.__setattr__(self, "rules", tuple(self.rules))
        object.__setattr__(self, "sha256", sha256_json(self.shown_to_raters()))

    @property
    def answers(self) -> tuple[str, ...]:
        """The category names, in codebook order."""
        return tuple(category.name for category in self.categories)

    @property
    def yes(self) -> Category | None:
        """The category that says that a topic is there; None if this does not ask about one."""
        if self.level != "binary":
            return None
        return next((one for one in self.categories if one.name.casefold() == "yes"), None)

    @property
    def has_names_that_begin_others(self) -> bool:
        """Whether a category's name begins another's, as "1" begins "10"."""
        return any(one.startswith(other) for one, other in permutations(self.answers, 2))

    def shown_to_raters(self) -> dict[str, object]:
        """Return everything that a prompt may show about this variable, as JSON values."""
        return {
            "name": self.name,
            "level": self.level,
            "question": self.question,
            "categories": [[category.name, category.definition] for category in self.categories],
            "rules": list(self.rules),
            "examples": [
                [example.text, example.category, example.reason] for example in self.examples
            ],
        }


@dataclass(frozen=True, slots=True)
class Codebook:
    """The variables of a study, versioned and hashed.

    Attributes:
        no_answer: texts that count as no answer: no model is asked about them, and no person.
            If it is empty, every text needs a label, blank ones too.
        deidentify: what to replace in texts before raters see them; None shows them as they are.
            It is not in ``as_json``, because patterns may hold names of persons: a run records
            their hashes.
        sha256: hash of the content, including name, version, ``always_review``,
            ``required_agreement`` and ``no_answer``, without ``deidentify``. Comments, key order,
            quoting and indentation of the file do not change it.
    """

    name: str
    version: str
    description: str
    variables: tuple[Variable, ...]
    no_answer: tuple[str, ...] = USUAL_NON_ANSWERS
    deidentify: Deidentification | None = None
    sha256: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _keep_as_tuple(self, "variables", Variable, "codebook")
        _keep_as_tuple(self, "no_answer", str, "codebook")
        content: dict[str, object] = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "variables": [
                {
                    "sha256": variable.sha256,
                    "always_review": [
                        [category.name, category.always_review.above]
                        for category in variable.categories
                        if category.always_review is not None
                    ],
                }
                | _required_as_json(variable)
                for variable in self.variables
            ],
        }
        if self.no_answer:  # no key at all if it is empty, to keep old hashes
            content["no_answer"] = list(self.no_answer)
        object.__setattr__(self, "sha256", sha256_json(content))

    def variable(self, name: str) -> Variable:
        """Find a variable by name.

        Raises:
            KeyError: the codebook has no such variable.
        """
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def with_example_texts(self, replaced: Callable[[str], str]) -> Codebook:
        """Return the codebook with other texts in its examples."""
        return replace(
            self,
            variables=tuple(
                replace(
                    variable,
                    examples=tuple(
                        replace(one, text=replaced(one.text)) for one in variable.examples
                    ),
                )
                for variable in self.variables
            ),
        )

    def as_json(self) -> dict[str, object]:
        """Return the codebook as JSON values, which `codebook_from_json` reads back.

        ``deidentify`` is left out.
        """
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "variables": [_variable_as_json(variable) for variable in self.variables],
            "no_answer": list(self.no_answer),
        }


def _keep_as_tuple(value: Codebook | Variable, field: str, kind: type, where: str) -> None:
    """Store a field as a tuple, because a codebook built in Python may use a list.

    Raises:
        CodebookError: an entry has another type.
    """
    entries = tuple(getattr(value, field))
    for place, entry in enumerate(entries):
        if not isinstance(entry, kind):
            raise CodebookError(
                f"{where}, {field}[{place}]: expected a {kind.__name__}, found "
                f"{type(entry).__name__}.",
                hint=f"Write {kind.__name__}(...), or pass the codebook as a dictionary.",
            )
    object.__setattr__(value, field, entries)


def codebook_from_json(content: Mapping[str, Any]) -> Codebook:
    """Rebuild a codebook from the result of `Codebook.as_json`.

    A record without ``no_answer`` was made when every text was labeled, and stays so.
    """
    return Codebook(
        name=content["name"],
        version=content["version"],
        description=content["description"],
        variables=tuple(_variable_from_json(variable) for variable in content["variables"]),
        no_answer=tuple(content.get("no_answer", ())),
    )


def _variable_as_json(variable: Variable) -> dict[str, object]:
    return {
        "name": variable.name,
        "level": variable.level,
        "question": variable.question,
        "categories": [
            {
                "name": category.name,
                "definition": category.definition,
                "always_review": category.always_review is not None,
                "always_review_above": category.always_review and category.always_review.above,
            }
            for category in variable.categories
        ],
        "rules": list(variable.rules),
        "examples": [
            {"text": example.text, "category": example.category, "reason": example.reason}
            for example in variable.examples
        ],
    } | _required_as_json(variable)


def _required_as_json(variable: Variable) -> dict[str, object]:
    """Return the required agreement, or no key at all if there is none, to keep old hashes."""
    required = variable.required_agreement
    if required is None:
        return {}
    return {
        "required_agreement": {
            "coefficient": required.coefficient,
            "at_least": required.at_least,
            "below": required.below,
        }
    }


def _variable_from_json(content: Mapping[str, Any]) -> Variable:
    return Variable(
        name=content["name"],
        level=content["level"],
        question=content["question"],
        categories=tuple(
            Category(
                category["name"],
                category["definition"],
                AlwaysReview(category["always_review_above"])
                if category["always_review"]
                else None,
            )
            for category in content["categories"]
        ),
        rules=tuple(content["rules"]),
        examples=tuple(
            Example(example["text"], example["category"], example["reason"])
            for example in content["examples"]
        ),
        required_agreement=RequiredAgreement(**content["required_agreement"])
        if "required_agreement" in content
        else None,
    )
