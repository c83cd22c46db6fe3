"""What a verifier is asked: whether a proposed category is right, yes or no.

The question goes through the same prompt template as any other, so its probability is scored in
the same way. The ledger keeps two labels: the answer with its probabilities, under a variable of
its own, and what follows from it for the variable of the codebook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import sha256_json
from localensemble.core.items import Item
from localensemble.core.label_matrix import GAP
from localensemble.core.labels import NOT_CONFIRMED, Label, LabelStatus, RaterName
from localensemble.core.words import listed
from localensemble.engines.protocol import Engine
from localensemble.labeling.scoring import (
    LabeledCells,
    Questions,
    label_missing,
    label_without_asking,
)
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import RaterKey, VariableKey
from localensemble.study.run_record import register_codebook

CONFIRMED, DENIED = "yes", "no"


def verification(variable: Variable, category: int) -> Variable:
    """Return the question whether one category of a variable is right for a text."""
    proposed = variable.categories[category]
    others = [f'"{one.name}"' for one in variable.categories if one.name != proposed.name]
    return Variable(
        name=f"{variable.name}: {proposed.name}",
        level="binary",
        question=f'A rater answered the question "{variable.question}" with "{proposed.name}". '
        "Is this the right category for the text?",
        categories=(
            Category(CONFIRMED, f'"{proposed.name}" fits best. {proposed.definition}'),
            Category(DENIED, f"Another category fits better: {listed(others)}."),
        ),
        rules=variable.rules,
    )


def verifications(variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """Return the questions about every category of every variable, in codebook order."""
    return tuple(
        verification(variable, category)
        for variable in variables
        for category in range(len(variable.categories))
    )


def record_questions(ledger: Ledger, codebook: Codebook) -> Mapping[str, VariableKey]:
    """Record what verifiers are asked; return the key of each question by its name."""
    questions = verifications(codebook.variables)
    return register_codebook(ledger, replace(codebook, variables=questions))


def proposers_sha256(
    reader: LedgerReader, *, before: Mapping[RaterKey, RaterName], rules: DecisionRules
) -> str:
    """Hash what makes the proposals: the raters before that count, and how they agree."""
    identities = {one.key: one.rater.identity.sha256 for one in reader.raters()}
    counted = sorted(identities[key] for key, name in before.items() if name not in rules.unfit)
    return sha256_json([dict(rules.method.settings), counted])


def verified_label(answer: Label, *, proposed: int) -> Label:
    """Return what a verifier's answer means for the variable: the category, or an abstention.

    The label has no probabilities: the verifier was not asked about the other categories.
    """
    label = replace(answer, category=None, probabilities=None)
    if answer.status is not LabelStatus.ASSIGNED:
        return label
    if answer.category == 0:
        return replace(label, category=proposed)
    return replace(label, status=LabelStatus.ABSTAINED, reason=NOT_CONFIRMED)


Answers = Mapping[str, Mapping[int, Label]]
"""Variable of `verifications`, by name -> place in the block -> the verifier's answer."""

OnVerified = Callable[[LabeledCells, Answers], None]
"""Gets labels for the variables of the codebook, and the answers that they follow from."""


@dataclass(frozen=True, slots=True, eq=False)
class Verifier:
    """What a verifier needs to know of a run.

    Attributes:
        variables: the variables of the codebook.
        questions: how the verifier is asked; its variables are `verifications`.
        proposed: variable, by name -> int16 (N,); the proposed category of each of the run's
            items, -1 without one.
    """

    variables: tuple[Variable, ...]
    questions: Questions
    proposed: Mapping[str, NDArray[np.int16]]

    def verify_missing(
        self,
        engine: Engine,
        items: Sequence[Item],
        *,
        positions: Sequence[int],
        missing: Mapping[str, NDArray[np.bool_]],
        on_labels: OnVerified,
    ) -> None:
        """Ask about the proposed categories of a block, and report labels as they come.

        Items with the same proposal are scored together, whichever of them are missing, so that a
        resumed run scores what an undisturbed one scores.

        Args:
            items: the whole block.
            positions: where the items stand in the run.
            missing: variable -> bool (n,); the labels to make.
            on_labels: gets every missing label once.
        """
        for variable in self.variables:
            wanted = missing[variable.name]
            categories = self._proposed(variable, positions)
            self._label_unasked(items, variable, wanted & (categories < 0), on_labels)
            for category in np.unique(categories[wanted & (categories >= 0)]).tolist():
                places = np.flatnonzero(categories == category)
                asked = verification(variable, category)
                answered = _Answered(variable, asked.name, category, len(items), places, on_labels)
                label_missing(
                    engine,
                    [items[place] for place in places.tolist()],
                    questions=replace(self.questions, variables=(asked,)),
                    missing={asked.name: wanted[places]},
                    on_labels=answered.keep,
                )

    def _proposed(self, variable: Variable, positions: Sequence[int]) -> NDArray[np.int16]:
        known = self.proposed[variable.name]
        # Items of the block beyond the limit of the run have no proposal.
        return np.array(
            [known[one] if one < len(known) else GAP for one in positions], dtype=np.int16
        )

    def _label_unasked(
        self,
        items: Sequence[Item],
        variable: Variable,
        wanted: NDArray[np.bool_],
        on_labels: OnVerified,
    ) -> None:
        """Label the items that answer nothing."""
        found = {}
        for place in np.flatnonzero(wanted).tolist():
            label = label_without_asking(items[place].text, self.questions.non_answers)
            if label is not None:
                found[place] = label
        if found:
            on_labels(LabeledCells(0, len(items), {variable.name: found}), {})


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """The items of a block with one proposal, ``places`` their places in the block."""

    variable: Variable
    asked: str
    proposed: int
    item_count: int
    places: NDArray[np.intp]
    on_labels: OnVerified

    def keep(self, cells: LabeledCells) -> None:
        """Pass on answers about these items as labels of the whole block."""
        given = cells.labels.get(self.asked, {})
        answers = {int(self.places[place]): label for place, label in given.items()}
        labels = {
            place: verified_label(label, proposed=self.proposed) for place, label in answers.items()
        }
        of_block = {self.variable.name: labels} if labels else {}
        of_answers = {self.asked: answers} if answers else {}
        self.on_labels(LabeledCells(0, self.item_count, of_block, cells.begun), of_answers)
