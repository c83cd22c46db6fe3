"""Read everything that is recorded about one item, without texts: neither its own nor notes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from localensemble.core.labels import ItemId
from localensemble.ledger.digests import hashed_id
from localensemble.ledger.read_people import PeopleReader
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES, STATUS_CODES

_STATUS_WORDS = {code: str(status) for status, code in STATUS_CODES.items()}
_ANSWER_WORDS = {code: answer.replace("_", " ") for answer, code in ANSWER_CODES.items()}
_ROLE_WORDS = {code: str(role) for role, code in ROLE_CODES.items()}

_REGISTERED = """
SELECT number, recorded_at, member.position FROM item
JOIN item_set_member AS member USING (item_key)
JOIN event ON number = member.item_set_key
WHERE item_id = ?"""
_LABELS = """
SELECT number, recorded_at, variable.name, label.status, category.name,
    (SELECT name FROM rater_name WHERE rater_name.rater_key = label.rater_key
        ORDER BY rater_name_key DESC LIMIT 1)
FROM item JOIN label USING (item_key) JOIN variable USING (variable_key)
JOIN event ON number = label.block_key
LEFT JOIN category
    ON category.variable_key = label.variable_key AND category.position = label.category
WHERE item_id = ?"""
_PASSAGES = """
SELECT number, recorded_at, variable.name, passages,
    (SELECT name FROM rater_name WHERE rater_name.rater_key = batch.rater_key
        ORDER BY rater_name_key DESC LIMIT 1)
FROM item JOIN item_passages USING (item_key) JOIN passage_batch AS batch USING (batch_key)
JOIN variable USING (variable_key) JOIN event ON number = batch.batch_key
WHERE item_id = ?"""
_DECISIONS = """
SELECT number, recorded_at, variable.name, answer, category.name, reviewer.name, role
FROM item JOIN person_decision AS decision USING (item_key) JOIN variable USING (variable_key)
JOIN decision_batch USING (batch_key) JOIN reviewer USING (reviewer_key)
JOIN event ON number = decision.batch_key
LEFT JOIN category
    ON category.variable_key = decision.variable_key AND category.position = decision.category
WHERE item_id = ?"""


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """One thing that was recorded about an item.

    Attributes:
        number: the number of the event that recorded it.
        recorded_at: when, in UTC.
        what: ``registered``, ``label``, ``passages``, the role of a person's decision, or
            ``withdrawn``.
        variable: the variable, or empty.
        by: the name of the rater or the person, or empty.
        answer: the category, or the word for why there is none; for a registration, the row; for
            passages, their number.
    """

    number: int
    recorded_at: str
    what: str
    variable: str = ""
    by: str = ""
    answer: str = ""


class ItemReader(PeopleReader):
    """Reads what is recorded about one item; a part of `LedgerReader`."""

    def item_history(self, item_id: ItemId) -> tuple[ItemEvent, ...]:
        """Return everything about the items with this id, the oldest first.

        A corrected text makes another item with the same id. Of a withdrawn item only the
        withdrawals are left.
        """
        registered = (
            ItemEvent(number, at, "registered", answer=f"row {position + 1}")
            for number, at, position in self._rows(_REGISTERED, item_id)
        )
        labels = (
            ItemEvent(number, at, "label", variable, rater, category or _STATUS_WORDS[status])
            for number, at, variable, status, category, rater in self._rows(_LABELS, item_id)
        )
        passages = (
            ItemEvent(number, at, "passages", variable, rater, str(len(json.loads(found))))
            for number, at, variable, found, rater in self._rows(_PASSAGES, item_id)
        )
        decisions = (
            ItemEvent(
                number, at, _ROLE_WORDS[role], variable, person, category or _ANSWER_WORDS[answer]
            )
            for number, at, variable, answer, category, person, role in self._rows(
                _DECISIONS, item_id
            )
        )
        withdrawn = (
            ItemEvent(number, at, "withdrawn")
            for number, at, sha256, salt in self._rows(
                "SELECT DISTINCT number, recorded_at, id_sha256, salt FROM withdrawn_item"
                " JOIN withdrawal USING (withdrawal_key) JOIN event ON number = withdrawal_key"
            )
            if bytes(sha256) == hashed_id(item_id, salt=bytes(salt))
        )
        found = [*registered, *labels, *passages, *decisions, *withdrawn]
        return tuple(sorted(found, key=lambda one: (one.number, one.variable, one.by)))
