"""Write a study's report from its ledger, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.api.evaluate import findings_of, gold_of
from localensemble.api.study import StudyFolder
from localensemble.core.errors import InputError
from localensemble.core.items import ItemFile
from localensemble.findings.load import load_study
from localensemble.findings.study import StudyFindings
from localensemble.ledger.read import LedgerReader
from localensemble.report.html import NamedAgreement, AgreementSource, write_agreement_report
from localensemble.report.html import write_report as write_html
from localensemble.report.json_files import write_findings
from localensemble.report.queue import item_queue
from localensemble.report.tables import StudyTables

__all__ = [
    "NamedAgreement",
    "AgreementSource",
    "WrittenReport",
    "write_agreement_report",
    "write_report",
]


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report that was written: its numbers and its files."""

    findings: StudyFindings
    html: Path
    json: Path


def write_report(
    study: Path,
    *,
    gold: Path | None = None,
    id_column: str | None = None,
    items: Path | None = None,
    text_column: str | None = None,
) -> WrittenReport:
    """Write ``report.html`` and ``findings.json`` with the same numbers.

    Args:
        study: the study folder.
        gold: a table with gold labels, to report accuracy.
        id_column: column that identifies an item, in both tables; None lets them decide.
        items: the table that was labeled. Giving it shows the texts of the most doubtful
            escalated items; without it the report holds no item text.
        text_column: column of ``items`` that holds the text; None lets the table decide.
    Raises:
        LedgerError: there is no study, or no run of it has finished.
        InputError: a table cannot be used or does not belong to the study.
    """
    folder = StudyFolder(study)
    table = None
    if items is not None:
        table = ItemFile.open(items, id_column=id_column, text_column=text_column)
    with LedgerReader.open(folder.ledger) as reader:
        loaded = load_study(reader)
        decisions = loaded.decide()
        findings = findings_of(
            loaded, decisions=decisions, gold=gold_of(loaded, gold, id_column=id_column)
        )
        queue = None
        if table is not None:
            _check_same_items(table, findings)
            queue = item_queue(StudyTables(table, loaded.labels, decisions))
        write_html(findings, codebook=loaded.codebook, path=folder.report, queue=queue)
    write_findings(findings, path=folder.findings)
    return WrittenReport(findings, folder.report, folder.findings)


def _check_same_items(table: ItemFile, findings: StudyFindings) -> None:
    # Texts of another table under the labels of this one would be believed.
    if table.sha256 != findings.record.item_set_sha256:
        raise InputError(
            f"{table.path.name}: these are not the items of the study; ids, texts or their "
            "order differ.",
            hint="Give the table as it was labeled, with the same --id-column and --text-column.",
        )
