"""What a certificate keeps of its texts, and when other texts differ from them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from localensemble.consensus.certificates.certificate import Certificate, certificate
from localensemble.consensus.certificates.pool_profile import (
    PoolProfile,
    pool_differences,
    pool_profile,
)
from localensemble.consensus.certificates.sample_plan import items_to_check
from localensemble.consensus.certificates.threshold import CertifiedThreshold, certify_threshold


def texts(
    seed: int, *, items: int = 1_000, shift: float = 0.0, staff: float = 0.7, accepted: float = 0.6
) -> PoolProfile:
    generator = np.random.default_rng(seed)
    scores = generator.random(items) * (1 - shift)
    scores[generator.random(items) < 0.1] = np.nan
    of_staff = int(generator.binomial(items, staff))
    return pool_profile(
        scores,
        category_counts={"staff": of_staff, "food": items - of_staff, "": 0},
        accepted=int(generator.binomial(items, accepted)),
        item_set_sha256=f"{seed:064d}",
        item_count=items,
    )


def test_a_profile_has_a_hundred_quantiles_and_no_single_item() -> None:
    found = texts(1)
    assert len(found.score_quantiles) == 100
    assert list(found.score_quantiles) == sorted(found.score_quantiles)
    assert (found.items, found.scored < 1_000) == (1_000, True)
    assert found.accepted_share == pytest.approx(0.6, abs=0.05)


def test_texts_of_one_kind_do_not_differ() -> None:
    for seed in range(2, 30):
        found = pool_differences(texts(1), here=texts(seed))
        assert [one.what for one in found] == ["scores", "accepted share", "category shares"]
        assert not any(one.matters for one in found)


@pytest.mark.parametrize(
    ("here", "what", "words"),
    [
        (texts(2, shift=0.3), "scores", "Kolmogorov-Smirnov"),
        (texts(2, accepted=0.3), "accepted share", "instead of"),
        (texts(2, staff=0.4), "category shares", '"staff" instead of'),
    ],
)
def test_texts_of_another_kind_differ_in_what_they_differ(
    here: PoolProfile, what: str, words: str
) -> None:
    [found] = [one for one in pool_differences(texts(1), here=here) if one.matters]
    assert found.what == what
    assert found.effect >= 0.1
    assert words in found.words


def test_a_small_difference_is_not_one_that_matters_however_many_items_show_it() -> None:
    many, others = texts(1, items=100_000), texts(2, items=100_000, staff=0.66)
    found = pool_differences(many, here=others)[2]
    assert (found.p_value < 0.01, found.matters) == (True, False)
    few = pool_differences(texts(1, items=10), here=texts(2, items=10, staff=0.4))
    assert not any(one.matters for one in few)


def test_what_one_side_lacks_is_not_compared() -> None:
    empty = pool_profile(
        np.array([]), category_counts={}, accepted=0, item_set_sha256="0", item_count=0
    )
    assert empty.accepted_share == 0
    assert pool_differences(texts(1), here=empty) == ()
    unscored = pool_profile(
        np.full(50, np.nan),
        category_counts={"": 50},
        accepted=0,
        item_set_sha256="0",
        item_count=50,
    )
    found = pool_differences(texts(1), here=unscored)
    assert [one.what for one in found] == ["accepted share", "category shares"]
    assert "no consensus" in found[1].words
    same = pool_differences(unscored, here=unscored)
    assert [one.p_value for one in same] == [1, 1]


def issued(certified: CertifiedThreshold) -> Certificate:
    return certificate(
        certified,
        variable="topic",
        by="support",
        consensus_method="majority",
        consensus_settings=(),
        gold_scores=np.ones(5),
        pool_scores=np.ones(300),
        hashes={"codebook": "c" * 64},
        date="2026-11-28",
        profile=texts(1),
    )


def certified(gold: int, unread: int, *, score: float = 1.0) -> CertifiedThreshold:
    return certify_threshold(
        np.full(gold, score),
        wrong=np.zeros(gold, bool),
        grid=(1.0,),
        alpha=0.05,
        delta=0.1,
        unread_scores=np.full(unread, score),
    )


def test_a_certificate_keeps_the_profile_and_the_unread_in_its_file() -> None:
    made = issued(certified(100, 200))
    values = json.loads(json.dumps(made.as_values(), allow_nan=False))
    assert values["version"] == 2
    assert values["certified"]["chosen"]["unread"] == 200
    assert Certificate.from_values(values) == made


def test_the_sentence_is_about_the_items_without_a_gold_label() -> None:
    sentence = issued(certified(100, 200)).sentence()
    for part in (
        "Of the items without a gold label that are accepted with support of at least 1",
        "exact hypergeometric",
        "upper bound",
        "200 of them without a gold label",
    ):
        assert part in sentence


def test_the_sentence_tells_apart_why_nothing_is_certified() -> None:
    assert "nothing is left to accept without review" in issued(certified(100, 0)).sentence()
    assert "leave nothing to accept" in issued(certified(100, 9, score=np.nan)).sentence()
    assert "leave only 20 items to accept" in issued(certified(10, 10)).sentence()
    for one in (certified(100, 0), certified(100, 9, score=np.nan), certified(10, 10)):
        assert "labels are wrong" not in issued(one).sentence()
        assert issued(one).promise() == ""
        assert issued(one).accepted_if() == ""


@pytest.mark.parametrize("name", ["score_quantiles", "category_counts"])
def test_a_damaged_profile_is_refused(name: str) -> None:
    values = json.loads(json.dumps(issued(certified(100, 200)).as_values()))
    values["profile"][name] = "x"
    with pytest.raises(Exception, match="missing or malformed"):
        Certificate.from_values(values)


def test_a_certificate_of_version_1_is_written_as_it_was_read() -> None:
    made = replace(issued(certified(100, 200)), profile=None)
    values = made.as_values()
    assert values["version"] == 1
    assert "profile" not in values
    assert Certificate.from_values(values).as_values() == values
    nothing = replace(issued(certified(100, 0)), profile=None)
    assert Certificate.from_values(nothing.as_values()).certified.chosen is None


def test_a_check_needs_as_many_labels_as_show_the_promise_and_never_more_than_there_are() -> None:
    assert items_to_check(alpha=0.2, delta=0.1, accepted=12) == 12
    needed = items_to_check(alpha=0.2, delta=0.1, accepted=5_000)
    assert 60 <= needed <= 90
    assert items_to_check(alpha=0.05, delta=0.1, accepted=5_000) > needed
    # A share this small cannot be shown at all.
    assert items_to_check(alpha=1e-7, delta=0.1, accepted=400) == 400
