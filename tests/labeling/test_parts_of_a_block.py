"""What is recorded within a block, what an interruption costs, and what decides the digits."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import EngineCrashedError, EngineError
from localensemble.core.identity import sha256_text
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import OnScored, ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling import recording, tally
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.run import run_labeling
from localensemble.labeling.tally import Progress
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.prompting.template import load_template
from localensemble.tables.item_file import ItemFile
from tests.studies import StudyFiles, recorded, study_files

pytestmark = pytest.mark.slow  # labels whole studies

# Prompts in a batch. Each item has two, one for each variable.
BATCH = 16
Failure = type[BaseException]


class PackedEngine(ScriptedEngine):
    """Reports after every batch; its digits depend on all prompts of a call, as a model's do.

    Args:
        fails: number of batches after which it fails, counted over all calls -> with what.
    """

    def __init__(self, fails: Mapping[int, Failure] | None = None) -> None:
        super().__init__()
        self.fails = dict(fails or {})
        self.batches = 0
        self.scored: list[str] = []

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        found: dict[int, Scores | ScoreFailure] = {}
        self.score_wanted(prompts, answers, range(len(prompts)), on_scored=found.update)
        return tuple(found[index] for index in range(len(prompts)))

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        texts = [_item_text(prompt) for prompt in prompts]
        packed = ScriptedEngine(seed=sha256_text("".join(texts)))
        for start in range(0, len(prompts), BATCH):
            batch = range(start, min(start + BATCH, len(prompts)))
            if not set(batch) & set(wanted):
                continue
            if (error := self.fails.pop(self.batches, None)) is not None:
                raise error("The worker died.")
            self.batches += 1
            self.scored += [texts[index] for index in batch]
            results = packed.score(
                [prompts[index] for index in batch], [answers[index] for index in batch]
            )
            by_index = dict(zip(batch, results, strict=True))
            on_scored({index: by_index[index] for index in batch if index in wanted})


def _item_text(prompt: Prompt) -> str:
    return "".join(
        segment.text
        for message in prompt.messages
        for segment in message.segments
        if segment.origin == "item"
    )


@pytest.fixture(autouse=True)
def recorded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait before labels are recorded or progress is reported."""
    monkeypatch.setattr(recording, "_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(tally, "_SECONDS_BETWEEN_REPORTS", 0.0)


def label_all(
    files: StudyFiles,
    engine: ScriptedEngine | None = None,
    *,
    limit: int | None = None,
    orders: int = 1,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> PackedEngine:
    """Label, and return the engine that was used unless another was given."""
    used = PackedEngine()
    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=(NamedEngine(RaterName("one"), lambda: engine or used),),
        template=load_template(),
        layout="codebook_first",
        rules=decision_rules({"method": "majority"}, []),
        limit=limit,
        orders=orders,
    )
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        run_labeling(plan, ledger=ledger, on_progress=on_progress)
    return used


def interrupted(files: StudyFiles, *, after: int, limit: int | None = None) -> PackedEngine:
    """Label until Ctrl-C comes in the batch behind so many."""
    engine = PackedEngine({after: KeyboardInterrupt})
    with pytest.raises(KeyboardInterrupt):
        label_all(files, engine, limit=limit)
    return engine


def label_count(files: StudyFiles) -> int:
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        item_set = reader.item_sets()[-1]
        (rater,) = reader.raters()
        (codebook,) = reader.codebooks()
        return sum(
            sum(
                reader.label_counts(
                    item_set.key, variable=variable, rater=rater.key, stop=item_set.item_count
                ).statuses.values()
            )
            for variable in codebook.variables.values()
        )


def texts(count: int) -> list[str]:
    return [f"text {number:03}" for number in range(count)]


def rows_of(files: StudyFiles, ids: Iterator[str] | Collection[str]) -> list[tuple[object, ...]]:
    chosen = set(ids)
    return [row for row in recorded(files.study) if row[1] in chosen]


def undisturbed(folder: Path, of: Sequence[str]) -> list[tuple[object, ...]]:
    files = study_files(folder / "undisturbed", of)
    label_all(files)
    return recorded(files.study)


# Interruptions


@pytest.mark.parametrize("batches", [0, 1, 5, 7, 8, 11])
def test_ctrl_c_within_a_block_keeps_every_batch_that_was_done(
    tmp_path: Path, batches: int
) -> None:
    files = study_files(tmp_path, texts(100))
    interrupted(files, after=batches)
    assert label_count(files) == batches * BATCH
    resumed = label_all(files)
    # 64 items and 36 items: 8 and 4.5 batches.
    assert resumed.batches == 13 - batches
    assert recorded(files.study) == undisturbed(tmp_path, texts(100))


def test_a_run_that_is_interrupted_again_and_again_gets_on_and_keeps_its_digits(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, texts(100))
    for _ in range(12):
        interrupted(files, after=1)
    assert label_all(files).batches == 1
    assert recorded(files.study) == undisturbed(tmp_path, texts(100))


def test_a_process_that_dies_within_a_block_repeats_nothing_that_is_done(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(64))
    # Twice without progress would divide the block, which packs it otherwise.
    fails = dict.fromkeys((2, 3, 5), EngineCrashedError)
    engine = PackedEngine(fails)
    label_all(files, engine)
    assert engine.batches == 8
    assert recorded(files.study) == undisturbed(tmp_path, texts(64))


class PoisonedEngine(PackedEngine):
    """Dies in every batch that holds a certain text."""

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        batches = {i // BATCH for i, prompt in enumerate(prompts) if _item_text(prompt) == "poison"}
        deadly = batches & {index // BATCH for index in wanted}
        if deadly:
            before = [index for index in wanted if index // BATCH < min(deadly)]
            super().score_wanted(prompts, answers, before, on_scored=on_scored)
            raise EngineCrashedError("The worker died.")
        super().score_wanted(prompts, answers, wanted, on_scored=on_scored)


def test_the_item_that_kills_the_process_fails_alone_and_earlier_batches_are_kept(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, [*texts(40), "poison", *texts(20)])
    engine = PoisonedEngine()
    label_all(files, engine)
    failed = [row for row in recorded(files.study) if row[3] != 0]
    assert {row[1] for row in failed} == {"i-40"}
    assert all(str(row[7]).startswith("engine_crashed") for row in failed)
    assert engine.scored.count("text 023") == 2  # i-23, once for each variable


def test_an_engine_that_fails_leaves_what_is_done(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(64))
    with pytest.raises(EngineError):
        label_all(files, PackedEngine({3: EngineError}))
    assert label_count(files) == 3 * BATCH


def test_an_engine_that_only_scores_whole_calls_is_resumed_block_by_block(tmp_path: Path) -> None:
    calls: list[int] = []

    class WholeEngine(ScriptedEngine):
        def score(
            self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
        ) -> tuple[Scores | ScoreFailure, ...]:
            calls.append(len(prompts))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return super().score(prompts, answers)

    files = study_files(tmp_path, texts(100))
    with pytest.raises(KeyboardInterrupt):
        label_all(files, WholeEngine())
    assert label_count(files) == 128
    label_all(files, WholeEngine())
    assert (calls, label_count(files)) == ([128, 72, 72], 200)


def test_blank_texts_are_recorded_before_a_model_is_asked(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["", *texts(10), "n/a"])
    interrupted(files, after=0)
    assert label_count(files) == 4


def test_ctrl_c_while_labels_are_recorded_records_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = study_files(tmp_path, texts(64))
    append = Ledger.append_block
    calls = 0

    def struck(ledger: Ledger, *arguments: object, **named: object) -> int:
        nonlocal calls
        calls += 1
        appended = append(ledger, *arguments, **named)  # type: ignore[arg-type]
        if calls == 3:
            raise KeyboardInterrupt
        return appended

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_block", struck)
        with pytest.raises(KeyboardInterrupt):
            label_all(files)
    assert label_count(files) == 3 * BATCH
    label_all(files)
    assert recorded(files.study) == undisturbed(tmp_path, texts(64))


def test_labels_that_come_within_a_moment_are_recorded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_SECONDS_BETWEEN", 60.0)
    files = study_files(tmp_path, texts(100))
    label_all(files)
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        assert [event.kind for event in reader.history()].count("labels_appended") == 2
    assert recorded(files.study) == undisturbed(tmp_path, texts(100))


# Rows that are added, limits that are raised, texts that change


def test_rows_added_to_a_file_are_the_only_ones_computed(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(60))
    label_all(files)
    before = recorded(files.study)
    study_files(tmp_path, texts(70))
    engine = label_all(files)
    assert engine.scored == [text for text in texts(70)[60:] for _ in range(2)]
    assert rows_of(files, [f"i-{number}" for number in range(60)]) == before


def test_a_block_that_was_interrupted_is_finished_with_its_own_rows_before_new_ones(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, texts(60))
    interrupted(files, after=3)
    study_files(tmp_path, texts(70))
    engine = label_all(files)
    assert len(engine.scored) == 2 * 70 - 3 * BATCH
    old = [f"i-{number}" for number in range(60)]
    assert rows_of(files, old) == undisturbed(tmp_path, texts(60))
    one_by_one = study_files(tmp_path / "other", texts(60))
    label_all(one_by_one)
    study_files(tmp_path / "other", texts(70))
    label_all(one_by_one)
    assert recorded(files.study) == recorded(one_by_one.study)


def test_a_raised_limit_computes_only_what_it_adds(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(200))
    label_all(files, limit=70)
    engine = label_all(files, limit=80)
    assert engine.scored == [text for text in texts(80)[70:] for _ in range(2)]
    engine = label_all(files)
    assert engine.scored == [text for text in texts(200)[80:] for _ in range(2)]


def test_a_limit_that_is_lowered_within_an_interrupted_block_keeps_its_digits(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, texts(60))
    interrupted(files, after=1)
    # Only the batches with the first 20 items.
    assert label_all(files, limit=20).batches == 2
    label_all(files)
    assert recorded(files.study) == undisturbed(tmp_path, texts(60))


def test_a_changed_text_is_the_only_one_computed(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(100))
    label_all(files)
    before = recorded(files.study)
    study_files(tmp_path, [*texts(17), "a typo corrected", *texts(100)[18:]])
    engine = label_all(files)
    assert engine.scored == ["a typo corrected"] * 2
    others = [f"i-{number}" for number in range(100) if number != 17]
    assert rows_of(files, others) == [row for row in before if row[1] != "i-17"]


def test_a_text_that_is_changed_back_is_not_computed_again(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(20))
    label_all(files)
    before = recorded(files.study)
    study_files(tmp_path, ["changed", *texts(20)[1:]])
    label_all(files)
    study_files(tmp_path, texts(20))
    assert label_all(files).scored == []
    assert recorded(files.study) == before


def test_an_interrupted_block_with_a_changed_text_is_finished_without_what_is_done(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, texts(64))
    interrupted(files, after=3)
    before = label_count(files)
    study_files(tmp_path, [*texts(40), "a typo corrected", *texts(64)[41:]])
    engine = label_all(files)
    assert len(engine.scored) == 2 * 64 - before
    assert label_count(files) == 2 * 64


def test_rows_may_move_while_a_block_is_unfinished(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(64))
    interrupted(files, after=3)
    with files.items.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    with files.items.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, ["new", "a new row", ""], *rows])
    engine = label_all(files)
    assert len(engine.scored) == 2 * 65 - 3 * BATCH
    old = [f"i-{number}" for number in range(64)]
    assert rows_of(files, old) == undisturbed(tmp_path, texts(64))


def test_a_row_inserted_above_is_the_only_one_computed(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(150))
    label_all(files)
    with files.items.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    with files.items.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, ["new", "a new row", ""], *rows])
    assert label_all(files).scored == ["a new row"] * 2


# Progress


def test_progress_is_reported_within_a_block_with_the_time_left(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(64))
    seen: list[Progress] = []
    label_all(files, on_progress=seen.append)
    done = [progress.items_done for progress in seen]
    assert done[:3] == [0, 8, 16]
    assert done == sorted(done)
    assert done[-1] == 64
    left = [progress.seconds_left for progress in seen]
    assert left[0] is None
    assert left[1] is not None
    assert left[-1] == 0


def test_progress_counts_what_an_interrupted_block_has_already(tmp_path: Path) -> None:
    files = study_files(tmp_path, texts(100))
    interrupted(files, after=3)
    seen: list[Progress] = []
    label_all(files, on_progress=seen.append)
    assert (seen[0].items_done, seen[0].resumed) == (24, 24)
    assert (seen[-1].items_done, seen[-1].labeled_now) == (100, 76)


def test_a_label_over_several_orders_of_the_categories_is_there_when_all_are(
    tmp_path: Path,
) -> None:
    files = study_files(tmp_path, texts(64))
    seen: list[Progress] = []
    engine = PackedEngine({9: KeyboardInterrupt})
    with pytest.raises(KeyboardInterrupt):
        label_all(files, engine, orders=2, on_progress=seen.append)
    # Every item has four prompts, one after the other.
    assert label_count(files) == 9 * BATCH // 2
    assert seen[-1].items_done == 9 * BATCH / 4
    assert label_all(files, orders=2).batches == 7
    whole = study_files(tmp_path / "whole", texts(64))
    label_all(whole, orders=2)
    assert recorded(files.study) == recorded(whole.study)


def test_half_of_an_items_labels_are_half_an_item(tmp_path: Path) -> None:
    progress = Progress(RaterName("one"), 12.5, 20, 2.5, 5.0)
    assert (progress.labeled_now, progress.seconds_left) == (10.0, 3.75)
