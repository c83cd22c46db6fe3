"""Sentences of the report that depend on numbers alone."""

from __future__ import annotations

import pytest

from localensemble.findings.confidence import (
    ConfidenceSpread,
    RaterConfidence,
    VariableConfidence,
)
from localensemble.report.wording import off_codebook_verdict

NOTHING = ConfidenceSpread(0, 0, None, (0,) * 10)


@pytest.mark.parametrize(("outside", "named"), [(0, False), (20, False), (21, True), (40, True)])
def test_a_rater_that_mostly_answers_outside_the_codebook_is_named(
    outside: int, named: bool
) -> None:
    raters = (
        RaterConfidence("good", NOTHING, 0.1, 3),
        RaterConfidence("odd", NOTHING, 0.6, outside),
    )
    found = off_codebook_verdict(VariableConfidence(raters, NOTHING, NOTHING), items=40)
    assert len(found) == named
    if named:
        assert found[0].startswith('"odd" ')
        assert f"on {outside} of 40 items" in found[0]
