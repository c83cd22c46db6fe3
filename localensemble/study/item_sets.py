"""Register the items of a study in the ledger: their ids and the hashes of their content.

No text enters the ledger. An unchanged file is recognized by its hash and not read again.
"""

from __future__ import annotations

from collections.abc import Iterator

from localensemble.core.identity import sha256_text
from localensemble.core.labels import ItemId
from localensemble.ledger.digests import ItemSetHash
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import ItemSetKey
from localensemble.tables.item_file import ItemFile

_ROWS_AT_ONCE = 4096


def register_item_set(ledger: Ledger, items: ItemFile) -> ItemSetKey:
    """Register the items of a file, in file order, and return their key."""
    whole = ItemSetHash()
    for block in _hashed(items):
        for item_id, content_sha256 in block:
            whole.add(item_id, content_sha256)
    return ledger.register_items(_hashed(items), item_set_sha256=whole.hexdigest())


def _hashed(items: ItemFile) -> Iterator[list[tuple[ItemId, str]]]:
    for block in items.blocks(_ROWS_AT_ONCE):
        yield [(row.item.id, sha256_text(row.item.text)) for row in block]
