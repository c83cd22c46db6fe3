"""Prepare a decided study for any format: its items with labels, people's answers, and texts.

Decides what leaves the study. Item texts, and what people wrote about items, leave it only if
that was asked for. Other columns of the labeled table never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from localensemble.codebook.load import NO, YES
from localensemble.codebook.model import Codebook, Variable
from localensemble.exports.multi_labels import LIST_PART, multi_label_lists
from localensemble.exports.rows import DecidedStudy, VariableRow, study_rows
from localensemble.study.people.current_answers import CurrentAnswers, PersonAnswer
from localensemble.study.study import Study


@dataclass(frozen=True, slots=True)
class ExportedItem:
    """One item, with one decision per variable and what people say about each.

    ``text`` is None unless texts were asked for.
    """

    id: str
    text: str | None = field(repr=False)
    variables: tuple[VariableRow, ...]
    people: tuple[tuple[PersonAnswer, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question as another program asks it.

    A variable with one category per item, or all yes/no variables of a multi-label variable.

    Attributes:
        name: of the variable; ``problems`` for ``problems.pain`` and its like.
        places: where its variables stand in the codebook.
        variables: the variables.
        choices: what can be chosen.
        is_multiple: whether any number of choices may apply.
    """

    name: str
    places: tuple[int, ...]
    variables: tuple[Variable, ...]
    choices: tuple[str, ...]
    is_multiple: bool

    @property
    def text(self) -> str:
        """The question in words."""
        return self.variables[0].question

    def definition(self, choice: int) -> str:
        """Return the definition of the choice at an index."""
        variable = self.variables[choice if self.is_multiple else 0]
        if not self.is_multiple:
            return variable.categories[choice].definition
        return next(one.definition for one in variable.categories if one.name == YES)


@dataclass(frozen=True, slots=True)
class ExportedStudy:
    """A study to export.

    Attributes:
        study: the study, open.
        decided: its decisions.
        people: current answers, variable by variable.
        with_texts: whether texts, and notes that may quote them, are exported.
        shown_note: returns a note as it is exported.
    """

    study: Study
    decided: DecidedStudy
    people: tuple[CurrentAnswers, ...]
    with_texts: bool
    shown_note: Callable[[str], str] = field(default=str, repr=False)

    @classmethod
    def of(
        cls,
        study: Study,
        decided: DecidedStudy,
        *,
        with_texts: bool,
        shown_note: Callable[[str], str] = str,
    ) -> ExportedStudy:
        """Read what people decided, and combine it with the rest."""
        labels = decided.labels
        reviewers = labels.reader.reviewers()
        people = tuple(
            CurrentAnswers(
                labels.reader.person_decisions(
                    labels.item_set, labels.variable_keys[one.variable.name]
                ),
                variable=one.variable,
                reviewers=reviewers,
            )
            for one in decided.decisions
        )
        return cls(study, decided, people, with_texts, shown_note)

    @property
    def codebook(self) -> Codebook:
        """The codebook of the study."""
        return self.study.codebook

    @property
    def raters(self) -> tuple[str, ...]:
        """The names of the raters that count."""
        return self.decided.labels.rater_names

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Everyone who decided something, in the order in which they registered."""
        present = {name for one in self.people for name in one.reviewers}
        registered = self.decided.labels.reader.reviewers()
        return tuple(one.name for one in registered if one.name in present)

    @property
    def item_count(self) -> int:
        """The number of items."""
        return self.decided.labels.item_count

    def items(self) -> Iterator[ExportedItem]:
        """Yield the items in order."""
        for row in study_rows(self.decided):
            yield ExportedItem(
                str(row.item.id),
                row.item.text if self.with_texts else None,
                row.variables,
                tuple(one.of_item(row.item.position) for one in self.people),
            )


def questions(codebook: Codebook) -> tuple[Question, ...]:
    """Return the questions of a codebook, with the parts of a multi-label variable as one."""
    lists = multi_label_lists(codebook.variables)
    stems = {column.removesuffix(LIST_PART): first for first, column in lists.items()}
    found: list[Question] = []
    for place, variable in enumerate(codebook.variables):
        stem = f"{variable.name.partition('.')[0]}."
        if stem not in stems or set(variable.answers) != {YES, NO}:
            found.append(Question(variable.name, (place,), (variable,), variable.answers, False))
        elif stems[stem] == variable.name:
            own = [
                (at, one)
                for at, one in enumerate(codebook.variables)
                if one.name.startswith(stem) and set(one.answers) == {YES, NO}
            ]
            found.append(
                Question(
                    stem.removesuffix("."),
                    tuple(at for at, _ in own),
                    tuple(one for _, one in own),
                    tuple(one.name.removeprefix(stem) for _, one in own),
                    True,
                )
            )
    return tuple(found)
