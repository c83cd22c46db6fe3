"""Verify a study: its ledger by itself, and against what is known of it elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localensemble.core.errors import InputError
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import Verification, verify
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import Manifest

_HASH = re.compile("[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class VerifiedStudy:
    """The result of verifying a study.

    Attributes:
        ledger: the result for the ledger by itself.
        lost: sentences on events that something else names and the ledger does not have.
        changed: names of files that are not as they were written, or are gone.
    """

    ledger: Verification
    lost: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if everything is as it was written."""
        return self.ledger.ok and not self.lost and not self.changed


def verify_study(folder: StudyFolder, *, expect: str | None = None) -> VerifiedStudy:
    """Verify the ledger, and compare it and the files with the manifest.

    Args:
        folder: the study.
        expect: the hash of an event that the ledger must have, or its first 12 digits or more,
            kept elsewhere.

    Raises:
        InputError: ``expect`` is not a hash.
        LedgerError: there is no ledger, or it cannot be read.
    """
    expect = None if expect is None else expect.strip().lower()
    if expect is not None and not _HASH.fullmatch(expect):
        raise InputError(
            "--expect is not the hash of an event.",
            hint="Give the last hash that `localensemble ledger verify` printed: 64 hexadecimal "
            "digits, or the first 12 or more.",
        )
    found = verify(folder.ledger)
    manifest = Manifest.of(folder)
    lost = []
    with LedgerReader.open(folder.ledger) as reader:
        for where, head in ((folder.manifest.name, manifest.head_sha256), ("--expect", expect)):
            if head is not None and not reader.has_event(head):
                lost.append(
                    f"{where} names the event {head[:12]}, which the ledger does not have: its "
                    "newest events were cut off, or it is another ledger."
                )
    return VerifiedStudy(found, tuple(lost), manifest.changed(folder))
