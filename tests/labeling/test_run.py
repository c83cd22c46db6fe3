"""A run labels what is missing, block by block, and invents nothing."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EngineCrashedError, EngineError, EnsembleError, TableError
from localensemble.core.labels import LabelStatus, RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import EngineDescription, ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.run import run_labeling
from localensemble.labeling.scoring import label_from
from localensemble.labeling.tally import Progress
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.study.binding import identities
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from tests.studies import CODEBOOK, StudyFiles, recorded, study_files


def item_text(prompt: Prompt) -> str:
    return "".join(
        segment.text
        for message in prompt.messages
        for segment in message.segments
        if segment.origin == "item"
    )


class CrashingEngine(ScriptedEngine):
    """Dies on every call that holds a certain text, or for the first so many calls."""

    def __init__(self, *, on: str = "", times: int = 0) -> None:
        super().__init__()
        self.on = on
        self.times = times
        self.calls = 0

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        self.calls += 1
        if self.times:
            self.times -= 1
            raise EngineCrashedError("The worker died.")
        if self.on and any(self.on in item_text(prompt) for prompt in prompts):
            raise EngineCrashedError("The worker died.")
        return super().score(prompts, answers)


def label_all(
    files: StudyFiles,
    engine: Callable[[], ScriptedEngine] = ScriptedEngine,
    *,
    limit: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=(NamedEngine(RaterName("one"), engine),),
        template=load_template(),
        layout=None,
        rules=decision_rules({"method": "majority"}, []),
        limit=limit,
    )
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        run_labeling(plan, ledger=ledger, on_progress=on_progress)


def test_every_item_gets_one_label_per_variable(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(150)])
    label_all(files)
    rows = recorded(files.study)
    assert len(rows) == len({row[:3] for row in rows}) == 300


def test_a_second_run_asks_the_engine_nothing(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(100)])
    label_all(files)
    second = CrashingEngine(on="text")
    label_all(files, lambda: second)
    assert second.calls == 0


def test_a_limited_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(200)])
    label_all(files, limit=70)
    assert len(recorded(files.study)) == 140
    label_all(files, limit=70)
    label_all(files)
    undisturbed = study_files(tmp_path / "other", [f"text {n}" for n in range(200)])
    label_all(undisturbed)
    assert recorded(files.study) == recorded(undisturbed.study)


def test_an_interrupted_run_keeps_whole_blocks_and_equals_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    texts = [f"text {n}" for n in range(300)]
    files = study_files(tmp_path, texts)

    def stop_after_two_blocks(progress: Progress) -> None:
        if progress.items_done == 2 * BLOCK_SIZE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_all(files, on_progress=stop_after_two_blocks)
    seen: list[Progress] = []
    label_all(files, on_progress=seen.append)
    assert seen[0].items_done == seen[0].resumed == 2 * BLOCK_SIZE
    undisturbed = study_files(tmp_path / "other", texts)
    label_all(undisturbed)
    assert recorded(files.study) == recorded(undisturbed.study)


def test_a_text_that_is_empty_fails_and_is_not_shown_to_the_engine(tmp_path: Path) -> None:
    seen: list[str] = []

    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
        seen.append(item_text(prompt))
        return [0.9, *[0.1 / len(answers)] * (len(answers) - 1)]

    invisible = ["", " \t", "\0", "\u202e\u200b \ufeff"]
    files = study_files(tmp_path, ["fine", *invisible, "good", "\u05e9\u200f"])
    label_all(files, lambda: ScriptedEngine(script))
    assert set(seen) == {"fine", "good", "\u05e9\u200f"}
    empty = [row for row in recorded(files.study) if row[1] in {"i-1", "i-2", "i-3", "i-4"}]
    assert len(empty) == 2 * len(invisible)
    assert {row[3] for row in empty} == {3}
    assert {str(row[7]).split(":")[0] for row in empty} == {"empty_text"}


def test_a_non_answer_is_not_shown_to_the_engine_and_makes_no_other_rater(tmp_path: Path) -> None:
    seen: list[str] = []

    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
        seen.append(item_text(prompt))
        return [0.9, *[0.1 / len(answers)] * (len(answers) - 1)]

    texts = ["fine", "NA", " n/A ", "\u2014", "NA here"]
    files = study_files(tmp_path, texts)
    label_all(files, lambda: ScriptedEngine(script))
    assert set(seen) == {"fine", "NA here"}
    codes = {row[1]: str(row[7]).split(":")[0] for row in recorded(files.study)}
    assert list(codes.values()) == ["", "no_answer", "no_answer", "no_answer", ""]
    off = study_files(tmp_path / "off", texts, codebook=f"no_answer: []\n{CODEBOOK}")
    label_all(off, lambda: ScriptedEngine(script))
    assert "NA" in seen
    with Study.open(files.study) as one, Study.open(off.study) as other:
        assert identities(one.recorded) == identities(other.recorded)


def test_a_process_that_dies_once_costs_no_label(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(80)])
    label_all(files, lambda: CrashingEngine(times=1))
    assert {row[3] for row in recorded(files.study)} == {0}


def test_the_item_that_kills_the_process_twice_fails_alone(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(80)] + ["poison"])
    label_all(files, lambda: CrashingEngine(on="poison"))
    failed = [row for row in recorded(files.study) if row[3] != 0]
    assert {row[1] for row in failed} == {"i-80"}
    assert all(str(row[7]).startswith("engine_crashed") for row in failed)


def test_a_process_that_dies_on_everything_stops_the_run(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(80)])
    with pytest.raises(EngineError, match="died on 4 items in a row"):
        label_all(files, lambda: CrashingEngine(on="text"))


def test_two_equally_probable_categories_are_no_label() -> None:
    label = label_from(Scores((-1.0, -1.0, -3.0), 0.2, 10))
    assert label.status is LabelStatus.FAILED
    assert label.category is None
    assert label.reason.startswith("equal_probability")


def test_probabilities_are_normalized_over_the_categories() -> None:
    label = label_from(Scores((-2.0, -1.0), 0.5, 10))
    assert label.category == 1
    assert label.probabilities is not None
    assert sum(label.probabilities) == pytest.approx(1.0, abs=1e-15)
    assert label.off_codebook_mass == 0.5


def test_a_failure_keeps_its_reason_and_has_no_category() -> None:
    label = label_from(ScoreFailure("too_long: 9310 of 8192 tokens"))
    assert (label.status, label.category) == (LabelStatus.FAILED, None)
    assert label.reason == "too_long: 9310 of 8192 tokens"


def test_no_possible_category_is_a_failure() -> None:
    label = label_from(Scores((float("-inf"), float("-inf")), 1.0, 10))
    assert label.reason.startswith("no_probability")


@pytest.mark.slow  # labels long texts three times
def test_a_file_that_is_rewritten_during_a_run_records_no_label_under_another_text(
    tmp_path: Path,
) -> None:
    # Long enough that the file is not all in a read buffer.
    texts = [f"text {n:03} {'long ' * 100}" for n in range(4 * BLOCK_SIZE)]
    files = study_files(tmp_path, texts)
    written = files.items.read_bytes()
    rotated = study_files(tmp_path / "rotated", texts[1:] + texts[:1]).items.read_bytes()

    def rewrite_after_one_block(progress: Progress) -> None:
        if progress.items_done == BLOCK_SIZE:
            status = files.items.stat()
            with files.items.open("r+b") as stream:
                stream.write(rotated)
            # Even where the clock gives nothing away.
            os.utime(files.items, ns=(status.st_atime_ns, status.st_mtime_ns))

    with pytest.raises(TableError, match="changed during the run"):
        label_all(files, on_progress=rewrite_after_one_block)
    files.items.write_bytes(written)
    label_all(files)
    undisturbed = study_files(tmp_path / "other", texts)
    label_all(undisturbed)
    assert recorded(files.study) == recorded(undisturbed.study)


def test_one_model_under_two_names_cannot_vote_twice(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine"])
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=tuple(NamedEngine(RaterName(name), ScriptedEngine) for name in ("one", "two")),
        template=load_template(),
        layout=None,
        rules=decision_rules({"method": "majority"}, []),
    )
    files.study.mkdir()
    with (
        Ledger.open(files.study / "study.sqlite", create=True) as ledger,
        pytest.raises(EnsembleError, match='"one" and "two" are the same rater'),
    ):
        run_labeling(plan, ledger=ledger, on_progress=lambda progress: None)


class PrefixRuleEngine(ScriptedEngine):
    """Tells answers of which one begins the other apart by a rule."""

    def describe(self) -> EngineDescription:
        return dataclasses.replace(super().describe(), prefix_rule="longest name")


@pytest.mark.parametrize(("name", "rule"), [("staffing", "longest name"), ("ward", None)])
def test_a_rule_for_names_that_begin_others_is_part_of_a_rater_only_where_there_are_some(
    tmp_path: Path, name: str, rule: str | None
) -> None:
    codebook = CODEBOOK.replace("name: food", f"name: {name}")
    files = study_files(tmp_path, ["text"], codebook=codebook)
    label_all(files, PrefixRuleEngine)
    with Ledger.open(files.study / "study.sqlite", create=False) as ledger:
        (rater,) = ledger.reader.raters()
    assert dict(rater.rater.identity.settings).get("prefix_rule") == rule
