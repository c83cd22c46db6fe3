"""Every strategy through the same checks.

A new strategy needs an entry in `CASES` only if it has required settings or other rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from localensemble.codebook.load import load_codebook
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.rules import decision_rules
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.core.random_draw import random_draw
from localensemble.engines.protocol import OnScored
from localensemble.engines.scripted import Script, ScriptedEngine
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.run import run_labeling
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.strategies.named_strategies import STRATEGY_NAMES, strategy_named
from localensemble.strategies.protocol import AskingStrategy, EarlierLabels
from localensemble.study.decisions import decide
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from tests.studies import StudyFiles, recorded, study_files

pytestmark = pytest.mark.slow  # labels a small study several times for each strategy

RATERS = ("first", "second", "third")
ITEMS = 150


@dataclass(frozen=True, slots=True)
class Case:
    """What a strategy needs: its settings, and the consensus that it works with."""

    settings: Mapping[str, object]
    consensus: Mapping[str, object]


CASES: Mapping[str, Case] = {
    "chain": Case({}, {"method": "chain"}),
    "roles": Case({}, {"method": "roles", "roles": {"third": "adjudicator"}}),
}
DEFAULT = Case({}, {"method": "majority"})
every_strategy = pytest.mark.parametrize("name", STRATEGY_NAMES)


def surely(seed: str) -> Script:
    """Return a script that is never nearly tied, so that no prompt is computed again for it."""

    def script(prompt: Prompt, answers: tuple[str, ...]) -> Sequence[float]:
        said = seed + "".join(message.text for message in prompt.messages)
        drawn = random_draw(said, seed=0, purpose="sample")
        first = int(drawn * 1e6) % len(answers)
        share = 0.6 + 0.3 * drawn
        rest = (1 - share) / (len(answers) - 1)
        return [share if index == first else rest for index in range(len(answers))]

    return script


class CountingEngine(ScriptedEngine):
    """Computes only what is wanted, counts it, and stops after so many prompts."""

    def __init__(self, seed: str, calls: Counter[str], stop_after: int | None) -> None:
        super().__init__(surely(seed), seed=seed)
        self._seed_name = seed
        self._calls = calls
        self._stop_after = stop_after

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        for index in sorted(wanted):
            if self._stop_after is not None and self._calls.total() >= self._stop_after:
                raise KeyboardInterrupt
            self._calls[self._seed_name] += 1
            on_scored({index: self._score(prompts[index], answers[index])})


def label_by(name: str | None, files: StudyFiles, *, stop_after: int | None = None) -> Counter[str]:
    """Label with a strategy, or with none; return the prompts that each rater computed."""
    case = CASES.get(name or "", DEFAULT)
    calls: Counter[str] = Counter()
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=tuple(
            NamedEngine(RaterName(one), partial(CountingEngine, one, calls, stop_after))
            for one in RATERS
        ),
        template=load_template(),
        layout="codebook_first",
        rules=decision_rules(case.consensus, []),
        strategy=None if name is None else strategy_named(name, settings=case.settings),
    )
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        try:
            run_labeling(plan, ledger=ledger, on_progress=lambda progress: None)
        except KeyboardInterrupt:
            assert stop_after is not None
    return calls


def texts() -> list[str]:
    """Texts, some of which answer nothing."""
    return [f"text {n}" if n % 50 else " " for n in range(ITEMS)]


def given(rows: Sequence[tuple[object, ...]], rater: str) -> set[tuple[object, object]]:
    """The variable and item of every label that a rater was asked for and has."""
    return {(row[0], row[1]) for row in rows if row[2] == rater and row[3] != 255 and not row[7]}


@every_strategy
def test_it_asks_fewer_questions_than_everyone_about_everything(name: str, tmp_path: Path) -> None:
    files = study_files(tmp_path, texts())
    calls = label_by(name, files)
    assert 0 < calls.total() < 3 * 2 * (ITEMS - 3)
    assert calls[RATERS[0]] == 2 * (ITEMS - 3)


@every_strategy
def test_a_label_is_there_exactly_where_a_rater_was_asked(name: str, tmp_path: Path) -> None:
    files = study_files(tmp_path, texts())
    calls = label_by(name, files)
    rows = recorded(files.study)
    assert {rater: len(given(rows, rater)) for rater in RATERS} == dict(calls)
    with Study.open(files.study) as study:
        left_out = study.run.summary.left_out
    missing = Counter((row[0], row[2]) for row in rows if row[3] == 255)
    assert {
        (variable, rater): count
        for variable, counts in left_out.items()
        for rater, count in zip(RATERS, counts, strict=True)
        if count
    } == dict(missing)


@every_strategy
def test_a_rater_that_was_not_asked_does_not_count_as_missing(name: str, tmp_path: Path) -> None:
    files = study_files(tmp_path, texts())
    label_by(name, files)
    with Study.open(files.study) as study:
        for variable in study.codebook.variables:
            decisions = decide(
                study.recorded,
                variable=variable,
                method=study.rules.method,
                policies=[policy_named("missing_raters")],
            )
            missing = decisions.with_code("missing_raters").values()
            assert not any(mask.any() for mask in missing)


@every_strategy
def test_a_label_has_the_digits_that_it_has_without_the_strategy(name: str, tmp_path: Path) -> None:
    files, full = study_files(tmp_path / "a", texts()), study_files(tmp_path / "b", texts())
    label_by(name, files)
    label_by(None, full)
    made = {row for row in recorded(files.study) if row[3] != 255}
    assert made <= set(recorded(full.study))


@every_strategy
@pytest.mark.parametrize("stop_after", [1, 200, 320, 400])
def test_a_stopped_run_continues_to_the_same_labels_and_repeats_no_call(
    name: str, stop_after: int, tmp_path: Path
) -> None:
    whole, stopped = study_files(tmp_path / "a", texts()), study_files(tmp_path / "b", texts())
    expected = label_by(name, whole)
    before = label_by(name, stopped, stop_after=stop_after)
    after = label_by(name, stopped)
    assert before + after == expected
    assert recorded(stopped.study) == recorded(whole.study)


@every_strategy
def test_a_second_run_asks_nothing(name: str, tmp_path: Path) -> None:
    files = study_files(tmp_path, texts())
    label_by(name, files)
    assert label_by(name, files).total() == 0


@every_strategy
def test_it_records_what_it_did(name: str, tmp_path: Path) -> None:
    files = study_files(tmp_path, texts())
    label_by(name, files)
    with Study.open(files.study) as study:
        strategy = study.run.settings.strategy
    assert strategy is not None
    assert strategy_named(strategy.name, settings=strategy.settings) == built(name)


def built(name: str) -> AskingStrategy:
    return strategy_named(name, settings=CASES.get(name, DEFAULT).settings)


@every_strategy
def test_the_same_labels_lead_to_the_same_questions(name: str, tmp_path: Path) -> None:
    variable = load_codebook(study_files(tmp_path, ["text"]).codebook).variables[0]
    draws = np.random.default_rng(1)
    for turn in range(3):
        shape = (40, turn)
        earlier = EarlierLabels(
            variable=variable,
            rules=decision_rules(CASES.get(name, DEFAULT).consensus, []),
            raters=RATERS,
            item_ids=[f"i-{n}" for n in range(40)],
            asked=np.ones(shape, dtype=np.bool_),
            categories=draws.integers(0, 3, shape).astype(np.int16),
            gaps=draws.random(shape),
        )
        copies = [array.copy() for array in (earlier.asked, earlier.categories, earlier.gaps)]
        first, second = built(name).asked(turn, earlier), built(name).asked(turn, earlier)
        assert first.dtype == np.bool_
        assert first.shape == (40,)
        assert np.array_equal(first, second)
        held = (earlier.asked, earlier.categories, earlier.gaps)
        assert [copy.tolist() for copy in copies] == [array.tolist() for array in held]
