"""Write a table of the answers that say where the codebook fails, with people's notes.

Notes can quote an item. So they leave the ledger only in this file, which a user asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.study.people.answer_words import CODEBOOK_UNCLEAR, WORDS_OF_ANSWERS
from localensemble.study.people.current_decisions import current_of
from localensemble.study.study import Study
from localensemble.tables.delimited import write_table

COLUMNS = ("variable", "consensus", "answer", "reviewer", "decided_at", "note")


@dataclass(frozen=True, slots=True)
class ProblemTable:
    """A table of codebook problems; ``unclear`` and ``undecided`` count its rows by answer."""

    path: Path
    unclear: int
    undecided: int


def write_problems(study: Path, *, output: Path) -> ProblemTable:
    """Write a CSV file with each current answer without a category, by variable and consensus.

    Args:
        study: the study folder.
        output: the file to write.

    Raises:
        InputError: the file exists.
        LedgerError: the folder has no study, or its ledger was changed.
    """
    if output.exists():
        raise InputError(
            f"Cannot write {output}: it already exists.",
            hint="Choose another name with --output.",
        )
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    with Study.open(study) as loaded:
        labels = loaded.recorded
        names = {one.key: one.name for one in labels.reader.reviewers()}
        for decided in loaded.decide():
            variable = decided.variable
            key = labels.variable_keys[variable.name]
            given = labels.reader.decision_notes(labels.item_set, key)
            rows = [
                one
                for one in current_of(given, role="review").values()
                if one.kind in WORDS_OF_ANSWERS and one.position < labels.item_count
            ]
            rows.sort(key=lambda one: (int(decided.categories[one.position]), one.position))
            for one in rows:
                category = int(decided.categories[one.position])
                cells = (
                    variable.name,
                    "" if category < 0 else variable.answers[category],
                    WORDS_OF_ANSWERS[one.kind],
                    names[one.reviewer],
                    one.decided_at,
                    one.note or "",
                )
                found.append(((labels.item_ids[one.position],), cells))
    write_table(output, kept=("id",), added=COLUMNS, rows=found)
    unclear = sum(cells[2] == CODEBOOK_UNCLEAR for _, cells in found)
    return ProblemTable(output, unclear, len(found) - unclear)
