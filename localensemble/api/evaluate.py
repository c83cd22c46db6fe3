"""Compare a study's labels with gold labels, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from localensemble.codebook.model import Codebook
from localensemble.core.input_files import read_json_file
from localensemble.core.words import counted
from localensemble.engines.registry import usable_kinds
from localensemble.findings.certificates.used_gold import with_used_gold
from localensemble.findings.fitted_pools import pooled_gold_cautions
from localensemble.findings.people.people_findings import people_findings
from localensemble.findings.study_findings import StudyFindings, study_findings
from localensemble.report.html import write_report
from localensemble.report.json_files import write_findings
from localensemble.report.queue import ItemQueue
from localensemble.study.decisions import Decisions
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import (
    record_hashes,
    refuse_tables_of_another_ledger,
)
from localensemble.study.gold import (
    REVIEW_ONLY,
    GoldLabels,
    Prices,
    read_gold,
    shared_id_column,
)
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_file import ItemFile


def evaluate(
    study: Path,
    *,
    gold: TableSource,
    items: TableSource | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    group_column: str | None = None,
    random_sample: bool = False,
    prices: Prices = REVIEW_ONLY,
) -> StudyFindings:
    """Derive a study's findings from its ledger, with a comparison to gold labels.

    Rewrites ``findings.json`` and ``report.html``.

    Args:
        study: the study folder.
        gold: a table with item ids and gold labels.
        items: the table that was labeled. With it, a classifier trained on the gold labels is
            compared, too; no text is kept.
        id_column: column that identifies an item, in both tables; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.
        group_column: column of the gold table; each of its groups is evaluated separately.
        random_sample: state that the gold items were drawn at random from all items; then
            the share of each category is estimated, corrected for label error.
        prices: prices of labels, to weigh a person's time against errors.

    Raises:
        LedgerError: the folder has no study, or no run of it has finished.
        TableError: the gold table cannot be used or does not belong to the study.
        InputError: ``items`` is not the table that was labeled.
    """
    folder = StudyFolder.of(study)
    with Study.open(study) as loaded:
        labels = gold_of(
            loaded,
            gold,
            items=items,
            id_column=id_column,
            text_column=text_column,
            group_column=group_column,
            random_sample=random_sample,
            prices=prices,
        )
        findings = findings_of(loaded, decisions=loaded.decide(), gold=labels)
    write_shown(findings, codebook=loaded.codebook, folder=folder)
    return findings


def write_shown(
    findings: StudyFindings,
    *,
    codebook: Codebook,
    folder: StudyFolder,
    queue: ItemQueue | None = None,
) -> None:
    """Write the report and the findings of a study, always both and with the same numbers."""
    refuse_tables_of_another_ledger(folder)
    engines = {name: kind.facts for name, kind in usable_kinds().items()}
    write_report(findings, codebook=codebook, engines=engines, path=folder.report, queue=queue)
    write_findings(findings, path=folder.findings)
    record_hashes(folder, (folder.report, folder.findings))


def gold_left_out(findings: StudyFindings, *, folder: StudyFolder) -> tuple[str, ...]:
    """Return a message if the new findings lack gold labels that the previous ones had."""
    if any(variable.gold is not None for variable in findings.variables):
        return ()
    try:
        before = read_json_file(folder.findings)["variables"]
        had_gold = any(variable["gold"] is not None for variable in before)
    except (OSError, ValueError, KeyError, TypeError):
        # There are no findings yet, or the file is not ours: no gold labels were compared.
        return ()
    if not had_gold:
        return ()
    return (
        f"{folder.findings.name} compared the labels with gold labels, but the new one does not. "
        "To keep the comparison, give the gold table again (--gold), as in "
        f"`localensemble report {folder.path} --gold FILE`.",
    )


def findings_of(
    loaded: Study, *, decisions: Sequence[Decisions], gold: GoldLabels | None
) -> StudyFindings:
    """Compute the findings of an open study."""
    findings = study_findings(
        loaded.recorded,
        codebook=loaded.codebook,
        decisions=decisions,
        consensus_method=loaded.rules.method.name,
        policies=[policy.name for policy in loaded.rules.policies],
        rules=loaded.rules.content,
        gold=gold,
        cautions=(
            # First, because it is about the very numbers that a reader looks for.
            *pooled_gold_cautions(loaded, gold),
            *loaded.cautions,
            *_of_method(decisions),
            *(gold.messages if gold else ()),
        ),
        certificates=loaded.rules.certificates,
        foreign=loaded.rules.foreign_certificates,
        ratings_sha256=loaded.ratings_sha256,
        calibrations=loaded.rules.calibrations,
        pools=loaded.rules.pools,
        unfit=loaded.rules.unfit,
        finals=loaded.final_labels(decisions),
    )
    findings = replace(
        findings,
        review=people_findings(loaded, decisions=decisions),
        deidentified=loaded.run.settings.deidentified,
    )
    return with_used_gold(findings, loaded=loaded, gold=gold)


def gold_of(
    loaded: Study,
    gold: TableSource | None,
    *,
    items: TableSource | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    group_column: str | None = None,
    random_sample: bool = False,
    prices: Prices = REVIEW_ONLY,
) -> GoldLabels | None:
    """Read gold labels for an open study, with texts if items are given; None without a table.

    Raises:
        TableError: a table cannot be used.
        InputError: ``items`` is not the table that was labeled.
    """
    if gold is None:
        return None
    found = read_gold(
        gold,
        codebook=loaded.codebook,
        item_ids=loaded.recorded.item_ids,
        id_column=id_column if items is None else shared_id_column(gold, id_column),
        group_column=group_column,
        random_sample=random_sample,
        prices=prices,
        shots=loaded.shots,
    )
    if items is None:
        return found
    ids = shared_id_column(items, id_column)
    table = items_of(loaded, items, id_column=ids, text_column=text_column)
    found = replace(found, taught=loaded.is_trained_on())
    return found.with_texts(table) if isinstance(table, ItemFile) else found


def _of_method(decisions: Sequence[Decisions]) -> tuple[str, ...]:
    """Return a warning for each variable whose consensus is unreliable."""
    warnings = []
    for decided in decisions:
        name = decided.variable.name
        if decided.converged is False:
            warnings.append(f"{name}: the method did not converge; do not rely on its consensus.")
        unchosen = int(np.count_nonzero(decided.accepted & (decided.support == 0)))
        if unchosen:
            warnings.append(
                f"{name}: no rater chose the category of {counted(unchosen, 'accepted label')}. "
                "To escalate them, add {policy: support_below, limit: 0.01} to the policies."
            )
    return tuple(warnings)
