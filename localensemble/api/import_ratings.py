"""Import ratings: make a study of labels that people or other programs gave.

The labels are recorded in a ledger, like those of models, so every command works on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.api.decided import last_settings, write_decided
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.words import counted
from localensemble.exports.columns import check_columns
from localensemble.findings.study_findings import StudyFindings
from localensemble.labeling.ensemble import load_rules
from localensemble.study.decisions import check_rules
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import put_aside
from localensemble.study.folder_files.own_tables import open_ledger, refuse_tables_of_another_ledger
from localensemble.study.folder_files.shared_folder import sharing_warnings
from localensemble.study.rating_table.read_ratings import (
    RatingsLevel,
    RatingsOptions,
    labels_lost,
    read_ratings_table,
    refuse_other_study,
)
from localensemble.study.rating_table.recorded_ratings import record_labels
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource

__all__ = ["ImportedRatings", "RatingsLevel", "RatingsOptions", "import_ratings"]

_AS_DETECTED = RatingsOptions()


@dataclass(frozen=True, slots=True)
class ImportedRatings:
    """A study made of ratings.

    Attributes:
        findings: findings under the study's rules.
        files: the files written.
        messages: what was detected and what the user should know, in sentences.
    """

    findings: StudyFindings
    files: tuple[Path, ...]
    messages: tuple[str, ...]


def import_ratings(
    source: TableSource, *, output: Path, options: RatingsOptions = _AS_DETECTED
) -> ImportedRatings:
    """Make a study of a table of ratings, and decide it.

    Corrected or additional ratings can be imported into the same folder. The study keeps the
    rules it was decided by, unless ``options`` name others.

    Args:
        source: the table, in memory or as CSV, Excel workbook or Parquet; long or wide.
        output: the study folder.
        options: how to read the table, and the rules to decide by.

    Raises:
        InputError: the table, a column, a category or a rule cannot be used, or the folder
            has another study.
    """
    read = read_ratings_table(source, options=options)
    folder = StudyFolder(output)
    refuse_tables_of_another_ledger(folder)
    rules = _rules(options.rules, folder)
    check_columns(
        read.items,
        variables=read.labels.codebook.variables,
        raters=read.labels.raters,
    )
    check_rules(
        rules.method,
        rules.policies,
        variables=read.labels.codebook.variables,
        raters=read.labels.raters,
        scored=False,
    )
    refuse_other_study(folder, read.labels)
    folder.make()
    lost = labels_lost(folder, read.labels)
    with open_ledger(folder, create=True) as ledger:
        record_labels(read.labels, ledger=ledger, rules=rules)
        loaded = Study.load(ledger.reader)
        decisions = loaded.decide()
        messages = (*sharing_warnings(output), *read.messages)
        if lost:
            messages += (
                f"The study already had {counted(lost, 'label')} that these ratings lack or "
                "change: the tables show the new ratings, the ledger keeps both.",
                *put_aside(folder),
            )
        written = write_decided(
            loaded, decisions=decisions, items=read.items, folder=folder, gold=None
        )
    return ImportedRatings(
        written.findings, written.files, tuple(dict.fromkeys((*messages, *written.messages)))
    )


def _rules(path: Path | None, folder: StudyFolder) -> DecisionRules:
    """Return the rules of an ensemble file, else those of the study, else the majority.

    If a rater has no label for an item, nobody knows whether the rater ever saw it, so missing
    labels escalate nothing unless a policy says so.
    """
    if path is not None:
        return load_rules(path, unstated=())
    settings = last_settings(folder)
    # The rules of a study of models are not used: its folder is refused.
    if settings is not None and settings.ratings_sha256 is not None:
        return settings.rules
    return decision_rules({"method": "majority"}, [])
