"""A run with roles: who is asked what, what is recorded, and that a stopped run continues."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EnsembleError
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import OnScored, ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.run import run_labeling
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.strategies.asked_by_role import AskedByRole
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from tests.studies import CODEBOOK, StudyFiles, recorded, study_files

pytestmark = pytest.mark.slow  # labels small studies again and again

TOPIC = CODEBOOK.partition("  - name: urgent")[0]
BOTH = {"judge": "adjudicator", "check": "verifier"}
# Each text says what each rater answers: staff, food, other; a verifier says yes or no.
TEXTS = [
    "one=staff two=staff check=yes",
    "one=staff two=staff check=no",
    "one=staff two=food judge=food check=yes",
    "one=staff two=food judge=other check=no",
    "one=staff two=food judge=??",
    "one=food two=food check=??",
    " ",
]


@dataclass(slots=True)
class Calls:
    """The item and question of every prompt that a rater scored, in order."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    stop_after: int | None = None

    def of(self, rater: str) -> list[tuple[str, str]]:
        return [(item, question) for name, item, question in self.asked if name == rater]


class Reader(ScriptedEngine):
    """Answers as the text says; computes only what is wanted, and stops after so many prompts."""

    def __init__(self, name: str, calls: Calls) -> None:
        super().__init__(self._answer, seed=name)
        self._name, self._calls = name, calls

    def _answer(self, prompt: Prompt, answers: tuple[str, ...]) -> list[float] | ScoreFailure:
        given = re.search(rf"\b{self._name}=(\S+)", prompt.item)
        if given is None or given[1] not in answers:
            return ScoreFailure("no_category: the response names none", unparsable=True)
        rest = 0.2 / (len(answers) - 1)
        return [0.8 if answer == given[1] else rest for answer in answers]

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        for index in sorted(wanted):
            if len(self._calls.asked) == self._calls.stop_after:
                raise KeyboardInterrupt
            self._calls.asked.append((self._name, prompts[index].item, prompts[index].variable))
            result: Scores | ScoreFailure = self._score(prompts[index], answers[index])
            on_scored({index: result})


def label(
    files: StudyFiles,
    raters: Sequence[str] = ("one", "two", "judge", "check"),
    *,
    roles: Mapping[str, str] = BOTH,
    accept: str = "unanimous",
    stop_after: int | None = None,
) -> Calls:
    calls = Calls(stop_after=stop_after)
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=tuple(
            NamedEngine(RaterName(name), partial(Reader, name, calls)) for name in raters
        ),
        template=load_template(),
        layout="codebook_first",
        rules=decision_rules({"method": "roles", "roles": dict(roles), "accept": accept}, None),
        strategy=AskedByRole(),
    )
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        try:
            run_labeling(plan, ledger=ledger, on_progress=lambda progress: None)
        except KeyboardInterrupt:
            assert stop_after is not None
    return calls


def labels_of(files: StudyFiles, rater: str) -> list[tuple[object, ...]]:
    """Status, category and reason of each item; status 255 where nothing was asked."""
    rows = [row for row in recorded(files.study) if row[2] == rater]
    return [(row[3], row[4], row[7]) for row in rows]


def answers_of(files: StudyFiles, question: str) -> Mapping[str, list[float]]:
    """What the verifier answered to one question: item -> its probabilities of yes and no."""
    with Study.open(files.study) as study:
        labels = study.recorded
        rater = labels.rater_keys[labels.rater_names.index("check")]
        block = labels.reader.label_block(
            labels.item_set,
            variable=study.run.summary.verified[question],
            raters=(rater,),
            start=0,
            stop=labels.item_count,
            probabilities=True,
        )
        assert block.probabilities is not None
        return {
            str(item): block.probabilities[place, 0].tolist()
            for place, item in enumerate(study.items)
            if block.category[place, 0] >= 0
        }


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, TEXTS, codebook=TOPIC)


def test_each_disagreement_goes_to_the_adjudicator_once_and_nothing_else_does(
    files: StudyFiles,
) -> None:
    calls = label(files)
    assert [item for item, _ in calls.of("judge")] == TEXTS[2:5]
    assert len(calls.of("one")) == len(calls.of("two")) == 6


def test_a_verifier_is_asked_about_the_proposed_category_alone(files: StudyFiles) -> None:
    calls = label(files)
    assert sorted(calls.of("check")) == sorted(
        [
            (TEXTS[0], "topic: staff"),
            (TEXTS[1], "topic: staff"),
            (TEXTS[2], "topic: food"),
            (TEXTS[3], "topic: other"),
            (TEXTS[5], "topic: food"),
        ]
    )


def test_what_is_not_confirmed_has_no_category_and_goes_to_a_person(files: StudyFiles) -> None:
    label(files)
    with Study.open(files.study) as study:
        (decisions,) = study.decide()
    assert decisions.final.tolist() == [0, -1, 1, -1, -1, -1, -1]
    assert decisions.escalated.tolist() == [False, True, False, True, True, True, False]
    assert "missing_raters" not in decisions.codes(0)
    assert "missing_raters" in decisions.codes(1)


def test_an_unparsable_adjudicator_leaves_the_item_to_people(files: StudyFiles) -> None:
    label(files, ("one", "two", "judge"), roles={"judge": "adjudicator"})
    assert [status for status, *_ in labels_of(files, "judge")][4] == 2
    with Study.open(files.study) as study:
        (decisions,) = study.decide()
    assert decisions.final.tolist() == [0, 0, 1, 2, -1, 1, -1]
    assert decisions.escalated.tolist() == [False, False, False, False, True, False, False]


def test_the_label_of_a_verifier_is_the_confirmed_category_or_an_abstention(
    files: StudyFiles,
) -> None:
    label(files)
    given = labels_of(files, "check")
    assert [category for _, category, _ in given] == [0, -1, 1, -1, -1, -1, -1]
    assert given[1][2] == given[3][2] == "not_confirmed"
    assert given[4][0] == 255
    assert str(given[5][2]).startswith("no_category")
    assert str(given[6][2]).startswith("empty_text")


def test_the_probability_of_a_verifier_is_recorded_under_its_own_question(
    files: StudyFiles,
) -> None:
    label(files)
    assert answers_of(files, "topic: staff") == {
        "i-0": pytest.approx([0.8, 0.2]),
        "i-1": pytest.approx([0.2, 0.8]),
    }
    assert answers_of(files, "topic: other") == {"i-3": pytest.approx([0.2, 0.8])}


def test_two_of_three_labelers_suffice_under_majority(tmp_path: Path) -> None:
    texts = [
        "one=staff two=staff three=food judge=other",
        "one=staff two=food three=other judge=food",
    ]
    raters, roles = ("one", "two", "three", "judge"), {"judge": "adjudicator"}
    for accept, asked in (("unanimous", texts), ("majority", texts[1:])):
        held = study_files(tmp_path / accept, texts, codebook=TOPIC)
        calls = label(held, raters, roles=roles, accept=accept)
        assert [item for item, _ in calls.of("judge")] == asked


def identities(files: StudyFiles) -> Mapping[str, str]:
    with Study.open(files.study) as study:
        keys = dict(zip(study.labeled.rater_keys, study.labeled.rater_names, strict=True))
        return {
            keys[one.key]: one.rater.identity.sha256
            for one in study.labeled.reader.raters()
            if one.key in keys
        }


def test_only_a_verifier_is_another_rater_because_of_its_role(tmp_path: Path) -> None:
    plain, with_roles = (study_files(tmp_path / name, TEXTS, codebook=TOPIC) for name in "ab")
    label(plain, roles={})
    label(with_roles)
    one, other = identities(plain), identities(with_roles)
    assert {name for name in one if one[name] != other[name]} == {"check"}


def test_a_verifier_of_other_proposals_is_another_rater_and_is_asked_again(
    files: StudyFiles,
) -> None:
    label(files, ("one", "check"), roles={"check": "verifier"})
    before = identities(files)["check"]
    again = label(files, ("one", "two", "check"), roles={"check": "verifier"})
    assert identities(files)["check"] != before
    assert again.of("one") == []
    assert len(again.of("check")) == 3


@pytest.mark.parametrize("stop_after", [1, 100, 270, 300, 330, 380])
def test_a_stopped_run_continues_to_the_same_labels_and_repeats_no_call(
    stop_after: int, tmp_path: Path
) -> None:
    words = ("staff", "food", "other")
    texts = [
        f"{n}: one={words[n % 3]} two={words[n * n % 3]} judge={words[n % 2]} "
        f"check={'yes' if n % 5 else 'no'}"
        for n in range(140)
    ]
    whole, stopped = (study_files(tmp_path / name, texts, codebook=TOPIC) for name in "ab")
    expected = label(whole)
    before = label(stopped, stop_after=stop_after)
    after = label(stopped)
    assert sorted(before.asked + after.asked) == sorted(expected.asked)
    assert recorded(stopped.study) == recorded(whole.study)
    for question in ("topic: staff", "topic: food"):
        assert answers_of(stopped, question) == answers_of(whole, question)
    assert label(stopped).asked == []


@pytest.mark.parametrize(
    ("raters", "consensus", "words"),
    [
        (("judge", "one", "two"), {"method": "roles", "roles": BOTH}, "labelers first"),
        (("one", "judge"), {"method": "roles", "roles": BOTH}, "at least 2"),
        (("check",), {"method": "roles", "roles": BOTH}, "at least 1"),
        (("one", "two", "judge"), {"method": "majority"}, "majority"),
    ],
)
def test_an_ensemble_that_roles_cannot_serve_is_refused_before_labeling(
    raters: tuple[str, ...], consensus: Mapping[str, object], words: str
) -> None:
    with pytest.raises(EnsembleError) as raised:
        AskedByRole().check(raters=raters, variables=(), rules=decision_rules(consensus, []))
    assert words in str(raised.value)


def test_an_unfit_labeler_proposes_nothing(files: StudyFiles) -> None:
    rules = decision_rules({"method": "roles", "roles": BOTH}, [], unfit=["two"])
    with pytest.raises(EnsembleError, match="at least 2"):
        AskedByRole().check(raters=("one", "two", "judge"), variables=(), rules=rules)
