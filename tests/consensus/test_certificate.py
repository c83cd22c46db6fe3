"""The certificate: what it says, what it is bound to, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from localensemble.consensus.certificates.certificate import Certificate, certificate, score_shift
from localensemble.consensus.certificates.pool_profile import pool_profile
from localensemble.consensus.certificates.threshold import (
    CertifiedThreshold,
    certify_threshold,
    control_risk,
)
from localensemble.core.errors import InputError

HASHES = {"rater qwen": "a" * 64, "rater llama": "b" * 64, "prompt": "c" * 64, "codebook": "d" * 64}
SCORES = np.array([1.0] * 60 + [0.8] * 60 + [0.6] * 80)
WRONG = np.array([False] * 60 + [True] * 2 + [False] * 58 + [True] * 11 + [False] * 69)
GRID = (1.0, 0.8, 0.6)


def issued(certified: CertifiedThreshold | None = None) -> Certificate:
    generator = np.random.default_rng(0)
    pool = np.append(generator.choice(SCORES, 1_000), np.nan)
    return certificate(
        certified
        or certify_threshold(
            SCORES, wrong=WRONG, grid=GRID, alpha=0.05, delta=0.1, least_accepted=45
        ),
        variable="sentiment",
        by="mean_probability",
        consensus_method="majority",
        consensus_settings=(("minimum_share", "null"),),
        gold_scores=SCORES,
        pool_scores=pool,
        hashes=HASHES,
        date="2025-03-01",
    )


def test_the_sentence_holds_every_number_of_the_promise() -> None:
    sentence = issued().sentence()
    for part in (
        "mean probability of at least 0.8, at most 5.0% are wrong",
        "with confidence 90.0%",
        "Certified on 2025-03-01 for sentiment",
        "Learn-then-Test (fixed sequence, exact binomial)",
        "on 200 items drawn at random and labeled by people",
        "120 of them accepted, 2 wrong (upper bound 4.37%)",
        "of 1,001 items (",
    ):
        assert part in sentence


def test_conformal_risk_control_promises_another_sentence() -> None:
    certified = control_risk(SCORES, wrong=WRONG, grid=GRID, alpha=0.05)
    sentence = issued(certified).sentence()
    assert "On average at most 5.0% of all items are accepted" in sentence
    assert "says nothing about the share of wrong" in sentence
    assert "confidence" not in sentence
    assert "upper bound" not in sentence


def test_a_failed_certification_says_so_and_what_would_help() -> None:
    few = certify_threshold(SCORES[:30], wrong=WRONG[:30], grid=GRID, alpha=0.05, delta=0.1)
    sentence = issued(few).sentence()
    assert sentence.startswith("Nothing can be accepted")
    assert "about 45 such items" in sentence
    hopeless = certify_threshold(
        SCORES, wrong=np.ones(200, dtype=np.bool_), grid=GRID, alpha=0.05, delta=0.1
    )
    assert "more such items would not help" in issued(hopeless).sentence()
    assert issued(hopeless).pool_accepted == 0


def test_a_certification_without_an_item_to_accept_does_not_blame_the_labels() -> None:
    escalated = certify_threshold(SCORES, wrong=WRONG, grid=(), alpha=0.05, delta=0.1)
    sentence = issued(escalated).sentence()
    assert "the rules of the study escalate every item" in sentence
    assert "are wrong" not in sentence


def test_the_pool_counts_at_the_threshold_itself() -> None:
    found = issued()
    assert found.pool_items == 1_001
    assert found.pool_accepted == pytest.approx(600, abs=50)


def test_the_same_hashes_are_accepted_in_any_order() -> None:
    issued().check(dict(reversed(HASHES.items())))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda hashes: hashes | {"prompt": "e" * 64}, "prompt"),
        (lambda hashes: {k: v for k, v in hashes.items() if k != "codebook"}, "codebook"),
        (lambda hashes: hashes | {"rater gemma": "f" * 64}, "rater gemma"),
    ],
)
def test_a_changed_missing_or_new_hash_is_refused_by_name(
    change: Callable[[dict[str, str]], dict[str, str]], named: str
) -> None:
    with pytest.raises(InputError, match=f"changed since 2025-03-01: {named}.") as raised:
        issued().check(change(dict(HASHES)))
    assert "Certify again" in str(raised.value)


@pytest.mark.parametrize("method", ["fixed_sequence", "conformal_risk_control", "nothing"])
def test_a_certificate_survives_json(method: str) -> None:
    made = {
        "fixed_sequence": issued(),
        "conformal_risk_control": issued(control_risk(SCORES, wrong=WRONG, grid=GRID, alpha=0.05)),
        "nothing": issued(
            certify_threshold(SCORES[:30], wrong=WRONG[:30], grid=GRID, alpha=0.05, delta=0.1)
        ),
    }[method]
    text = json.dumps(made.as_values(), allow_nan=False)
    assert Certificate.from_values(json.loads(text)) == made


def test_the_count_of_gold_items_keeps_its_name_in_files() -> None:
    values = json.loads(json.dumps(issued().as_values()))
    assert values["certified"]["calibration_items"] == issued().certified.gold_items


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda values: values.pop(name)


def _with(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            values = values[parent]
        values[last] = value

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _without("hashes"),
        _with("version", 2),
        _with("version", 3),
        _with("certified", None),
        _with("certified.candidates", "x"),
        _with("certified.chosen.threshold", "0.8"),
        _with("certified.chosen.outcome", "won"),
        _with("certified.alpha", True),
        _with("certified.method", "guess"),
        _with("certified.calibration_items", 2.5),
        _with("by", "luck"),
        _with("variable", 3),
        _with("hashes", {"prompt": "c"}),
        _with("hashes", [["prompt"]]),
        _with("date", "\x1b[2J"),
        _with("pool_items", -1),
        _with("certified.alpha", 10**400),
    ],
)
def test_a_damaged_certificate_is_refused(damage: Callable[[dict[str, Any]], None]) -> None:
    values = json.loads(json.dumps(issued().as_values()))
    damage(values)
    with pytest.raises(InputError, match="missing or malformed"):
        Certificate.from_values(values)


def described() -> Certificate:
    """Issue a certificate with a count of unread items and a profile, as `certify` does."""
    unread = np.array([1.0] * 300 + [0.8] * 300 + [0.6] * 190 + [np.nan] * 10)
    pool = np.append(SCORES, unread)
    certified = certify_threshold(
        SCORES, wrong=WRONG, grid=GRID, alpha=0.05, delta=0.1, unread_scores=unread
    )
    profile = pool_profile(
        pool,
        category_counts={"good": 600, "bad": 390, "": 10},
        accepted=int(np.count_nonzero(pool >= 0.8)),
        item_set_sha256="e" * 64,
        item_count=len(pool),
    )
    return certificate(
        certified,
        variable="sentiment",
        by="mean_probability",
        consensus_method="majority",
        consensus_settings=(),
        gold_scores=SCORES,
        pool_scores=pool,
        hashes=HASHES,
        date="2025-03-01",
        profile=profile,
    )


def _changed(change: Callable[[dict[str, Any]], None]) -> Certificate:
    values = json.loads(json.dumps(described().as_values()))
    change(values)
    return Certificate.from_values(values)


@pytest.mark.parametrize(
    "edit",
    [
        _with("pool_items", 1_200),
        _with("pool_accepted", 650),
        _with("certified.least_accepted", 0),
        _with("certified.pool_items", 1_200),
        _with("shift.statistic", 1e300),
        _with("shift.p_value", 1.5),
        _with("profile.item_count", 900),
        _with("profile.items", 990),
        _with("profile.accepted", 20),
        _with("profile.accepted", 990),
        _with("profile.scored", 20),
        _with("profile.scored", 2_000),
        _with("profile.score_quantiles", []),
        _with("profile.score_quantiles", [0.9] * 99),
        _with("profile.score_quantiles", [0.1] * 100),
        _with("profile.score_quantiles", [0.9] * 50 + [0.8] * 50),
        _with("profile.category_counts", []),
        _with("profile.category_counts", [["good", 6], ["bad", 390], ["", 10]]),
        _with("profile.category_counts", [["good", 600], ["good", 390], ["", 10]]),
    ],
)
def test_an_edit_that_contradicts_the_other_counts_is_refused(
    edit: Callable[[dict[str, Any]], None],
) -> None:
    _changed(lambda values: None).refuse_edited("It")
    with pytest.raises(InputError, match="changed after"):
        _changed(edit).refuse_edited("It")


def test_a_profile_is_not_hidden_by_another_version() -> None:
    # Without its profile, a certificate could not be told to be about other texts.
    with pytest.raises(InputError, match="malformed"):
        _changed(_with("version", 1))


def test_a_promise_may_leave_out_items_that_its_profile_has() -> None:
    # Items that trained a rater have scores, but no promise is about them.
    made = described()
    assert made.profile is not None
    profile = replace(
        made.profile,
        item_count=1_010,
        items=1_005,
        scored=995,
        accepted=made.pool_accepted + 5,
        category_counts=(("good", 605), ("bad", 390), ("", 10)),
    )
    replace(made, profile=profile).refuse_edited("It")


def test_a_random_draw_looks_like_its_pool_and_a_choice_does_not() -> None:
    generator = np.random.default_rng(8)
    pool = generator.random(20_000)
    pool[:2_000] = np.nan
    drawn = generator.choice(pool, 300, replace=False)
    assert score_shift(drawn, pool_scores=pool).warning == ""
    chosen = drawn[~(drawn < 0.3)]
    shift = score_shift(chosen, pool_scores=pool)
    assert shift.p_value is not None
    assert shift.p_value < 0.01
    assert "not random" in shift.warning
    unscored = np.full(50, np.nan)
    assert "not random" in score_shift(unscored, pool_scores=pool).warning


def test_one_item_is_compared_with_itself_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    shift = score_shift(np.array([0.9]), pool_scores=np.array([0.9]))
    assert (shift.p_value, shift.warning, list(recwarn)) == (1.0, "", [])


def test_scores_that_are_not_there_cannot_be_compared() -> None:
    shift = score_shift(np.empty(0), pool_scores=np.ones(3))
    assert shift.statistic is None
    assert "could not be compared" in shift.warning


def test_assumptions_are_listed_with_signs_against_them() -> None:
    found = issued()
    assert len(found.assumptions()) == 4
    shifted = certificate(
        found.certified,
        variable="sentiment",
        by="support",
        consensus_method="majority",
        consensus_settings=(),
        gold_scores=SCORES,
        pool_scores=np.zeros(1_000),
        hashes=HASHES,
        date="2025-03-01",
    )
    assert "not random" in shifted.assumptions()[-1]
