"""Draw the example texts that ship with the program from the test parts.

    python models/training/make_example.py --data DATA --out examples

Decides which texts may be shown: only those that name nobody, as far as rules and a reader
can tell. The rules are deliberately strict; dropping a harmless text costs nothing.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from corpus import GoldItem, read_splits

SEED = 20
FEEDBACK_ITEMS = 300
NEGATION_ITEMS = 100
LONGEST = 600
# A capitalized word passes if people also write it small; these pass although they seldom do.
_ALWAYS_CAPITAL = {
    *("nhs", "gp", "gps", "tv", "ot", "cpn", "hr", "uk", "english", "christmas", "ecg"),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("january", "february", "april", "june", "july", "august", "september", "october"),
    *("november", "december", "ct", "mri", "ent", "icu", "cbt", "iv", "xray", "ok"),
}
_FIRST_NAMES = frozenset(
    (Path(__file__).parent / "first_names.txt").read_text(encoding="utf-8").split()
)
_SHOWS_A_PERSON = re.compile(
    r"\[|\bmr\b|\bmrs\b|\bms\b|\bmiss\s+[A-Z]|\bdr\b|\bsister\s+[A-Z]|\bprof|\d{4,}|@|"
    r"\b[A-Z]\.|named|called\b|\bmy name\b",
    re.IGNORECASE,
)
# Left out after reading the draw: place, person or circumstances could identify somebody.
_READ_AND_LEFT_OUT = frozenset({"nhs-04554", "nhs-08536", "nhs-08737", "nhs-10008"})
_NEGATION_READ_AND_LEFT_OUT = frozenset({"negex-1064", "negex-1078", "negex-1084", "negex-1102"})


def main() -> None:
    """Write both example files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    splits = read_splits(options.data)
    feedback = splits["nhs_feedback"]
    small = _words_written_small(item.text for item in (*feedback.train, *feedback.test))

    def is_harmless_comment(item: GoldItem) -> bool:
        return (
            {"theme", "sentiment"} <= item.gold.keys()
            and item.identifier not in _READ_AND_LEFT_OUT
            and names_nobody(item.text, small)
        )

    def is_harmless_sentence(item: GoldItem) -> bool:
        # **NAME[...] and the like are marks of de-identification. A sentence without a
        # capitalized finding leaves the question without an object.
        return (
            item.identifier not in _NEGATION_READ_AND_LEFT_OUT
            and not re.search(r"\*\*|\[|\d{4,}", item.text)
            and re.search(r"\b[A-Z]{4,}\b", item.text) is not None
            and len(item.text) <= LONGEST
        )

    _write(
        options.out / "patient_feedback.csv",
        draw(feedback.test, FEEDBACK_ITEMS, is_harmless_comment),
        ("theme", "sentiment"),
    )
    _write(
        options.out / "negation.csv",
        draw(splits["negex"].test, NEGATION_ITEMS, is_harmless_sentence),
        ("negation",),
    )


def draw(
    items: Sequence[GoldItem], count: int, allowed: Callable[[GoldItem], bool]
) -> list[GoldItem]:
    """Draw items at random, without repeating a text, in the order of their ids."""
    pool = sorted(items, key=lambda item: item.identifier)
    random.Random(SEED).shuffle(pool)
    drawn: dict[str, GoldItem] = {}
    for item in pool:
        if len(drawn) < count and allowed(item):
            drawn.setdefault(" ".join(item.text.split()).casefold(), item)
    if len(drawn) < count:
        raise ValueError(f"Only {len(drawn)} of {count} texts may be shown.")
    return sorted(drawn.values(), key=lambda item: item.identifier)


def names_nobody(text: str, written_small: Counter[str]) -> bool:
    """Return whether no word in a text looks like a person's name."""
    if _SHOWS_A_PERSON.search(text) or len(text) > LONGEST:
        return False
    for word in re.findall(r"[^\W\d_]+", text):
        small = word.casefold()
        if small in _FIRST_NAMES:
            return False
        capital = word[0].isupper() and len(word) > 1 and small not in _ALWAYS_CAPITAL
        if capital and written_small[small] < 3:
            return False
    return True


def _words_written_small(texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word in re.findall(r"[^\W\d_]+", text) if word[0].islower())
    return counts


def _write(path: Path, items: Sequence[GoldItem], variables: tuple[str, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "text", *(f"gold_{name}" for name in variables)])
        for item in items:
            writer.writerow([item.identifier, item.text, *(item.gold[v] for v in variables)])


if __name__ == "__main__":
    main()
