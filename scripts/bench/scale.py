"""Label a million generated rows with a scripted engine and print peak memory and speed.

    python scripts/bench/scale.py [--rows 1000000] [--raters 1]

The engine costs almost nothing, so this measures everything else: reading, planning, the
ledger, decisions, and the written tables. Peak memory is that of the process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from localensemble.api.label import LabelOptions, label
from localensemble.labeling.tally import Progress

CODEBOOK = """\
name: scale
version: "1"
description: Generated rows.
variables:
  - name: urgent
    level: binary
    question: Does somebody have to act today?
    categories:
      - name: "yes"
        definition: Somebody has to act today.
      - name: "no"
        definition: It can wait.
"""


def main() -> None:
    """Generate, label, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--raters", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        items, codebook, ensemble = (
            folder / "items.csv",
            folder / "codebook.yaml",
            folder / "ensemble.yaml",
        )
        with items.open("w", encoding="utf-8") as stream:
            stream.write("id,text\n")
            stream.writelines(
                f"i-{n},The ward was noisy in night {n} and nobody came.\n"
                for n in range(options.rows)
            )
        codebook.write_text(CODEBOOK, encoding="utf-8")
        raters = "".join(f"  - {{model: r{n}, engine: scripted}}\n" for n in range(options.raters))
        ensemble.write_text(f"raters:\n{raters}", encoding="utf-8")
        started = time.monotonic()
        study = label(
            items,
            codebook=codebook,
            study=folder / "study",
            options=LabelOptions(ensemble=ensemble),
            on_progress=say,
        )
        seconds = time.monotonic() - started
        ledger = study.folder.ledger.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{study.findings.item_count:,} items, {options.raters} raters: {seconds:,.0f} s, "
        f"peak memory {peak:,.0f} MiB, ledger {ledger / 2**20:,.0f} MiB\n"
    )


def say(progress: Progress) -> None:
    """Print a line every hundred thousand items."""
    if progress.items_done % 100_032 == 0 and progress.items_done:
        sys.stderr.write(f"{progress.rater}: {progress.items_done:,}\n")


if __name__ == "__main__":
    main()
