"""Read, verify and copy a study's ledger without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.core.labels import ItemId
from localensemble.ledger.back_up import back_up
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.read_item import ItemEvent
from localensemble.ledger.records import Event
from localensemble.ledger.verify import Verification
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


def item_history(study: Path, item: str) -> tuple[ItemEvent, ...]:
    """Return everything that is recorded about one item, the oldest first, without texts.

    Raises:
        InputError: nothing is recorded about such an item.
        LedgerError: there is no ledger, or it cannot be read.
    """
    with LedgerReader.open(StudyFolder.of(study).ledger) as reader:
        found = reader.item_history(ItemId(item))
    if not found:
        raise InputError(
            f'The ledger has no item "{item}".',
            hint="Give the id of an item as in labels.csv.",
        )
    return found


def back_up_ledger(study: Path, *, target: Path) -> Verification:
    """Copy a study's ledger to a new file while other processes use it, and verify the copy.

    Raises:
        InputError: the target exists.
        LedgerError: there is no ledger, or it was changed.
    """
    return back_up(StudyFolder.of(study).ledger, target=target)
