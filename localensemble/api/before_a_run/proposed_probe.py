"""Propose to train a probe when a study has enough gold labels for one and no rater like it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from localensemble.core.command_lines import command_line
from localensemble.core.errors import EngineUnavailableError
from localensemble.core.words import listed
from localensemble.engines.registry import engine_kind
from localensemble.findings.study_findings import StudyFindings
from localensemble.probes.training import LEAST_PER_CATEGORY

# Some gold labels are set aside, because a certificate needs labels that no rater has seen.
_HOLD_OUT = 0.3
# With fewer gold labels, or all but one category rare, a probe would learn little.
_LEAST_GOLD = 16
_LEAST_LEARNED = 2


def proposed_probe(findings: StudyFindings, *, study: Path, gold: Path, items: Path | None) -> str:
    """Return a sentence that proposes to train a probe; empty if it would not help.

    Args:
        findings: the study compared with its gold labels.
        study: the study folder.
        gold: the table of gold labels.
        items: the labeled table; None if it is not known.
    """
    if findings.ratings_sha256 is not None or _has_trained(findings):
        return ""
    rare = _rare_categories(findings)
    if rare is None:
        return ""
    table = "ITEMS" if items is None else str(items)
    given = [table, "--gold", str(gold), "-c", "CODEBOOK", "--hold-out", str(_HOLD_OUT)]
    given += ["--least-per-category", "0"] if rare else []
    command = f"localensemble probe {command_line((*given, '-o', f'{study.name}-probe.probe'))}"
    proposal = (
        f"These gold labels are enough to train a rater of another kind, a probe: `{command}` "
        f"({_HOLD_OUT:.0%} of them stay unseen, for certificates)."
    )
    if rare:
        proposal += (
            " It will hardly ever choose the categories with few gold labels: "
            f"{listed(rare)}. If they matter, label more items of them by hand first."
        )
    return proposal


def _rare_categories(findings: StudyFindings) -> tuple[str, ...] | None:
    """Return the categories with too few gold labels to learn from; None if the others are few."""
    compared = [one.gold for one in findings.variables if one.gold is not None]
    rare: list[str] = []
    learned = False
    for gold in compared:
        evaluation = gold.evaluated[-1].evaluation
        counts = evaluation.confusion.sum(axis=1)
        if not counts.sum():
            continue
        few = counts * (1 - _HOLD_OUT) < LEAST_PER_CATEGORY
        if np.count_nonzero(~few) < _LEAST_LEARNED or counts[~few].sum() < _LEAST_GOLD:
            return None
        learned = True
        rare += [
            f'"{one.category}" ({count})'
            for one, count, is_few in zip(evaluation.categories, counts, few, strict=True)
            if is_few
        ]
    return tuple(rare) if learned else None


def _has_trained(findings: StudyFindings) -> bool:
    for rater in findings.raters:
        # The engine of an older study may no longer be installed.
        with suppress(EngineUnavailableError):
            if engine_kind(rater.engine).is_trained_here:
                return True
    return False
