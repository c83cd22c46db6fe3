"""A study whose raters were not asked about everything says so and counts nobody as missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from localensemble.api.agree import AgreeOptions, agree
from localensemble.api.evaluate import evaluate
from localensemble.api.label import LabeledStudy, LabelOptions, label
from localensemble.api.unfit_raters import accepted_without
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EnsembleError
from localensemble.core.labels import LabelStatus
from localensemble.core.random_draw import labeled_by_all
from localensemble.study.strategy.recorded_strategy import RecordedStrategy
from localensemble.study.study import Study
from localensemble.study.study_labels import state_word
from localensemble.study.unfit_signs import UnfitSign
from tests.studies import SCRIPTED, study_files

pytestmark = pytest.mark.slow  # labels three small studies and writes their reports

ITEMS = 120
# One text answers nothing, so nobody is asked about it.
TEXTS = [f"comment {n}" for n in range(ITEMS - 1)] + [" "]
EARLY_STOP = """\
consensus: {method: majority}
escalation: [{policy: no_consensus}, {policy: suspected_injection}]
strategy: {name: early_stop, audit: 0.2, seed: 3}
"""
CHAIN = """\
consensus: {method: chain}
escalation: [{policy: missing_raters}]
strategy: {name: chain}
"""


def labeled(folder: Path, rules: str) -> tuple[Path, LabeledStudy]:
    files = study_files(folder, TEXTS, ensemble=SCRIPTED + rules)
    options = LabelOptions(ensemble=files.ensemble)
    done = label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files.study, done


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LabeledStudy]:
    return labeled(tmp_path_factory.mktemp("early_stop"), EARLY_STOP)


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LabeledStudy]:
    return labeled(tmp_path_factory.mktemp("chain"), CHAIN)


def test_early_stop_decides_every_item_as_the_full_run_does(
    stopped: tuple[Path, LabeledStudy], tmp_path: Path
) -> None:
    full, _ = labeled(tmp_path, EARLY_STOP.replace("strategy:", "# strategy:"))
    outcomes = []
    for path in (stopped[0], full):
        with Study.open(path) as study:
            outcomes.append(
                [
                    (one.final.tolist(), one.escalated.tolist(), one.no_answer.tolist())
                    for one in study.decide()
                ]
            )
    assert outcomes[0] == outcomes[1]


def test_agreement_rests_on_the_items_labeled_by_all_by_lot(
    stopped: tuple[Path, LabeledStudy],
) -> None:
    path, _ = stopped
    report = agree(path, options=AgreeOptions(resamples=0))
    with Study.open(path) as study:
        ids = tuple(study.items)
        drawn = labeled_by_all(ids, share=0.2, seed=3)
        for variable, found in zip(study.codebook.variables, report.variables, strict=True):
            compared = study.recorded.compared_items(variable.name)
            assert compared is not None
            assert np.array_equal(compared, drawn)
            rows = study.recorded.compared_matrix(variable)
            assert rows.item_count == drawn.sum()
            assert rows.indices.tolist() == study.labels(variable.name).indices[drawn].tolist()
            assert len(found.labels_per_item) == drawn.sum()
    assert any(f"{drawn.sum()} items" in message for message in report.messages)


def test_a_label_that_was_not_asked_for_is_not_without_a_category(
    stopped: tuple[Path, LabeledStudy],
) -> None:
    findings = stopped[1].findings
    assert findings.unlabeled == 0
    strategy = findings.strategy
    assert strategy is not None
    assert strategy.in_full == 2 * 3 * (ITEMS - 1)
    left_out = sum(rater.left_out for one in findings.variables for rater in one.raters)
    assert 0 < left_out == strategy.in_full - strategy.made
    assert strategy.saved == pytest.approx(left_out / strategy.in_full)
    assert all(rater.missing == 0 for one in findings.variables for rater in one.raters)


def test_raters_are_held_to_the_gold_labels_of_what_they_were_asked(
    stopped: tuple[Path, LabeledStudy], tmp_path: Path
) -> None:
    full, _ = labeled(tmp_path, EARLY_STOP.replace("strategy:", "# strategy:"))
    gold = np.zeros(ITEMS, np.int16)
    gold[3] = -1
    for folder, everyone in ((stopped[0], False), (full, True)):
        with Study.open(folder) as study:
            found = study.recorded.gold_of_raters("topic", gold)
        assert found.shape == (ITEMS, 3)
        assert (found[3] == -1).all()
        assert ((found >= 0).sum(axis=0) == ITEMS - 1).all() == everyone


def test_other_rules_than_those_of_the_strategy_bring_a_caution(
    stopped: tuple[Path, LabeledStudy],
) -> None:
    with Study.open(stopped[0]) as study:
        assert not any("other rules" in one for one in study.cautions)
        other = study.with_rules(decision_rules({"method": "unanimous"}, []))
        assert any("other rules" in one for one in other.cautions)
        assert study.recorded.some_left_out


def test_a_strategy_that_left_nothing_out_is_no_reason_for_caution(tmp_path: Path) -> None:
    path, _ = labeled(tmp_path, EARLY_STOP.replace("audit: 0.2", "audit: 1"))
    with Study.open(path) as study:
        assert not study.recorded.some_left_out
        assert not any("early_stop" in one for one in study.cautions)


def test_what_would_be_accepted_without_a_rater_counts_only_what_was_asked(
    stopped: tuple[Path, LabeledStudy],
) -> None:
    with Study.open(stopped[0]) as study:
        sign = UnfitSign(study.raters[0], "It answers outside the codebook.")
        summary = replace(study.run.summary, unfit_signs=(sign,))
        suspected = replace(study, run=replace(study.run, summary=summary))
        (sentence,) = accepted_without(suspected, decisions=study.decide())
    assert "were asked for" in sentence


def test_a_chain_counts_nobody_as_missing_and_says_what_agreement_rests_on(
    chained: tuple[Path, LabeledStudy],
) -> None:
    path, done = chained
    # `missing_raters` escalates nothing: every rater labeled what it was asked about.
    assert [one.escalated for one in done.findings.variables] == [0, 0]
    strategy = done.findings.strategy
    assert strategy is not None
    for one in strategy.variables:
        assert one.made == (("first", 119), ("second", 80), ("third", 40))
        assert one.compared is None
    with Study.open(path) as study:
        assert any("several raters labeled" in one for one in study.cautions)
        assert study.recorded.compared_items("topic") is None


def test_a_label_that_is_not_there_was_not_asked_for(
    stopped: tuple[Path, LabeledStudy], of_models: Path
) -> None:
    for path, word in ((stopped[0], "<not asked>"), (of_models, "<missing>")):
        with Study.open(path) as study:
            assert state_word(None, gap=study.recorded.gap) == word
    assert state_word(LabelStatus.FAILED, gap="not_asked") == "<failed>"


def test_a_rater_is_held_to_the_gold_labels_of_what_it_was_asked(
    chained: tuple[Path, LabeledStudy], tmp_path: Path
) -> None:
    path, _ = chained
    with Study.open(path) as study:
        ids, left_out = tuple(study.items), study.recorded.left_out("topic")
    gold = tmp_path / "gold.csv"
    rows = "".join(f"{one},staff\n" for one in ids)
    gold.write_text(f"id,gold_topic\n{rows}", encoding="utf-8")
    topic = evaluate(path, gold=gold).variables[0]
    assert topic.gold is not None
    assert 0 == left_out[0] < left_out[1] < left_out[2]
    for rater, unasked, compared in zip(topic.raters, left_out, topic.gold.evaluated, strict=False):
        assert rater.accuracy is not None
        # The text that answers nothing has no label, but it was not left out by the strategy.
        assert (rater.accuracy.items, rater.accuracy.unlabeled) == (ITEMS - unasked - 1, 1)
        assert (compared.evaluation.items, compared.evaluation.unlabeled) == (
            ITEMS - unasked - 1,
            1,
        )


def test_a_study_without_a_strategy_asks_everyone(of_models: Path) -> None:
    with Study.open(of_models) as study:
        labels = study.recorded
        block = labels.block("topic", start=0, stop=5)
        assert labels.asked(block) is None
        assert labels.left_out("topic") == (0, 0, 0)
        assert labels.compared_items("topic") is None


def test_rules_that_the_strategy_cannot_serve_are_refused_before_a_label_is_made(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=SCRIPTED + "strategy: {name: early_stop}\n")
    with pytest.raises(EnsembleError, match="missing_raters"):
        label(
            files.items,
            codebook=files.codebook,
            study=files.study,
            options=LabelOptions(ensemble=files.ensemble),
        )
    assert not files.study.exists()


def test_a_variable_of_which_everything_was_asked_is_compared_in_full(
    stopped: tuple[Path, LabeledStudy],
) -> None:
    strategy = RecordedStrategy("early_stop", {"audit": 1, "seed": 0}, None)
    drawn = strategy.labeled_by_all(["a", "b"])
    assert drawn is not None
    assert drawn.all()


def test_a_strategy_of_roles_says_that_agreement_is_measured_among_the_labelers() -> None:
    (caution,) = RecordedStrategy("roles", {}, None).cautions(["a"], rules=None)
    assert "among the labelers" in caution


def test_labels_that_no_fit_verifier_confirmed_bring_a_caution() -> None:
    method = {"method": "roles", "roles": {"check": "verifier", "again": "verifier"}}
    strategy = RecordedStrategy("roles", {}, decision_rules(method, []).content)

    def warns(*unfit: str) -> bool:
        rules = decision_rules(method, [], unfit=unfit).content
        return "nobody confirmed" in " ".join(strategy.cautions(["a"], rules=rules))

    assert not warns()
    assert not warns("again")
    assert warns("again", "check")
