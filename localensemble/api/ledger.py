"""Read and verify a study's ledger without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import Event
from localensemble.study.folder import StudyFolder
from localensemble.study.verified_study import VerifiedStudy, verify_study


def verify_ledger(study: Path, *, expect: str | None = None) -> VerifiedStudy:
    """Recompute every hash of a study's ledger, and compare its files with the manifest.

    Args:
        study: the study folder.
        expect: the hash of an event that the ledger must have, kept elsewhere.

    Raises:
        InputError: ``expect`` is not a hash.
        LedgerError: there is no ledger, or it cannot be read.
    """
    return verify_study(StudyFolder.of(study), expect=expect)


def history(study: Path) -> Iterator[Event]:
    """Yield the recorded events, oldest first.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """
    with LedgerReader.open(StudyFolder.of(study).ledger) as reader:
        yield from reader.history()
