"""Read and verify a study's ledger without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import Event
from localensemble.ledger.verify import Verification, verify
from localensemble.study.folder import StudyFolder


def verify_ledger(study: Path) -> Verification:
    """Recompute every hash of a study's ledger and compare it with the recorded one.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """
    return verify(StudyFolder.of(study).ledger)


def history(study: Path) -> Iterator[Event]:
    """Yield the recorded events, oldest first.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """
    with LedgerReader.open(StudyFolder.of(study).ledger) as reader:
        yield from reader.history()
