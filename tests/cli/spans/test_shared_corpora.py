"""Public corpora with gold spans: a vocabulary and an embedded model, compared exactly."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from localensemble.core.resources import models_dir
from tests.cli.conftest import Run

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
pytestmark = pytest.mark.slow  # reads corpora and runs an embedded model

Found = dict[str, set[tuple[str, str, str]]]
ASKED = 6


def table(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def spans_of(path: Path) -> Found:
    """Return the spans of each item that a table has."""
    found: Found = {}
    for row in read(path):
        spans = found.setdefault(row["item"], set())
        if row["start"]:
            spans.add((row["start"], row["stop"], row["category"]))
    return found


def f1(first: Found, second: Found) -> float:
    """Compute F1 from sets, over the items that both have."""
    both = first.keys() & second.keys()
    matched = sum(len(first[item] & second[item]) for item in both)
    return 2 * matched / sum(len(first[item]) + len(second[item]) for item in both)


@pytest.mark.parametrize(
    ("corpus", "categories"),
    [("ncbi_disease", ["Disease"]), ("ade_corpus", ["DRUG", "ADVERSE_EFFECT"])],
)
def test_f1_of_raters_and_gold_is_that_of_the_sets_of_spans(
    run: Run, shared: Path, tmp_path: Path, corpus: str, categories: list[str]
) -> None:
    rows = read(shared / "data" / corpus / "spans.csv")
    known, marked = rows[:2000], rows[2000:2200]
    terms = {(one["text"], one["type"]) for row in known for one in json.loads(row["label"])}
    vocabulary = table(tmp_path / "terms.csv", ("term", "category"), *sorted(terms))
    texts = {row["id"]: row["text"] for row in marked}
    items = table(tmp_path / "items.csv", ("id", "text"), *texts.items())
    # Its spans have their passages, so every place of the corpus is checked as well.
    gold = table(
        tmp_path / "gold.csv", ("id", "spans"), *((row["id"], row["label"]) for row in marked)
    )
    rule = tmp_path / "rule.csv"
    assert run("spans", "match", items, "--vocabulary", vocabulary, "-o", rule).code == 0

    (tmp_path / "codebook.yaml").write_text(
        'name: c\nversion: "1"\nvariables:\n  - name: mention\n    type: spans\n'
        "    question: What does the text mention?\n    categories:\n"
        + "".join(f"      - {{name: {name}, definition: A mention.}}\n" for name in categories),
        encoding="utf-8",
    )
    model = next(models_dir().glob("le-qwen2*.gguf"))
    (tmp_path / "ensemble.yaml").write_text(
        f"raters: [{{model: {model}, name: embedded, context_tokens: 512}}]\n", encoding="utf-8"
    )
    files = ("-c", tmp_path / "codebook.yaml", "-e", tmp_path / "ensemble.yaml")
    model_folder = tmp_path / "models"
    limits = ("--limit", ASKED, "--threads", 1, "-o", model_folder)
    assert run("spans", "extract", items, *files, *limits).code == 0
    model_spans = model_folder / "spans-mention.csv"
    for row in [*read(rule), *read(model_spans)]:
        if row["start"]:
            start, stop = int(row["start"]), int(row["stop"])
            assert texts[row["item"]][start:stop] == row["passage"].removeprefix("'")

    written = tmp_path / "found.json"
    compared = ("--items", items, "--gold", gold, "--json", written, "--resamples", 20)
    assert run("spans", "agree", rule, model_spans, *compared).code == 0
    report = json.loads(written.read_text(encoding="utf-8"))
    right: Found = {
        row["id"]: {
            (str(one["start"]), str(one["end"]), one["type"]) for one in json.loads(row["label"])
        }
        for row in marked
    }
    raters = {"vocabulary": spans_of(rule), "embedded": spans_of(model_spans)}
    (pair,) = report["exact"]["pairs"]
    assert pair["items"] == ASKED
    assert pair["value"] == pytest.approx(f1(*raters.values()))
    for one in report["gold"]:
        if (one["part"], one["category"]) == ("exact", None):
            assert one["f1"] == pytest.approx(f1(raters[one["rater"]], right))
            assert one["f1"] > 0.4 or one["rater"] == "embedded"
