"""Count how often a certified threshold keeps its promise on texts with known labels.

    python scripts/reference/certificates.py --data ../shared/data

Labels the test parts with the embedded ensemble (seconds), then draws gold items at
random again and again, certifies a threshold on each draw with the program's own code, and
looks at the labels of the items that were not drawn. Prints a Markdown table. Needs the extra
`llama-cpp` and the data that `models/training` trains on.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "train"))

from corpus import GoldItem, read_splits  # noqa: E402
from localensemble.api.evaluate import gold_of  # noqa: E402
from localensemble.api.label import LabelOptions, label  # noqa: E402
from localensemble.consensus.policies.scores import ScoreName  # noqa: E402
from localensemble.findings.certification import Promise, certify  # noqa: E402
from localensemble.ledger.read import LedgerReader  # noqa: E402
from localensemble.study.decisions import decide  # noqa: E402
from localensemble.study.study import Study  # noqa: E402


@dataclass(frozen=True, slots=True)
class Case:
    """One promise about a variable of a source, with this many gold items."""

    source: str
    codebook: str
    variable: str
    alpha: float
    gold_items: int


# The test part of negex has 387 items; 180 gold items leave enough to count.
CASES = (
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.2, 400),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.1, 400),
    Case("negex", "negation", "negation", 0.05, 180),
)


@dataclass(slots=True)
class Counts:
    """The counts over all draws."""

    certified: int = 0
    kept_on_rest: int = 0
    kept_on_all: int = 0
    errors_of_rest: int = 0
    accepted_of_rest: int = 0
    rest: int = 0
    intervals: int = 0
    intervals_that_hold: int = 0


def main() -> None:
    """Label the test parts and count for every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--delta", type=float, default=0.1)
    parser.add_argument("--by", default="mean_probability")
    options = parser.parse_args()
    splits = read_splits(options.data)
    say(
        "| variable | alpha | delta | items | gold | draws | certified | kept on the rest "
        "| kept on all | accepted of the rest | wrong of them | prevalence intervals that hold |"
    )
    say("|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            items = [item for item in splits[case.source].test if case.variable in item.gold]
            study = labeled(Path(folder), case, items)
            with LedgerReader.open(study / "study.sqlite") as reader:
                counts = count(
                    Study.load(reader),
                    case,
                    gold_table=study.parent / "items.csv",
                    draws=options.draws,
                    delta=options.delta,
                    by=options.by,
                )
            say(row(case, len(items), options.draws, options.delta, counts))


def labeled(folder: Path, case: Case, items: list[GoldItem]) -> Path:
    """Label a case's items with the embedded ensemble, once for each variable."""
    study = folder / case.variable / "study"
    if study.exists():
        return study
    study.parent.mkdir()
    table = study.parent / "items.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", f"gold_{case.variable}"))
        writer.writerows((item.identifier, item.text, item.gold[case.variable]) for item in items)
    label(
        table,
        codebook=ROOT / "examples" / f"{case.codebook}.yaml",
        study=study,
        options=LabelOptions(id_column="id", text_column="text"),
    )
    return study


def count(
    loaded: Study, case: Case, *, gold_table: Path, draws: int, delta: float, by: ScoreName
) -> Counts:
    """Draw gold items, certify, and measure the accepted labels' errors on other items."""
    variable = loaded.codebook.variable(case.variable)
    labels = gold_of(loaded, gold_table)
    if labels is None:
        raise ValueError("no gold labels")
    known = labels.categories[case.variable]
    decided = decide(
        loaded.recorded,
        variable=variable,
        method=loaded.rules.method,
        policies=loaded.rules.policies,
    )
    scores = np.where(decided.escalated, np.nan, decided.scores(by))
    wrong = decided.categories != known
    truth = np.bincount(known, minlength=len(variable.answers)) / len(known)
    promise = Promise("fixed_sequence", case.alpha, delta, by)
    counts = Counts()
    for draw in range(draws):
        drawn = np.random.default_rng(draw).permutation(len(known))[: case.gold_items]
        gold = np.full(len(known), -1, dtype=np.int16)
        gold[drawn] = known[drawn]
        found = certify(loaded, variable=variable, gold=gold, promise=promise, date="2000-01-01")
        threshold = found.certificate.certified.threshold
        accepted = np.zeros(len(known), bool) if threshold is None else scores >= threshold
        elsewhere = accepted & (gold < 0)
        counts.certified += threshold is not None
        counts.kept_on_rest += share(wrong, elsewhere) <= case.alpha
        counts.kept_on_all += share(wrong, accepted) <= case.alpha
        counts.errors_of_rest += int((wrong & elsewhere).sum())
        counts.accepted_of_rest += int(elsewhere.sum())
        counts.rest += int((gold < 0).sum())
        for one, real in zip(found.prevalence, truth, strict=True):
            counts.intervals += 1
            counts.intervals_that_hold += (
                one.interval is not None and one.interval.low <= real <= one.interval.high
            )
    return counts


def share(wrong: np.ndarray, accepted: np.ndarray) -> float:
    """Return the error rate among the accepted labels; 0 if none are accepted."""
    return float(wrong[accepted].mean()) if accepted.any() else 0.0


def row(case: Case, items: int, draws: int, delta: float, counts: Counts) -> str:
    """Return one case as a row of the table."""
    wrong = counts.errors_of_rest / counts.accepted_of_rest if counts.accepted_of_rest else 0.0
    return (
        f"| {case.variable} | {case.alpha} | {delta} | {items:,} | {case.gold_items} | {draws} "
        f"| {counts.certified} | {counts.kept_on_rest} | {counts.kept_on_all} "
        f"| {counts.accepted_of_rest / counts.rest:.1%} | {wrong:.1%} "
        f"| {counts.intervals_that_hold} of {counts.intervals} |"
    )


def say(line: str) -> None:
    """Write one line and flush it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
