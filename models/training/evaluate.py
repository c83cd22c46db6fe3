"""Measure trained models on the test part, through the program's own engine.

    python models/training/evaluate.py --data DATA --models models

Prints a Markdown table: items, correct items, accuracy with its exact (Clopper-Pearson) 95%
interval, mean probability of the chosen category, mean off-codebook mass; then how often
two models choose the same category. Needs the extra `llama-cpp`, not torch.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import beta

from corpus import SOURCES, GoldItem, read_splits
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.engines.protocol import Engine, Scores
from localensemble.engines.registry import open_engine
from localensemble.engines.settings import EngineSettings
from localensemble.prompting.template import load_template
from specs import SPECS

ROOT = Path(__file__).resolve().parents[2]
CODEBOOKS = ("patient_feedback", "negation", "abstract_roles")
VARIABLES = {
    variable.name: variable
    for name in CODEBOOKS
    for variable in load_codebook(ROOT / "examples" / f"{name}.yaml").variables
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's choice for every item of one variable; -1 for items it could not score."""

    chosen: tuple[int, ...]
    right: int
    mean_probability: float
    mean_off_codebook_mass: float


def main() -> None:
    """Measure every model on every variable and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--models", required=True, type=Path)
    parser.add_argument("--model", action="append", choices=sorted(SPECS))
    parser.add_argument("--variable", action="append", choices=sorted(VARIABLES))
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    options = parser.parse_args()
    names = options.model or list(SPECS)
    variables = options.variable or list(SOURCES)
    items = gold_items(options.data, options.part)
    results: dict[tuple[str, str], Measured] = {}
    say(f"| model | variable | n ({options.part}) | right | accuracy | 95% | p | off |")
    say("|---|---|---|---|---|---|---|---|")
    for name in names:
        settings = EngineSettings(
            engine="llama-cpp", model_path=options.models / f"{name}.gguf", threads=1
        )
        engine = open_engine(settings)
        try:
            for variable in variables:
                measured = measure(engine, VARIABLES[variable], items[variable])
                results[name, variable] = measured
                say(row(name, variable, measured))
        finally:
            engine.close()
    say("\n| variable | two models | same category |\n|---|---|---|")
    for variable in variables:
        for first, second in itertools.combinations(names, 2):
            pairs = zip(
                results[first, variable].chosen, results[second, variable].chosen, strict=True
            )
            same = [a == b for a, b in pairs]
            say(f"| {variable} | {first}, {second} | {sum(same) / len(same):.3f} |")


def gold_items(data: Path, part: str) -> dict[str, list[GoldItem]]:
    """Return the items of a part that have gold labels, by variable."""
    splits = read_splits(data)
    return {
        variable: [item for item in getattr(splits[source], part) if variable in item.gold]
        for variable, source in SOURCES.items()
    }


def measure(engine: Engine, variable: Variable, items: list[GoldItem]) -> Measured:
    """Score every item; items that cannot be scored count as wrong."""
    template = load_template("label", 1)
    prompts = [template.render(variable, item.text, layout="codebook_first") for item in items]
    scored = engine.score(prompts, [variable.answers] * len(prompts))
    chosen, right, probability, off = [], 0, 0.0, 0.0
    for item, scores in zip(items, scored, strict=True):
        if not isinstance(scores, Scores):
            chosen.append(-1)
            continue
        logs = scores.log_probabilities
        best = max(range(len(logs)), key=logs.__getitem__)
        chosen.append(best)
        right += variable.answers[best] == item.gold[variable.name]
        probability += 1 / sum(math.exp(log - logs[best]) for log in logs)
        off += scores.off_codebook_mass
    count = len(items)
    return Measured(tuple(chosen), right, probability / count, off / count)


def row(name: str, variable: str, measured: Measured) -> str:
    """Write one row of the table."""
    count = len(measured.chosen)
    lower, upper = exact_interval(measured.right, count)
    return (
        f"| {name} | {variable} | {count} | {measured.right} | {measured.right / count:.3f} | "
        f"{lower:.3f} to {upper:.3f} | {measured.mean_probability:.3f} | "
        f"{measured.mean_off_codebook_mass:.4f} |"
    )


def exact_interval(right: int, count: int) -> tuple[float, float]:
    """Return the Clopper-Pearson 95% interval of a share."""
    lower = float(beta.ppf(0.025, right, count - right + 1)) if right else 0.0
    upper = float(beta.ppf(0.975, right + 1, count - right)) if right < count else 1.0
    return lower, upper


def say(line: str) -> None:
    """Write one line of a table."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
