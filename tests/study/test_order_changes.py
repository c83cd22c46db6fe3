"""Counts of answers that depend on the order of the categories are kept with the runs."""

from __future__ import annotations

import json

from localensemble.core.identity import JsonValue
from localensemble.core.labels import Label, LabelStatus
from localensemble.ledger.records import RaterKey, RunKey, RunRecord, VariableKey
from localensemble.study.order_changes import OrderChanges, OrderTally, order_changes

ONE, TWO = RaterKey(1), RaterKey(2)
TOPIC, URGENT = VariableKey(1), VariableKey(2)


def label(depends_on_order: bool | None) -> Label:
    return Label(LabelStatus.ASSIGNED, category=0, depends_on_order=depends_on_order)


def run(summary: JsonValue) -> RunRecord:
    return RunRecord(RunKey(1), "2026-11-27", {}, "finished", "2026-11-27", summary)


def test_labels_recorded_before_and_labels_asked_in_one_order_are_not_counted() -> None:
    tally = OrderTally()
    tally.add(ONE, {TOPIC: [label(True), None, label(False), label(None)], URGENT: [label(None)]})
    tally.add(ONE, {TOPIC: [label(True)]})
    written = json.loads(json.dumps(tally.as_json()))
    assert order_changes([run(written)]) == {(ONE, TOPIC): OrderChanges(3, 2)}


def test_a_run_that_asks_in_one_order_writes_nothing() -> None:
    tally = OrderTally()
    tally.add(ONE, {TOPIC: [label(None)]})
    assert tally.as_json() == {}


def test_counts_of_several_runs_add_up_by_rater_and_variable() -> None:
    first, second = OrderTally(), OrderTally()
    first.add(ONE, {TOPIC: [label(True)], URGENT: [label(False)]})
    second.add(ONE, {TOPIC: [label(False)]})
    second.add(TWO, {TOPIC: [label(True)]})
    cut_off = RunRecord(RunKey(3), "2026-11-27", {}, None, None, None)
    assert order_changes([run(first.as_json()), cut_off, run(second.as_json()), run({})]) == {
        (ONE, TOPIC): OrderChanges(2, 1),
        (ONE, URGENT): OrderChanges(1, 0),
        (TWO, TOPIC): OrderChanges(1, 1),
    }


def test_equal_answers_in_all_orders_are_counted_together_over_runs() -> None:
    first, second = OrderTally(), OrderTally()
    steady, other = (
        Label(LabelStatus.ASSIGNED, category=0, depends_on_order=changes, by_order=answers)
        for changes, answers in ((False, (0, 0)), (True, (0, -1)))
    )
    first.add(ONE, {TOPIC: [steady, other, None, steady]})
    second.add(ONE, {TOPIC: [steady]})
    written = [json.loads(json.dumps(one.as_json())) for one in (first, second)]
    found = order_changes([run(one) for one in written])
    assert found == {(ONE, TOPIC): OrderChanges(4, 1, {(0, 0): 3, (0, -1): 1})}


def test_counts_of_earlier_versions_are_read() -> None:
    earlier = {"order_changes": [{"rater": 1, "variable": 1, "items": 5, "changed": 2}]}
    assert order_changes([run(earlier)]) == {(ONE, TOPIC): OrderChanges(5, 2)}
