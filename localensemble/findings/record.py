"""The record a study's findings come from: what was run, when, and its hashes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from localensemble import __version__
from localensemble.codebook.model import Codebook
from localensemble.core.identity import JsonValue
from localensemble.study.study_labels import StudyLabels


@dataclass(frozen=True, slots=True)
class RunFindings:
    """When a run of the study began and how it ended; times are those in the ledger."""

    started_at: str
    finished_at: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class RecordFindings:
    """Enough to tell whether another study is the same.

    Attributes:
        program_version: version of localensemble that derived the findings.
        item_set_sha256: hash of the ids and texts of all items, in order.
        item_set_size: number of items in the labeled table; with a limit, more than were
            labeled.
        codebook_sha256: hash of the codebook's content.
        ledger_head_sha256: hash of the newest event, which depends on all events before it.
        rules: consensus method and escalation policies with their settings.
        runs: the runs of the study, oldest first.
    """

    program_version: str
    item_set_sha256: str
    item_set_size: int
    codebook_sha256: str
    ledger_head_sha256: str
    rules: JsonValue
    runs: tuple[RunFindings, ...]


def record_findings(labels: StudyLabels, *, codebook: Codebook, rules: JsonValue) -> RecordFindings:
    """Gather the identities of a study from its ledger."""
    reader = labels.reader
    item_set = next(one for one in reader.item_sets() if one.key == labels.item_set)
    return RecordFindings(
        program_version=__version__,
        item_set_sha256=item_set.sha256,
        item_set_size=item_set.item_count,
        codebook_sha256=codebook.sha256,
        ledger_head_sha256=deque(reader.history(), maxlen=1)[0].sha256,
        rules=rules,
        runs=tuple(
            RunFindings(run.started_at, run.finished_at, run.status) for run in reader.runs()
        ),
    )
