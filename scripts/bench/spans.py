#!/usr/bin/env python3
"""Compare raters that mark passages with gold spans, on a table with gold.

    .venv/bin/python scripts/bench/spans.py TABLE -c CODEBOOK -e ENSEMBLE -o FOLDER [--items 100]

TABLE has the columns id, text and label, a list of gold spans as JSON. The first half of its
items gives a vocabulary: their gold passages. The second half is marked by the vocabulary, and
its first --items by the models too. Prints F1 of each pair of raters and of each rater against
gold, with intervals, and what the raters settle on by majority. The folder keeps the ledger, so a
second call asks no model again.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from localensemble.api.extraction.extract_spans import ExtractOptions, extract_spans
from localensemble.api.extraction.match_terms import MatchOptions, match_terms
from localensemble.api.extraction.settle_spans import SettleOptions, settle_spans
from localensemble.api.extraction.span_agreement import SpanAgreeOptions, agree_on_spans

csv.field_size_limit(1 << 24)


def main() -> None:
    """Mark, compare, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("-c", "--codebook", type=Path, required=True)
    parser.add_argument("-e", "--ensemble", type=Path, required=True)
    parser.add_argument("-o", "--folder", type=Path, required=True)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with given.table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    known, marked = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    vocabulary = given.folder / "vocabulary.csv"
    write(vocabulary, ("term", "category"), terms(known))

    print(f"{len(known):,} items give the vocabulary.")
    everything = write_items(given.folder / "marked.csv", marked)
    rule = given.folder / "vocabulary-spans.csv"
    match_terms(everything, vocabulary=vocabulary, output=rule, options=MatchOptions())
    gold = write_gold(given.folder / "gold.csv", marked)
    show([rule], gold=gold, items=everything)

    few = marked[: given.items]
    some = write_items(given.folder / "asked.csv", few)
    rule = given.folder / "rule.csv"
    match_terms(some, vocabulary=vocabulary, output=rule, options=MatchOptions())
    gold = write_gold(given.folder / "gold.csv", few)
    started = time.monotonic()
    found = extract_spans(
        some,
        codebook=given.codebook,
        ensemble=given.ensemble,
        folder=given.folder / "models",
        options=ExtractOptions(threads=given.threads),
    )
    print(f"{found.calls:,} calls in {time.monotonic() - started:.0f} s; {found.unread} unread")
    tables = [rule, *(one.table for one in found.variables)]
    show(tables, gold=gold, items=some)

    queue, final = (given.folder / name for name in ("queue.csv", "settled-spans.csv"))
    queue.unlink(missing_ok=True)
    settled = settle_spans(
        tables, items=some, output=final, worksheet=queue, options=SettleOptions()
    )
    print(f"\nMost raters propose {settled.accepted} spans; {settled.open} are left to a person.")
    show([final], gold=gold, items=some)


def terms(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Return the gold passages of rows, each once for each category."""
    spans = (span for row in rows for span in json.loads(row["label"]))
    return list(dict.fromkeys((span["text"], span["type"]) for span in spans))


def write(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def write_items(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write the items without gold."""
    return write(path, ("id", "text"), [(row["id"], row["text"]) for row in rows])


def write_gold(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write the gold spans."""
    return write(path, ("id", "spans"), [(row["id"], row["label"]) for row in rows])


def show(tables: list[Path], *, gold: Path, items: Path) -> None:
    """Print the agreement of raters, and each against gold."""
    found = agree_on_spans(tables, options=SpanAgreeOptions(items=items, gold=gold))
    print(f"\n{found.items:,} items")
    for exact, overlap in zip(found.exact.pairs, (found.overlap or found.exact).pairs, strict=True):
        print(f"  {exact.first}, {exact.second}: F1 {shown(exact)}, by overlap {shown(overlap)}")
    if found.words is not None and len(found.raters) > 1:
        print(f"  alpha on words: {shown(found.words)}")
    for one in found.gold:
        if one.category is None:
            precision, recall = one.precision.value, one.recall.value
            print(
                f"  {one.rater} against gold, {one.part}: F1 {number(one.f1)} "
                f"({number(one.f1_low)} to {number(one.f1_high)}), precision {number(precision)}, "
                f"recall {number(recall)}, {one.found} of {one.gold}"
            )


def shown(one: object) -> str:
    """Write a value with its interval."""
    value, low, high = (getattr(one, name) for name in ("value", "low", "high"))
    return f"{number(value)} ({number(low)} to {number(high)})"


def number(value: float | None) -> str:
    """Write a number with three decimals."""
    return "undefined" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
