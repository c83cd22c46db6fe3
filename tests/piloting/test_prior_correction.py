"""A calibration without gold labels is shown; it is chosen only by gold labels it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.identity import sha256_json, sha256_text
from localensemble.core.prompts import Prompt
from localensemble.piloting.recommended_calibrations import recommended_calibrations
from localensemble.piloting.sentences import advice
from tests.piloting.pilots import asked, fitness, honest, item_text, of_variable, piloted

ONE = {"rater": honest}


def strong_prior(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    """Answer by the text, times a prior that the text cannot outweigh."""
    words = item_text(prompt).split()
    prior = {"staff": 0.9, "no": 0.9}
    shares = [prior.get(one, 0.05) * (0.6 if one in words else 0.2) for one in answers]
    return [share / sum(shares) for share in shares]


def mild(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    words = item_text(prompt).split()
    shares = [0.5 if one in words else 0.3 for one in answers]
    return [share / sum(shares) for share in shares]


def test_a_strong_prior_is_divided_out_and_the_gain_is_shown_on_held_out_gold(
    tmp_path: Path,
) -> None:
    found = piloted(tmp_path, {"biased": strong_prior}, gold=True)
    topic = of_variable(found)
    (rater,) = topic.priors.raters
    assert rater.raw == (50, 0, 0)
    assert rater.right[0] == 20
    assert rater.right[1] == 50
    assert rater.prior == pytest.approx((0.9, 0.05, 0.05))
    choice = topic.priors.choice
    assert choice is not None
    assert choice.comparison is not None
    assert (choice.raters, choice.choosing, choice.comparison.items) == (("biased",), 25, 25)
    assert (choice.right[1], choice.comparison.only_first) == (25, 0)
    assert choice.comparison.only_second == 25 - choice.right[0]
    assert choice.recommended
    (sentence,) = (one for one in advice(found, folder="pilot") if one.startswith("topic: context"))
    assert "--calibration pilot/rater-calibration-topic.json" in sentence
    assert "method: mean_probability" in sentence


def test_without_a_prior_nothing_is_chosen(tmp_path: Path) -> None:
    found = piloted(tmp_path, ONE, gold=True)
    choice = of_variable(found).priors.choice
    assert choice is not None
    assert (choice.raters, choice.comparison, choice.recommended) == ((), None, False)
    assert any("Leave the probabilities as they are" in one for one in advice(found))


def test_without_gold_nothing_is_ever_chosen(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"biased": strong_prior})
    assert [one.priors.choice for one in found.variables] == [None, None]
    text = " ".join(advice(found))
    assert "Only gold labels can show" in text
    assert "--calibration" not in text
    chosen, raters = asked(tmp_path / "again", {"biased": strong_prior})
    written = recommended_calibrations(
        found, raters=raters, items=chosen.items, gold={}, date="2026-11-27"
    )
    assert written == ()


@pytest.mark.parametrize(("count", "chosen"), [(19, False), (20, True)])
def test_few_gold_labels_choose_nothing(tmp_path: Path, count: int, chosen: bool) -> None:
    found = piloted(tmp_path, {"biased": strong_prior}, gold=True, count=count)
    assert (of_variable(found).priors.choice is not None) == chosen


def test_the_calibration_leaves_raters_without_a_gain_as_they_are(tmp_path: Path) -> None:
    scripts = {"biased": strong_prior, "reader": mild}
    found = piloted(tmp_path, scripts, gold=True)
    # Its one answer is its prior, which the calibration divides out.
    assert fitness(found, "biased").signs == ("one answer",)
    assert found.drop == ()
    chosen, raters = asked(tmp_path / "again", scripts)
    gold = {one.variable: np.zeros(50, dtype=np.int16) for one in found.variables}
    gold["topic"][3] = -1
    calibrations = recommended_calibrations(
        found, raters=raters, items=chosen.items, gold=gold, date="2026-11-27"
    )
    # They decided on the calibration, so they cannot serve a certificate.
    used = next(one.used_items for one in calibrations if one.variable == "topic")
    assert len(set(used)) == 49
    item = chosen.items[0]
    assert used[0] == sha256_json([str(item.id), sha256_text(item.text)])
    assert "topic" in [one.variable for one in calibrations]
    for one in calibrations:
        own = np.array([[0.6, 0.3, 0.1]]) if one.variable == "topic" else np.array([[0.7, 0.3]])
        assert one.raters[1].name == "reader"
        assert one.raters[1].calibration.apply(own) == pytest.approx(own)
        assert one.raters[0].calibration.apply(own) != pytest.approx(own)
        assert one.raters[0].identity_sha256 == raters[0].identity.sha256
