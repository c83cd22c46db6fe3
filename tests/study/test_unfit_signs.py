"""Raters that seem unfit are named when their first block is done, and kept in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from localensemble.api.consensus import ConsensusOptions, decide_again
from localensemble.api.unfit_raters import accepted_without
from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import UnfitRaterError
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.scripted import Script, ScriptedEngine
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.run import run_labeling
from localensemble.labeling.tally import Progress
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.study import Study
from localensemble.study.unfit_signs import UnfitSign
from localensemble.tables.item_file import ItemFile
from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels several studies

TEXTS = [f"text {n}" for n in range(150)]
USUAL = [{"policy": "off_codebook_mass_above", "limit": 0.5}]


def outside(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [0.003 / len(answers)] * len(answers)


def alike(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [*[0.01] * (len(answers) - 1), 0.9]


def varied(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    chosen = sum(map(ord, prompt.messages[-1].text)) % len(answers)
    return [0.9 if place == chosen else 0.01 for place in range(len(answers))]


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, TEXTS)


def label_with(
    files: StudyFiles,
    scripts: Mapping[str, Script],
    *,
    policies: Sequence[Mapping[str, object]] = USUAL,
    unfit: Sequence[str] = (),
    limit: int | None = None,
    stop_unfit: bool = False,
    seen: list[UnfitSign | Progress] | None = None,
    chosen: Sequence[ReadoutChoice] = (),
) -> list[UnfitSign | Progress]:
    """Label with a scripted rater for each name; return what was reported, in order."""

    def engine(name: str, script: Script) -> Callable[[], ScriptedEngine]:
        return lambda: ScriptedEngine(script, seed=name)

    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=tuple(
            NamedEngine(RaterName(name), engine(name, script)) for name, script in scripts.items()
        ),
        template=load_template(),
        layout=None,
        rules=decision_rules({"method": "majority"}, policies, unfit=unfit),
        limit=limit,
        stop_unfit=stop_unfit,
        chosen_readouts=tuple(chosen),
    )
    files.study.mkdir(exist_ok=True)
    seen = [] if seen is None else seen
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        run_labeling(plan, ledger=ledger, on_progress=seen.append, on_sign=seen.append)
    return seen


def signs_of(seen: Sequence[UnfitSign | Progress]) -> list[UnfitSign]:
    return [one for one in seen if isinstance(one, UnfitSign)]


def test_a_rater_outside_the_codebook_is_named_when_its_first_block_is_done(
    files: StudyFiles,
) -> None:
    seen = label_with(files, {"good": varied, "bad": outside})
    (sign,) = (one for one in signs_of(seen) if "outside the codebook" in one.sentence)
    assert sign.rater == "bad"
    for part in ("bad ", f"topic (64 of {BLOCK_SIZE}, median 0.997)", "urgent", "--unfit bad"):
        assert part in sign.sentence
    before = seen[seen.index(sign) - 1]
    assert isinstance(before, Progress)
    assert (before.rater, before.items_done) == ("bad", BLOCK_SIZE)


def test_a_readout_that_was_chosen_is_not_advised(files: StudyFiles) -> None:
    choice = ReadoutChoice("second", "option", 32, (), "", "")
    signs = signs_of(label_with(files, {"first": outside, "second": outside}, chosen=[choice]))
    advised = {
        one.rater: "readout: auto" in one.sentence
        for one in signs
        if "another model" in one.sentence
    }
    assert advised == {"first": True, "second": False}


def test_a_rater_with_one_answer_is_named_with_the_answer(files: StudyFiles) -> None:
    (sign,) = signs_of(label_with(files, {"good": varied, "one": alike}))
    assert sign.rater == "one"
    topic = load_codebook(files.codebook).variables[0].answers[-1]
    assert "same answer to all of its first 64 items" in sign.sentence
    assert f'topic ("{topic}") and urgent ("no")' in sign.sentence


@pytest.mark.parametrize(("items", "signs"), [(19, 0), (20, 1)])
def test_one_answer_to_few_items_is_no_sign(files: StudyFiles, items: int, signs: int) -> None:
    assert len(signs_of(label_with(files, {"one": alike}, limit=items))) == signs


def test_fit_raters_and_those_declared_unfit_are_not_named(files: StudyFiles) -> None:
    scripts = {"good": varied, "bad": outside}
    assert signs_of(label_with(files, scripts, unfit=["bad"])) == []


def test_a_run_that_resumes_names_them_again(files: StudyFiles) -> None:
    first = signs_of(label_with(files, {"bad": outside}, limit=70))
    assert signs_of(label_with(files, {"bad": outside})) == first
    assert signs_of(label_with(files, {"bad": outside})) == first


def test_a_run_that_is_to_stop_ends_after_the_sign_and_keeps_its_labels(files: StudyFiles) -> None:
    scripts = {"good": varied, "bad": outside, "last": varied}
    seen: list[UnfitSign | Progress] = []
    with pytest.raises(UnfitRaterError, match='"bad"') as stopped:
        label_with(files, scripts, stop_unfit=True, seen=seen)
    assert stopped.value.exit_code == 6
    assert "--unfit bad" in stopped.value.hint
    assert [one.rater for one in signs_of(seen)] == ["bad"]
    assert isinstance(seen[-1], UnfitSign)
    done = seen[-2]
    assert isinstance(done, Progress)
    assert (done.rater, done.items_done) == ("bad", BLOCK_SIZE)
    # What was recorded is not asked again, and the run goes on once the rater is declared unfit.
    again = label_with(files, scripts, stop_unfit=True, unfit=["bad"])
    assert signs_of(again) == []
    resumed = {one.rater: one.resumed for one in again if isinstance(one, Progress)}
    assert resumed == {"good": 150, "bad": BLOCK_SIZE, "last": 0}


def test_a_run_that_is_to_stop_goes_on_with_fit_raters(files: StudyFiles) -> None:
    seen = label_with(files, {"good": varied, "other": varied}, stop_unfit=True)
    assert signs_of(seen) == []


def test_the_limit_is_that_of_the_rules(files: StudyFiles) -> None:
    strict = [{"policy": "off_codebook_mass_above", "limit": 0.05}]
    found = signs_of(label_with(files, {"good": varied}, policies=strict))
    assert ["0.05 outside the codebook" in one.sentence for one in found] == [True]
    assert signs_of(label_with(files, {"good": varied}, policies=[])) == []


def test_signs_are_cautions_of_the_study_until_the_rater_is_declared_unfit(
    files: StudyFiles,
) -> None:
    signs = signs_of(label_with(files, {"good": varied, "other": varied, "bad": outside}))
    with Study.open(files.study) as study:
        assert study.run.summary.unfit_signs == tuple(signs)
        assert study.cautions == tuple(one.sentence for one in signs)
        sentences = accepted_without(study, decisions=study.decide())
    assert len(sentences) == 1
    assert sentences[0].startswith("Without bad, ")
    assert "topic 150 instead of 0 and urgent 150 instead of 0, of 150 items" in sentences[0]
    options = ConsensusOptions(unfit=("bad",))
    decided = decide_again(files.study, options=options, items=files.items)
    assert [one.accepted for one in decided.findings.variables] == [150, 150]
    assert decided.findings.cautions == ()
    again = decide_again(files.study)
    assert (again.findings.unfit, again.findings.cautions) == (("bad",), ())
    assert [one.name for one in again.findings.raters] == ["good", "other"]


def test_two_such_raters_are_left_out_together_where_one_changes_nothing(files: StudyFiles) -> None:
    label_with(files, {"good": varied, "bad": outside, "worse": outside})
    with Study.open(files.study) as study:
        sentences = accepted_without(study, decisions=study.decide())
    (sentence,) = sentences
    assert sentence.startswith("Without bad and worse, ")
    assert "topic 150 instead of 0" in sentence
    assert sentence.endswith("Only good would be left, and no other rater checks it.")
    alone = decide_again(files.study, options=ConsensusOptions(unfit=("bad", "worse")))
    (caution,) = alone.findings.cautions
    assert caution.startswith("All raters but good are declared unfit")


def test_where_no_rater_would_be_left_nothing_is_promised(files: StudyFiles) -> None:
    label_with(files, {"bad": outside})
    with Study.open(files.study) as study:
        assert accepted_without(study, decisions=study.decide()) == ()
