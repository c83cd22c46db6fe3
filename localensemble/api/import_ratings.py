"""Import ratings: make a study of labels that people or other programs gave.

The labels are recorded in a ledger, as those of models are. From there on every command works
on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.api.decided import last_settings, write_decided
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.exports.columns import check_columns
from localensemble.findings.study_findings import StudyFindings
from localensemble.labeling.ensemble import load_rules
from localensemble.ledger.ledger import Ledger
from localensemble.study.decisions import check_rules
from localensemble.study.folder import StudyFolder
from localensemble.study.import_ratings import (
    RatingsLevel,
    RatingsOptions,
    labels_lost,
    read_ratings_table,
    refuse_other_study,
)
from localensemble.study.kept_tables import put_aside
from localensemble.study.recorded_ratings import record_labels
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource

__all__ = ["ImportedRatings", "RatingsLevel", "RatingsOptions", "import_ratings"]

_AS_DETECTED = RatingsOptions()


@dataclass(frozen=True, slots=True)
class ImportedRatings:
    """A study made of ratings.

    Attributes:
        findings: under its rules.
        files: the files written.
        messages: what was guessed, and what a person should know, in sentences.
    """

    findings: StudyFindings
    files: tuple[Path, ...]
    messages: tuple[str, ...]


def import_ratings(
    source: TableSource, *, output: Path, options: RatingsOptions = _AS_DETECTED
) -> ImportedRatings:
    """Make a study of a table of ratings, and decide it.

    The same folder takes the ratings again when they were corrected or have become more; it
    keeps the rules it was decided by, unless ``options`` name others.

    Args:
        source: the table: in memory, CSV, Excel workbook or Parquet; long or wide.
        output: the folder of the study.
        options: how to read the table, and by which rules to decide it.

    Raises:
        InputError: the table, a column, a category or a rule cannot be used, or the folder
            holds another study.
    """
    read = read_ratings_table(source, options=options)
    folder = StudyFolder(output)
    rules = _rules(options.rules, folder)
    check_columns(
        read.items,
        variables=[variable.name for variable in read.labels.codebook.variables],
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
    with Ledger.open(folder.ledger, create=True) as ledger:
        record_labels(read.labels, ledger=ledger, rules=rules)
        loaded = Study.load(ledger.reader)
        decisions = loaded.decide()
        said = read.messages
        if lost:
            said += (
                "This folder held labels that are not in these ratings, or are others there "
                f"({lost:,}): the tables hold the new ones, the ledger both.",
                *put_aside(folder),
            )
        written = write_decided(
            loaded, decisions=decisions, items=read.items, folder=folder, gold=None
        )
    return ImportedRatings(written.findings, written.files, (*said, *written.messages))


def _rules(path: Path | None, folder: StudyFolder) -> DecisionRules:
    """Return the rules of an ensemble file, else those of the study, else the majority.

    Nobody knows whether an item without a label of some rater was ever given to that rater, so
    missing labels escalate nothing unless a policy says so.
    """
    if path is not None:
        return load_rules(path, unstated=())
    settings = last_settings(folder)
    # Of a study of models nothing is taken: its folder is refused.
    if settings is not None and settings.ratings_sha256 is not None:
        return settings.rules
    return decision_rules({"method": "majority"}, [])
