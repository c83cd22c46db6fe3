"""Keep withdrawn items out of a study, and remove them from what it keeps.

A ledger knows a withdrawn item only by a salted hash of its id. That is enough to leave the
item out of a table that still has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from localensemble.consensus.rules import DecisionRules
from localensemble.core.files import replaced_binary_file
from localensemble.core.foreign_json import ForeignJsonError, read_json
from localensemble.core.identity import JsonValue, sha256_item, sha256_json
from localensemble.core.input_files import read_input
from localensemble.core.labels import ItemId
from localensemble.core.limits import MOST_JSON_BYTES
from localensemble.core.words import counted, listed
from localensemble.ledger.connection import is_begun
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.study.folder import StudyFolder
from localensemble.study.run_record import RunSettings
from localensemble.tables.item_file import ItemFile

_ROWS = 4096
# Stands for a hash that was removed, because the number of gold items stays.
_WITHDRAWN = "withdrawn"


def withdrawn_in(items: ItemFile, reader: LedgerReader) -> frozenset[ItemId]:
    """Return the ids of the items of a table that were withdrawn from the study."""
    if not reader.withdrawals():
        return frozenset()
    return frozenset(
        item_id
        for block in items.blocks(_ROWS)
        for item_id in reader.withdrawn_among([row.item.id for row in block])
    )


def without_withdrawn(items: ItemFile, folder: StudyFolder) -> ItemFile:
    """Leave out the items that were withdrawn from the study in a folder, with a message."""
    if not is_begun(folder.ledger):
        return items
    with LedgerReader.open(folder.ledger) as reader:
        gone = withdrawn_in(items, reader)
    if not gone:
        return items
    one = len(gone) == 1
    message = (
        f"{items.path.name}: {counted(len(gone), 'item')} {'was' if one else 'were'} withdrawn "
        f"from this study and {'is' if one else 'are'} left out. Delete "
        f"{'its row' if one else 'their rows'} there too."
    )
    left = items.without(gone)
    return replace(left, messages=(*left.messages, message))


def redacted(settings: JsonValue, names: Collection[str]) -> JsonValue:
    """Return the settings of a run, of any version, without the ids and hashes named."""
    left = dict(cast(dict[str, Any], settings))
    for key in ("control", "golden"):
        if left.get(key) is not None:
            left[key] = {
                variable: {one: name for one, name in known.items() if one not in names}
                for variable, known in left[key].items()
            }
    if left.get("shots") is not None:
        kept = [one for one in left["shots"]["ids"] if one not in names]
        left["shots"] = {**left["shots"], "ids": kept}
    if "trained_on" in left:
        left["trained_on"] = [one for one in left["trained_on"] if one not in names]
    if "suspected_texts" in left:
        suspected = left["suspected_texts"].items()
        left["suspected_texts"] = {one: codes for one, codes in suspected if one not in names}
    if "rules" in left:
        left["rules"] = {**left["rules"]}
        for key in ("rater_calibrations", "pools"):
            if key in left["rules"]:
                left["rules"][key] = [_without_items(one, names) for one in left["rules"][key]]
    return left


def _without_items(fitted: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    used = [_WITHDRAWN if one in names else one for one in fitted["used_items"]]
    return {**fitted, "used_items": used}


def used_items_of(reader: LedgerReader, ids: Collection[ItemId]) -> frozenset[str]:
    """Return the hashes by which pools and calibrations know these items."""
    return frozenset(
        sha256_item(item_id, content_sha256=content)
        for item_id, content in reader.hashes_of(tuple(ids))
    )


def clear_calibrations(
    folder: StudyFolder, used: Collection[str], *, ledger: Ledger
) -> tuple[str, ...]:
    """Remove the hashes of withdrawn items from the calibration files in a study folder.

    One that the study made stays on record as its own. Those of other studies in the folder are
    theirs.

    Returns:
        A sentence for each file that could not be read.
    """
    unread = []
    made = ledger.reader.made_files("calibration")
    for path in folder.own_paths("rater-calibration-*.json"):
        try:
            held = read_input(path, most_bytes=MOST_JSON_BYTES)
        except OSError as error:
            name = path.relative_to(folder.path)
            unread.append(
                f"{name} was not read ({error.strerror}): if it is a calibration, calibrate again."
            )
            continue
        left = held
        for one in used:
            left = left.replace(one.encode(), _WITHDRAWN.encode())
        if left != held:
            if _hash_of(held) in made:
                variable = str(read_json(left)["variable"])
                ledger.register_file("calibration", variable=variable, sha256=_hash_of(left))
            with replaced_binary_file(path) as stream:
                stream.write(left)
    return tuple(unread)


def _hash_of(content: bytes) -> str:
    """Return the hash by which a ledger knows a file; empty if it is not JSON."""
    try:
        return sha256_json(read_json(content))
    except ForeignJsonError:
        return ""


def made_before_withdrawal(reader: LedgerReader, rules: DecisionRules) -> tuple[str, ...]:
    """Report what is in force, rests on gold labels, and is older than a withdrawal."""
    withdrawals = reader.withdrawals()
    if not withdrawals:
        return ()
    last = withdrawals[-1]
    earlier = [run for run in reader.runs() if run.key < last.key]
    before = RunSettings.from_json(earlier[-1].settings).rules if earlier else rules
    names = [
        f'{what} for "{one.variable}"'
        for what, now, held in (
            ("certificate", rules.certificates, before.certificates),
            ("calibration", rules.calibrations, before.calibrations),
            ("pool", rules.pools, before.pools),
        )
        for one in now
        if one in held
    ]
    if not names:
        return ()
    count = sum(one.item_count for one in withdrawals)
    return (
        f"{counted(count, 'item')} {'was' if count == 1 else 'were'} withdrawn from this study, "
        f"last on {last.recorded_at[:10]}. Made before that: the {listed(names)}. The counts there "
        "are unchanged and may include gold labels of withdrawn items.",
    )
