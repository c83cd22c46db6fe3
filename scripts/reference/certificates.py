"""Count how often a certified threshold keeps its promise on texts with known labels.

    python scripts/reference/certificates.py --data ../shared/data

Labels the test parts with the embedded ensemble (seconds), then draws gold items at
random again and again, certifies a threshold on each draw with the program's own code, and
looks at the labels of the items that were not drawn. Does the same with the test of 0.2.0, which
counted the gold items and always started at the size that forgives two errors. Prints a Markdown
table. Needs the extra `llama-cpp` and the data that `models/training` trains on.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models" / "training"))

from corpus import GoldItem, read_splits  # noqa: E402
from localensemble.api.evaluate import gold_of  # noqa: E402
from localensemble.api.label import LabelOptions, label  # noqa: E402
from localensemble.consensus.certificates.bounds import certifying_size  # noqa: E402
from localensemble.consensus.certificates.threshold import (  # noqa: E402
    certify_threshold,
    threshold_grid,
)
from localensemble.consensus.policies.scores import ScoreName  # noqa: E402
from localensemble.ledger.read import LedgerReader  # noqa: E402
from localensemble.study.decisions import decide  # noqa: E402
from localensemble.study.study import Study  # noqa: E402


@dataclass(frozen=True, slots=True)
class Case:
    """One promise about a variable of a source, with this many gold items.

    ``items`` takes only so many items, drawn at random, so that the gold items are most of them.
    """

    source: str
    codebook: str
    variable: str
    alpha: float
    gold_items: int
    items: int | None = None


# The test part of negex has 387 items; 180 gold items leave enough to count.
CASES = (
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.2, 400),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.1, 400),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.2, 100),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.2, 400, 568),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.2, 450, 568),
    Case("nhs_feedback", "patient_feedback", "sentiment", 0.15, 450, 568),
    Case("negex", "negation", "negation", 0.05, 60),
    Case("negex", "negation", "negation", 0.05, 100),
    Case("negex", "negation", "negation", 0.05, 180),
    Case("negex", "negation", "negation", 0.02, 300),
)


@dataclass(slots=True)
class Counts:
    """The counts over all draws, of one test."""

    certified: int = 0
    kept: int = 0
    errors: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class BeforeAndNow:
    """The counts of the test of 0.2.0 and of the program's own, on the same draws."""

    rest: int
    before: Counts = field(default_factory=Counts)
    now: Counts = field(default_factory=Counts)


def main() -> None:
    """Label the test parts and count for every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--delta", type=float, default=0.1)
    parser.add_argument("--by", default="mean_probability")
    options = parser.parse_args()
    splits = read_splits(options.data)
    say(
        "| variable | alpha | items | gold items | draws that certified | kept on the unread "
        "| accepted share of the unread | wrong share of the accepted |"
    )
    say("|---|---|---|---|---|---|---|---|")
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
            say(row(case, case.items or len(items), options.draws, counts))


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
) -> BeforeAndNow:
    """Draw gold items, certify, and measure the accepted labels' errors on the other items."""
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
    every = np.where(decided.escalated, np.nan, decided.scores(by))
    all_wrong = decided.categories != known
    used = np.random.default_rng(0).permutation(len(every))[: case.items]
    scores, wrong = every[used], all_wrong[used]
    grid = threshold_grid(scores)
    counts = BeforeAndNow(draws * (len(scores) - case.gold_items))
    for draw in range(draws):
        gold = np.zeros(len(scores), dtype=np.bool_)
        gold[np.random.default_rng(draw).permutation(len(scores))[: case.gold_items]] = True
        for kept, unread, start in (
            (counts.before, None, certifying_size(2, alpha=case.alpha, delta=delta)),
            (counts.now, scores[~gold], None),
        ):
            threshold = certify_threshold(
                scores[gold],
                wrong=wrong[gold],
                grid=grid,
                alpha=case.alpha,
                delta=delta,
                unread_scores=unread,
                least_accepted=start,
            ).threshold
            add(kept, ~gold & (scores >= (np.inf if threshold is None else threshold)), wrong, case)
            kept.certified += threshold is not None
    return counts


def add(counts: Counts, accepted: np.ndarray, wrong: np.ndarray, case: Case) -> None:
    """Count the accepted unread labels of one draw, and whether the promise was kept."""
    errors, items = int((wrong & accepted).sum()), int(accepted.sum())
    counts.kept += errors <= case.alpha * items + 1e-9
    counts.errors += errors
    counts.accepted += items


def row(case: Case, items: int, draws: int, counts: BeforeAndNow) -> str:
    """Return one case as a row of the table: before, then now."""
    both = (counts.before, counts.now)
    wrong = [one.errors / one.accepted if one.accepted else 0.0 for one in both]
    return (
        f"| {case.variable} | {case.alpha:.2f} | {items:,} | {case.gold_items} "
        f"| {both[0].certified} → {both[1].certified} of {draws} "
        f"| {both[0].kept / draws:.1%} → {both[1].kept / draws:.1%} "
        f"| {both[0].accepted / counts.rest:.1%} → {both[1].accepted / counts.rest:.1%} "
        f"| {wrong[0]:.1%} → {wrong[1]:.1%} |"
    )


def say(line: str) -> None:
    """Write one line and flush it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
