"""Which items are computed together, where a rater is asked about some of them only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import OnScored, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.run import run_labeling
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.strategies.early_stop import EarlyStop
from localensemble.tables.item_file import ItemFile
from tests.labeling.test_run import item_text
from tests.studies import StudyFiles, recorded, study_files

ITEMS = 100
# The third rater is asked about the items on which the first two differ: every fourth.
ASKED = [n for n in range(ITEMS) if n % 4 == 0]
CODEBOOK = """\
name: one question
version: "1"
variables:
  - name: urgent
    level: binary
    question: Does somebody have to act today?
    categories:
      - {name: "yes", definition: Somebody has to act today.}
      - {name: "no", definition: It can wait.}
"""


class BatchedEngine(ScriptedEngine):
    """Digits depend on how many prompts are computed together."""

    def __init__(self, seed: str, calls: list[tuple[int, int]], stop_after: int | None) -> None:
        super().__init__(seed=seed)
        self.second = seed == "second"
        self.calls = calls if seed == "third" else []
        self.left = stop_after if seed == "third" else None

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        self.calls.append((len(prompts), len(wanted)))
        for index in sorted(wanted):
            if self.left is not None:
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
            differs = self.second and int(item_text(prompts[index])) % 4 == 0
            share = (0.2 if differs else 0.8) + len(prompts) / 1000
            logs = (float(np.log(share)), float(np.log(1 - share)))
            on_scored({index: Scores(logs, 0.0, 1)})


def label(
    files: StudyFiles, *, strategy: EarlyStop | None, stop_after: int | None = None
) -> list[tuple[int, int]]:
    """Label, and return how many prompts each call of the third rater had and computed."""
    calls: list[tuple[int, int]] = []
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=tuple(
            NamedEngine(RaterName(name), partial(BatchedEngine, name, calls, stop_after))
            for name in ("first", "second", "third")
        ),
        template=load_template(),
        layout="codebook_first",
        rules=decision_rules({"method": "majority"}, []),
        strategy=strategy,
    )
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        try:
            run_labeling(plan, ledger=ledger, on_progress=lambda progress: None)
        except KeyboardInterrupt:
            assert stop_after is not None
    return calls


def files_in(folder: Path) -> StudyFiles:
    return study_files(folder, [str(n) for n in range(ITEMS)], codebook=CODEBOOK)


def made(files: StudyFiles) -> set[tuple[object, ...]]:
    return {row for row in recorded(files.study) if row[3] != 255}


def test_an_exact_label_has_the_digits_of_a_run_that_asks_everyone(tmp_path: Path) -> None:
    files, full = files_in(tmp_path / "a"), files_in(tmp_path / "b")
    label(full, strategy=None)
    calls = label(files, strategy=EarlyStop(0.0))
    assert calls == [(64, 16), (36, 9)]
    assert len(made(files)) == 2 * ITEMS + len(ASKED)
    assert made(files) < made(full)


def test_without_exactness_only_the_items_that_are_asked_about_are_computed(
    tmp_path: Path,
) -> None:
    files = files_in(tmp_path)
    assert label(files, strategy=EarlyStop(0.0, exact=False)) == [(16, 16), (9, 9)]
    assert len(made(files)) == 2 * ITEMS + len(ASKED)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("stop_after", [3, 20])
def test_what_is_left_of_a_block_is_computed_with_the_items_it_was_begun_with(
    stop_after: int, exact: bool, tmp_path: Path
) -> None:
    whole, stopped = files_in(tmp_path / "a"), files_in(tmp_path / "b")
    strategy = EarlyStop(0.0, exact=exact)
    label(whole, strategy=strategy)
    label(stopped, strategy=strategy, stop_after=stop_after)
    label(stopped, strategy=strategy)
    assert recorded(stopped.study) == recorded(whole.study)
