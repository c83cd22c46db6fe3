"""A rater outside the codebook is shown the readout with which it would answer inside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.core.prompts import Prompt
from localensemble.piloting.asked_rater import Readouts
from localensemble.piloting.sentences import advice, outlook
from tests.piloting.pilots import asked, honest, item_text, outside, piloted

OFFERED = Readouts((), ("name", "option"))


def by_letter(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    """Answer inside the codebook only if the answers are letters, and as the text says."""
    if "A" not in answers:
        return outside(prompt, answers)
    place = len(item_text(prompt)) % len(answers)
    return [0.9 if k == place else 0.02 for k in range(len(answers))]


def test_the_readout_that_mends_a_rater_is_the_advice(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "away": by_letter}, readouts=OFFERED)
    (other,) = found.other_readouts
    assert (other.rater, other.readout) == ("away", "option")
    (sentence,) = (one for one in advice(found) if "readout: option" in one)
    assert "name 0.997 and option 0." in sentence
    assert found.drop == ("away",)


def test_where_only_another_readout_makes_a_rater_fit_that_is_the_advice(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"away": by_letter}, readouts=OFFERED)
    assert found.none_fit
    sentences = advice(found)
    place = next(n for n, one in enumerate(sentences) if "with its present readout" in one)
    assert "readout: option" in sentences[place + 1]


def test_where_no_readout_helps_that_is_stated(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "away": outside}, readouts=OFFERED)
    assert any("No readout keeps away inside" in one for one in advice(found))


@pytest.mark.parametrize("readouts", [Readouts(), Readouts(("name",), ("name", "option"))])
def test_readouts_are_compared_only_if_the_file_states_none(
    tmp_path: Path, readouts: Readouts
) -> None:
    found = piloted(tmp_path, {"one": honest, "away": by_letter}, readouts=readouts)
    assert found.other_readouts == ()


def test_a_choice_left_to_the_program_is_made_and_part_of_the_rater(tmp_path: Path) -> None:
    both = Readouts(("name", "option"), ("name", "option"))
    _, (rater,) = asked(tmp_path, {"away": by_letter}, readouts=both)
    assert rater.chosen_readout is not None
    assert rater.chosen_readout.readout == "option"
    assert ("readout", "option") in rater.identity.settings
    found = piloted(tmp_path / "again", {"away": by_letter}, readouts=both)
    assert found.variables[0].raters[0].outside.above == 0
    assert any('readout "option" was chosen' in one for one in outlook(found))
