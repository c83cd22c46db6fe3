"""Propose to train a probe when a study has enough gold labels for one and no rater like it."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.registry import engine_kind
from localensemble.findings.study_findings import StudyFindings
from localensemble.probes.training import LEAST_PER_CATEGORY

# Some gold labels are set aside, because a certificate needs labels that no rater has seen.
_HOLD_OUT = 0.3


def proposed_probe(findings: StudyFindings, *, study: Path, gold: Path, items: Path | None) -> str:
    """Return a sentence that proposes to train a probe; empty if it would not help.

    Args:
        findings: the study compared with its gold labels.
        study: the study folder.
        gold: the table of gold labels.
        items: the labeled table; None if it is not known.
    """
    if findings.ratings_sha256 is not None or not _enough(findings) or _has_trained(findings):
        return ""
    table = "ITEMS" if items is None else str(items)
    given = (table, "--gold", str(gold), "-c", "CODEBOOK", "--hold-out", str(_HOLD_OUT))
    command = f"localensemble probe {shlex.join((*given, '-o', f'{study.name}-probe.probe'))}"
    return (
        f"These gold labels are enough to train a rater of another kind, a probe: `{command}` "
        f"({_HOLD_OUT:.0%} of them stay unseen, for certificates)."
    )


def _enough(findings: StudyFindings) -> bool:
    """Tell whether enough gold labels of each category are left to learn from."""
    compared = [one.gold for one in findings.variables if one.gold is not None]
    counts = [gold.evaluated[-1].evaluation.confusion.sum(axis=1) for gold in compared]
    fewest = [one.min() for one in counts if one.sum()]
    return bool(fewest) and min(fewest) * (1 - _HOLD_OUT) >= LEAST_PER_CATEGORY


def _has_trained(findings: StudyFindings) -> bool:
    for rater in findings.raters:
        # The engine of an older study may no longer be installed.
        with suppress(EngineUnavailableError):
            if engine_kind(rater.engine).is_trained_here:
                return True
    return False
