"""An item of no study is decided by the rules that need nothing but the item."""

from __future__ import annotations

import pytest

from localensemble.codebook.model import BelowRequired, Category, RequiredAgreement, Variable
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.labels import EMPTY_TEXT, Label, LabelStatus
from localensemble.study.lone_item import LoneDecision, decide_alone

TOPIC = Variable("topic", "nominal", "", (Category("staff", ""), Category("food", "")))


def assigned(category: int, *, outside: float | None = 0.01) -> Label:
    other = (0.9, 0.1) if category == 0 else (0.1, 0.9)
    return Label(LabelStatus.ASSIGNED, category, other, outside)


FAILED = Label(LabelStatus.FAILED, reason="too_long")
BLANK = Label(LabelStatus.FAILED, reason=EMPTY_TEXT)
ASKED = {"ann": assigned(0), "bo": assigned(0), "cy": assigned(1, outside=0.7)}


def rules(method: str = "majority", *policies: dict[str, object]) -> DecisionRules:
    return decision_rules({"method": method}, list(policies))


def alone(
    labels: dict[str, Label], rule: DecisionRules, variable: Variable = TOPIC
) -> LoneDecision:
    return decide_alone(labels, variable=variable, rules=rule, sets_non_answers_apart=True)


def test_the_consensus_of_one_item_has_its_support() -> None:
    found = alone(ASKED, rules())
    assert (found.category, found.labels_used, found.escalated) == ("staff", 3, False)
    assert found.support == pytest.approx(2 / 3)
    assert (found.reasons, found.left_out, found.no_answer) == ((), (), False)


def test_a_policy_on_the_item_escalates_and_names_the_rater() -> None:
    found = alone(ASKED, rules("majority", {"policy": "off_codebook_mass_above", "limit": 0.5}))
    assert found.escalated is True
    assert "cy" in found.reasons[0]


def test_a_label_without_numbers_is_not_a_vote() -> None:
    found = alone({"ann": assigned(0), "bo": FAILED}, rules("unanimous"))
    assert (found.category, found.labels_used) == ("staff", 1)
    nobody = alone({"ann": FAILED, "bo": FAILED}, rules("unanimous"))
    assert (nobody.category, nobody.support, nobody.escalated) == (None, None, True)


def test_rules_that_need_a_study_are_left_out_by_name() -> None:
    policies: tuple[dict[str, object], ...] = (
        {"policy": "budget", "items": 3},
        {"policy": "control_missed"},
    )
    found = alone(ASKED, rules("majority", *policies))
    assert found.left_out == ("budget", "control_missed")
    fitted = alone(ASKED, rules("dawid_skene", *policies))
    assert (fitted.category, fitted.escalated) == (None, None)
    assert fitted.left_out == ("dawid_skene", "budget", "control_missed")


@pytest.mark.parametrize(("below", "named"), [("review", True), ("warn", False)])
def test_a_required_agreement_is_left_out_if_it_would_escalate(
    below: BelowRequired, named: bool
) -> None:
    required = RequiredAgreement("AC1", 0.6, below)
    variable = Variable("topic", "nominal", "", TOPIC.categories, required_agreement=required)
    assert ("required_agreement" in alone(ASKED, rules(), variable).left_out) is named


def test_raters_that_are_unfit_do_not_count() -> None:
    found = alone(ASKED, rules().with_unfit(["ann", "bo"]))
    assert (found.category, found.labels_used) == ("food", 1)


def test_a_text_that_answers_nothing_needs_no_decision() -> None:
    labels = {"ann": BLANK, "bo": BLANK}
    assert alone(labels, rules()).no_answer
    assert not decide_alone(labels, variable=TOPIC, rules=rules()).no_answer
