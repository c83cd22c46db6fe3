"""Compare two folders of results: every cell, number, text, label and probability.

    python scripts/compare_results.py OLD NEW [--renamed old=new] [--added NAME] [--reworded NAME]

Compares the tables (.csv), JSON files (.json) and ledgers (.sqlite) of every folder inside OLD
with the files of the same path inside NEW. There is no tolerance. The exit code is 1 if
anything differs; otherwise it is 0, and the counts of what was compared are printed.

A name given to an option is a column, the last part of a column after a dot, a JSON key, or a
column of the ledger's labels; --renamed and --added also take the name of a file or folder.
Contents of table cells are not printed, since a cell may hold the text of an item.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

# What may differ between two runs, by file and key, and why; [] is any position in a list.
MAY_DIFFER: Mapping[str, str] = {
    "findings.json: raters[].seconds": "how long the model took",
    "findings.json: raters[].peak_memory_bytes": "the process on this machine",
    "findings.json: record.program_version": "the version that wrote the file",
    "findings.json: record.ledger_head_sha256": "a hash that includes times and durations",
    "findings.json: record.runs[].started_at": "a time",
    "findings.json: record.runs[].finished_at": "a time",
    "manifest.json: localensemble": "the version that wrote the file",
    "manifest.json: ledger_head_sha256": "a hash that includes times and durations",
    "manifest.json: runs[].started_at": "a time",
    "manifest.json: runs[].finished_at": "a time",
    "manifest.json: machine.system": "the machine",
    "manifest.json: machine.processor": "the machine",
    "manifest.json: machine.python": "the machine",
    "manifest.json: files.labels.csv": "a hash of a file whose cells are compared",
    "manifest.json: files.escalations.csv": "a hash of a file whose cells are compared",
    "manifest.json: files.findings.json": "a hash of a file whose values are compared",
    "manifest.json: files.report.html": "a hash that includes times and durations",
    "manifest.json: files.manifest.json": "a hash that includes times and durations",
}

COMPARED = (".csv", ".json", ".sqlite")
SHOWN_PER_FILE = 20

_NUMERAL = re.compile(r"\d+(?:\.\d+)?")
# The hash of an item has either name, depending on the ledger's version.
_CONTENT_HASHES = ("content_sha256", "text_sha256")
_LABEL_COLUMNS = (
    "status", "category", "confidence", "off_codebook_mass", "probabilities", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowed:
    """The differences that the caller names."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    reworded: frozenset[str] = frozenset()

    def new_name(self, old: str, *, among: Set[str]) -> str:
        """Return the new name; a column such as ``theme.reasons`` may match by its last part."""
        front, dot, last = old.rpartition(".")
        translated = self.renamed.get(old) or f"{front}{dot}{self.renamed.get(last, last)}"
        return translated if translated in among else old

    def may_be_new(self, name: str) -> bool:
        """Return whether a name that only the new results have is allowed."""
        return name in self.added or name.rpartition(".")[2] in self.added

    def same_text(self, old: str, new: str, *, names: Sequence[str]) -> bool:
        """Return whether texts are equal, or may be reworded and have the same numbers.

        The numbers must be in the same order.
        """
        if old == new:
            return True
        return not self.reworded.isdisjoint(names) and _NUMERAL.findall(old) == _NUMERAL.findall(
            new
        )


class Comparison:
    """Collect what was compared and what differs."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.counts: Counter[str] = Counter()
        self.differences: dict[str, list[str]] = {}
        self._file = ""

    def folders(self, old: Path, new: Path, *, place: str = "") -> None:
        """Compare all files of two folders and of the folders inside them."""
        old_names = [path.name for path in sorted(old.iterdir()) if _is_compared(path)]
        new_names = [path.name for path in sorted(new.iterdir()) if _is_compared(path)]
        self._file = place or "."
        for name, other in self._pairs(old_names, new_names, "folder", "file or folder"):
            before, after, self._file = old / name, new / other, f"{place}{name}"
            if before.is_dir() != after.is_dir() or before.suffix != after.suffix:
                self._note("file or folder", "has another kind now")
            elif before.is_dir():
                self.folders(before, after, place=f"{place}{name}/")
            else:
                self.counts["files"] += 1
                compare = {".csv": self._table, ".json": self._json, ".sqlite": self._ledger}
                compare[before.suffix](before, after)

    def _table(self, old: Path, new: Path) -> None:
        (old_header, old_rows), (new_header, new_rows) = _read_table(old), _read_table(new)
        if len(old_rows) != len(new_rows):
            self._note("rows", f"{len(old_rows):,} before, {len(new_rows):,} now")
        for column, other in self._pairs(old_header, new_header, "header", "column"):
            i, j = old_header.index(column), new_header.index(other)
            names = (column, column.rpartition(".")[2])
            # Lengths were compared above; a shorter table is compared as far as it goes.
            for row, (before, after) in enumerate(zip(old_rows, new_rows, strict=False), start=1):
                self.counts["cells"] += 1
                self._text(f'row {row}, column "{column}"', before[i], after[j], names, show=False)

    def _json(self, old: Path, new: Path) -> None:
        self._value(_read_json(old.read_text("utf-8")), _read_json(new.read_text("utf-8")), ())

    def _value(self, old: object, new: object, keys: tuple[str, ...]) -> None:
        place = _key_path(keys)
        general = _key_path(tuple("[]" if key.startswith("[") else key for key in keys))
        if f"{Path(self._file).name}: {general}" in MAY_DIFFER:
            self.counts["values left out because they may differ"] += 1
        elif isinstance(old, dict) and isinstance(new, dict):
            for key, other in self._pairs([*old], [*new], place, "key"):
                self._value(old[key], new[other], (*keys, key))
        elif isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                self._note(place, f"{len(old):,} entries before, {len(new):,} now")
            for i, (before, after) in enumerate(zip(old, new, strict=False)):
                self._value(before, after, (*keys, f"[{i}]"))
        elif isinstance(old, str) and isinstance(new, str):
            self.counts["texts"] += 1
            self._text(place, old, new, keys, show=True)
        else:
            self.counts["numbers"] += type(old) in (int, float)
            if not _same(old, new):
                self._note(place, f"{_shown(old)} before, {_shown(new)} now")

    def _ledger(self, old: Path, new: Path) -> None:
        before, after = _read_ledger(old, {}), _read_ledger(new, self.allowed.renamed)
        for about in ("raters", "variables", "codebooks", "categories"):
            self._value(before.content[about], after.content[about], (about,))
        for cell, other in self._pairs([*before.labels], [*after.labels], "labels", "label"):
            self.counts["labels"] += 1
            item, variable, rater = cell.split("\n")[:3]
            place = f'item "{item}", variable "{variable}", rater "{rater}"'
            for column, one, two in zip(
                ("content hash", *_LABEL_COLUMNS),
                before.labels[cell],
                after.labels[other],
                strict=True,
            ):
                if isinstance(one, bytes) and column == "probabilities":
                    self.counts["probabilities"] += len(one) // 8
                if column == "reason" and isinstance(one, str) and isinstance(two, str):
                    self._text(f"{place}, reason", one, two, ("reason",), show=True)
                elif not _same(one, two):
                    self._note(f"{place}, {column}", f"{_shown(one)} before, {_shown(two)} now")

    def _text(self, place: str, old: str, new: str, names: Sequence[str], *, show: bool) -> None:
        if not self.allowed.same_text(old, new, names=names):
            self._note(place, f"{_shown(old)} before, {_shown(new)} now" if show else "differs")
        elif old != new:
            self.counts["reworded texts with the same numbers"] += 1

    def _pairs(
        self, old: Sequence[str], new: Sequence[str], place: str, kind: str
    ) -> list[tuple[str, str]]:
        """Pair old names with new ones, and note names that only one side has."""
        known, pairs = set(new), []
        for name in old:
            other = self.allowed.new_name(name, among=known)
            if other not in known:
                self._note(place, f"{kind} {_shown(name)} is missing now")
                continue
            self.counts["renamed names"] += other != name
            pairs.append((name, other))
        for name in sorted(known.difference(other for _, other in pairs)):
            if self.allowed.may_be_new(name):
                self.counts["added names"] += 1
            else:
                self._note(place, f"{kind} {_shown(name)} is new")
        return pairs

    def _note(self, place: str, difference: str) -> None:
        self.differences.setdefault(self._file, []).append(f"{place}: {difference}")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The content of a ledger, by names instead of keys.

    ``labels`` holds the hash of the item's content and then the label's columns. Its keys are
    item id, variable, rater, and how often these three occurred before, joined by line breaks.
    """

    content: Mapping[str, object]
    labels: Mapping[str, tuple[object, ...]]


_RATER_NAME = """(SELECT name FROM rater_name WHERE rater_name.rater_key = {table}.rater_key
    ORDER BY rater_name_key DESC LIMIT 1)"""


def _read_ledger(path: Path, renamed: Mapping[str, str]) -> Ledger:
    # As immutable, SQLite writes no files next to the ledger, and does not read those there.
    journal = path.with_name(f"{path.name}-wal")
    if journal.exists() and journal.stat().st_size:
        raise SystemExit(f"{path} is in use, or was not closed. Open it once, then compare again.")
    uri = f"{path.resolve().as_uri()}?immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:

        def select(columns: str, source: str) -> list[tuple[object, ...]]:
            return connection.execute(f"SELECT {columns} FROM {source}").fetchall()

        def names(table: str) -> set[str]:
            return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}

        content_hash = next(name for name in _CONTENT_HASHES if name in names("item"))
        known = names("label")
        columns = ", ".join(
            f"label.{renamed[name] if renamed.get(name) in known else name}"
            for name in _LABEL_COLUMNS
        )
        labels: dict[str, tuple[object, ...]] = {}
        for item, variable, rater, *values in select(
            f"item.item_id, variable.name, {_RATER_NAME.format(table='label')}, "
            f"item.{content_hash}, {columns}",
            "label JOIN item USING (item_key) JOIN variable USING (variable_key) "
            "ORDER BY label.rater_key, label.variable_key, label.item_key",
        ):
            occurrence = 0
            while (cell := f"{item}\n{variable}\n{rater}\n{occurrence}") in labels:
                occurrence += 1
            labels[cell] = tuple(values)
        content = {
            "raters": [
                {"name": name, "sha256": sha256, "identity": _read_json(str(identity))}
                for name, sha256, identity in select(
                    f"{_RATER_NAME.format(table='rater')}, sha256, identity",
                    "rater ORDER BY rater_key",
                )
            ],
            "variables": [
                {"name": name, "sha256": sha256, "content": _read_json(str(text))}
                for name, sha256, text in select(
                    "name, sha256, content", "variable ORDER BY variable_key"
                )
            ],
            "codebooks": [
                {"sha256": sha256, "content": _read_json(str(text))}
                for sha256, text in select("sha256, content", "codebook ORDER BY codebook_key")
            ],
            "categories": [
                list(row)
                for row in select(
                    "variable.name, category.position, category.name",
                    "category JOIN variable USING (variable_key) "
                    "ORDER BY variable_key, category.position",
                )
            ],
        }
    return Ledger(content, labels)


def _is_compared(path: Path) -> bool:
    return path.suffix in COMPARED or path.is_dir()


def _read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def _read_json(text: str) -> object:
    value: object = json.loads(text)
    return value


def _same(old: object, new: object) -> bool:
    """Return whether two values are the same; 1, 1.0 and true are three values."""
    return type(old) is type(new) and old == new


def _shown(value: object) -> str:
    text = f"{len(value)} bytes, {value.hex()}" if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 160 else f"{text[:160]}..."


def _key_path(keys: Sequence[str]) -> str:
    return ".".join(keys).replace(".[", "[")


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--renamed", action="append", default=[], metavar="OLD=NEW")
    parser.add_argument("--added", action="append", default=[], metavar="NAME")
    parser.add_argument(
        "--reworded",
        action="append",
        default=[],
        metavar="NAME",
        help="texts under this name may differ, but not the numbers in them",
    )
    options = parser.parse_args(given)
    for folder in (options.old, options.new):
        if not folder.is_dir():
            parser.error(f"{folder} is not a folder.")
    for pair in options.renamed:
        if not re.fullmatch(r"[^=]+=[^=]+", pair):
            parser.error(f'--renamed "{pair}" does not have the form old=new.')
    return options


def main(given: Sequence[str] | None = None) -> int:
    """Compare the two folders of the command line and print what was found."""
    options = _arguments(given)
    comparison = Comparison(
        Allowed(
            renamed=dict(pair.split("=") for pair in options.renamed),
            added=frozenset(options.added),
            reworded=frozenset(options.reworded),
        )
    )
    comparison.folders(options.old, options.new)
    for file, found in comparison.differences.items():
        print(f"{file}: {len(found):,} differences")
        for difference in found[:SHOWN_PER_FILE]:
            print(f"  {difference}")
        if len(found) > SHOWN_PER_FILE:
            print(f"  and {len(found) - SHOWN_PER_FILE:,} more")
    print("Compared: " + ", ".join(f"{n:,} {what}" for what, n in comparison.counts.items() if n))
    if not comparison.counts["files"]:
        print("There was nothing to compare.")
        return 1
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
