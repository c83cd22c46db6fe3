"""Raters that are declared unfit, and the raters that cause a reason."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.policies.causes import Causes
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EnsembleError

RULES = decision_rules({"method": "majority"}, [])
MANY = tuple(f"r{n}" for n in range(7))


def test_raters_declared_unfit_are_left_out_and_recorded() -> None:
    unfit = RULES.with_unfit(["bo", "bo"])
    assert unfit.fit(["ann", "bo"]) == ("ann",)
    assert isinstance(unfit.content, dict)
    assert unfit.content["unfit"] == ["bo"]
    assert unfit.with_unfit([]).content == RULES.content


def test_an_unknown_or_every_rater_cannot_be_unfit() -> None:
    with pytest.raises(EnsembleError, match='"bob"'):
        RULES.with_unfit(["bob"]).fit(["bo", "ann"])
    with pytest.raises(EnsembleError, match="Every rater"):
        RULES.with_unfit(["bo"]).fit(["bo"])


def test_a_reason_names_the_raters_that_cause_it_and_how_often() -> None:
    masks = np.zeros((3, 7), dtype=np.bool_)
    masks[0] = True
    masks[1, 6] = True
    causes = Causes.of(MANY, masks=masks, predicate="gave no label")
    assert causes.text(1) == "r6 gave no label"
    assert causes.text(2) == ""
    assert causes.text(0).endswith("2 other raters gave no label")
    # More raters than a sentence names: those that cause most come first.
    assert causes.summary().startswith("r6 (2)")
    gone = causes.without(np.array([True, False, False]))
    assert (gone.text(0), gone.summary()) == ("", "r6 gave no label")
