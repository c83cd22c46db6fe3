"""The findings of a study: every number that is shown, from the ledger alone."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest

from localensemble.api.evaluate import evaluate
from localensemble.api.label import LabelOptions, label
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.findings.gold_comparison import ACCEPTED, CONSENSUS, MEAN
from localensemble.findings.study_findings import StudyFindings
from localensemble.report.json_files import write_findings
from tests.studies import study_files

pytestmark = pytest.mark.slow  # labels a study

ITEMS = 60


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> StudyFindings:
    """The findings of a study of scripted raters with gold labels for the first 30 items."""
    files = study_files(
        tmp_path_factory.mktemp("findings"), [f"text number {n}" for n in range(ITEMS)]
    )
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    gold = files.folder / "gold.csv"
    with gold.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        writer.writerows((f"i-{n}", ("staff", "food", "other")[n % 3]) for n in range(30))
    return evaluate(files.study, gold=gold)


def test_the_short_table_shows_coefficients_of_the_full_one(found: StudyFindings) -> None:
    for variable in found.variables:
        assert [one.name for one in variable.coefficients] == [
            "AC1",
            "Fleiss kappa",
            "Krippendorff alpha",
        ]
        assert set(variable.coefficients) <= set(variable.agreement.coefficients)


def test_every_assigned_label_is_in_one_bin_of_confidence_or_unknown(found: StudyFindings) -> None:
    for variable in found.variables:
        for rater, spread in zip(variable.raters, variable.confidence.raters, strict=True):
            assert spread.rater == rater.rater
            held = spread.assigned
            assert held.known == sum(held.bins)
            assert held.known + held.unknown == sum(rater.category_counts)
        accepted, escalated = variable.confidence.accepted, variable.confidence.escalated
        assert accepted.known + accepted.unknown == variable.accepted
        assert escalated.known + escalated.unknown == variable.escalated


def test_gold_labels_are_compared_with_raters_consensus_and_accepted(found: StudyFindings) -> None:
    topic, urgent = found.variables
    assert urgent.gold is None
    assert topic.gold is not None
    assert topic.gold.gold_items == 30
    assert [one.who for one in topic.gold.evaluated] == [
        "first",
        "second",
        "third",
        CONSENSUS,
        ACCEPTED,
    ]
    for one, short in zip(
        topic.gold.evaluated,
        [rater.accuracy for rater in topic.raters]
        + [topic.accuracy_consensus, topic.accuracy_accepted],
        strict=True,
    ):
        assert short is not None
        assert one.evaluation.items == short.items
        assert one.evaluation.accuracy.value == short.value
        assert int(one.evaluation.confusion.sum()) == 30
    assert [one.quality.items for one in topic.gold.calibrations] == [30, 30, 30, 30]
    assert topic.gold.calibrations[-1].who == MEAN
    assert len(topic.gold.comparisons) == 3


def test_the_most_frequent_category_stands_beside_them_on_the_same_items(
    found: StudyFindings,
) -> None:
    topic = found.variables[0]
    assert topic.gold is not None
    everywhere, accepted = topic.gold.baselines
    by_category = topic.gold.evaluated[0].evaluation.confusion.sum(axis=1)
    most = int(by_category.max())
    assert everywhere.who == f'always "{topic.categories[int(by_category.argmax())]}"'
    assert everywhere.evaluation.items == 30
    assert everywhere.evaluation.correct == most
    assert everywhere.evaluation.interval == exact_interval(most, items=30)
    assert topic.accuracy_accepted is not None
    assert accepted.evaluation.items == topic.accuracy_accepted.items
    assert accepted.evaluation.unlabeled == topic.accuracy_accepted.unlabeled


def test_findings_are_written_as_json_without_loss(found: StudyFindings, tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    write_findings(found, path=path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["record"]["item_set_size"] == ITEMS
    assert content["record"]["runs"][0]["status"] == "finished"
    first = found.variables[0]
    assert content["variables"][0]["agreement"] == json.loads(
        json.dumps(dataclasses.asdict(first.agreement))
    )
    assert first.gold is not None
    confusion = first.gold.evaluated[0].evaluation.confusion
    assert content["variables"][0]["gold"]["evaluated"][0]["evaluation"]["confusion"] == (
        confusion.tolist()
    )
