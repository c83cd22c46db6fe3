"""Write a study's report from its ledger, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.api.evaluate import findings_of, gold_left_out, gold_of, write_shown
from localensemble.api.notebook import fragments
from localensemble.core.errors import InputError
from localensemble.exports.rows import DecidedStudy
from localensemble.findings.study_findings import StudyFindings
from localensemble.report.data_sheet import write_data_sheet
from localensemble.report.html import AgreementSource, NamedAgreement, write_agreement_report
from localensemble.report.queue import item_queue
from localensemble.report.wording import study_verdict
from localensemble.study.folder import StudyFolder
from localensemble.study.gold import shared_id_column
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource

__all__ = [
    "AgreementSource",
    "NamedAgreement",
    "WrittenReport",
    "write_agreement_report",
    "write_report",
]


@dataclass(frozen=True, slots=True, repr=False)
class WrittenReport:
    """The numbers and files of a written report, and what the user should know."""

    findings: StudyFindings
    html: Path
    json: Path
    messages: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join((f"Report {self.html}", *study_verdict(self.findings)))

    def _repr_html_(self) -> str:
        return (
            fragments.heading(f"Report {self.html}")
            + fragments.paragraphs(study_verdict(self.findings))
            + fragments.notes((*self.messages, *self.findings.cautions))
        )


def write_report(
    study: Path,
    *,
    gold: TableSource | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    random_sample: bool = False,
    items: TableSource | None = None,
    text_column: str | None = None,
    data_sheet: bool = False,
) -> WrittenReport:
    """Write ``report.html`` and ``findings.json`` with the same numbers.

    Args:
        study: the study folder.
        gold: a table with gold labels, to report accuracy.
        id_column: column that identifies an item, in both tables; None detects it.
        group_column: column of the gold table; each of its groups is evaluated separately.
        random_sample: state that the gold items were drawn at random from all items.
        items: the table that was labeled. With it the report shows the texts of the most
            doubtful escalated items; without it the report holds no item text.
        text_column: column of ``items`` that holds the text; None detects it.
        data_sheet: also write ``data-sheet.md``, a record of processing activities.

    Raises:
        LedgerError: the folder has no study, or no run of it has finished.
        InputError: a table cannot be used or does not belong to the study.
    """
    if gold is None and (group_column is not None or random_sample):
        raise InputError(
            "--group and --random-sample need a gold table, but --gold is not given.",
            hint="Add --gold FILE, or leave out --group and --random-sample.",
        )
    folder = StudyFolder.of(study)
    gold_ids = id_column
    if items is not None and gold is not None:
        gold_ids = shared_id_column(gold, id_column)
    with Study.open(study) as loaded:
        decisions = loaded.decide()
        findings = findings_of(
            loaded,
            decisions=decisions,
            gold=gold_of(
                loaded,
                gold,
                id_column=gold_ids,
                group_column=group_column,
                random_sample=random_sample,
            ),
        )
        queue = None
        if items is not None:
            table = items_of(loaded, items, id_column=id_column, text_column=text_column)
            queue = item_queue(DecidedStudy.of(loaded, items=table, decisions=decisions))
    messages = gold_left_out(findings, folder=folder)
    write_shown(findings, codebook=loaded.codebook, folder=folder, queue=queue)
    if data_sheet:
        kept = write_data_sheet(folder.manifest, path=folder.data_sheet)
        messages = (*messages, *kept, f"Wrote {folder.data_sheet}. Complete its named blanks.")
    return WrittenReport(findings, folder.report, folder.findings, messages)
