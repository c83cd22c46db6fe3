"""Shots of each text: the nearest stand last, and no text gets itself or a copy as an example."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.labels import ItemId
from localensemble.core.prompts import Prompt
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.examples.shots import Shots, ShotSelection, StatedShots, load_shots
from localensemble.labeling.rater_identity import rater_identity
from localensemble.labeling.scoring import Questions, label_block
from localensemble.prompting.template import PromptTemplate, load_template
from localensemble.tables.item_file import ItemFile
from tests.studies import study_files

POOL = [
    ("p-1", "the nurse smiled at all of us", "staff"),
    ("p-2", "soup and bread were cold", "food"),
    ("p-3", "no parking place anywhere today", "other"),
    ("p-4", "a kind nurse and a kind doctor", "staff"),
    ("p-5", "dinner came late and cold", "food"),
]
TEXT = "the nurse was kind"


class WordVectors:
    """An embedder whose dimensions are words; it counts the texts that it was given."""

    name = "words"
    sha256 = "0" * 64

    def __init__(self) -> None:
        self.read = self.calls = 0

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.calls += 1
        self.read += len(texts)
        words = ("nurse", "kind", "cold", "dinner", "soup", "parking")
        counts = np.array([[one.lower().split().count(word) for word in words] for one in texts])
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        return counts / np.where(lengths == 0, 1, lengths)


@pytest.fixture
def codebook(tmp_path: Path) -> Codebook:
    return load_codebook(study_files(tmp_path, []).codebook)


def table(path: Path, rows: Sequence[Sequence[str]], header: str = "id,text,gold_topic") -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


def shots_of(
    folder: Path,
    codebook: Codebook,
    *,
    select: ShotSelection = "retrieved",
    count: int = 2,
    pool: Sequence[Sequence[str]] = POOL,
    items: Sequence[Sequence[str]] | None = None,
    groups: int | None = None,
    seed: int = 0,
    embedder: WordVectors | None = None,
) -> Shots:
    stated = StatedShots(table(folder / "pool.csv", pool), 1, seed, count, select, groups=groups)
    study = None
    if items is not None:
        path = table(folder / "study.csv", items, "id,text")
        study = ItemFile.open(path, id_column="id", text_column="text")
    return load_shots(
        stated, codebook, items=study, open_embedder=lambda name: embedder or WordVectors()
    )


def ids_for(shots: Shots, text: str) -> list[str]:
    assert shots.of_texts is not None
    return [one.id for one in shots.of_texts.chosen("topic", text)]


def test_the_most_similar_example_stands_last(tmp_path: Path, codebook: Codebook) -> None:
    shots = shots_of(tmp_path, codebook)
    # Cosines with p-4 and p-1: 3/sqrt(10) and 1/sqrt(2).
    assert ids_for(shots, TEXT) == ["p-1", "p-4"]
    assert shots.of_texts is not None
    found = shots.of_texts.chosen("topic", TEXT)
    assert [one.cosine for one in found] == pytest.approx([1 / np.sqrt(2), 3 / np.sqrt(10)])
    assert shots.of_texts.examples("topic", TEXT)[-1].text == POOL[3][1]
    assert shots.of_texts.chosen("urgent", TEXT) == ()


def test_texts_of_a_group_share_their_examples_but_never_a_copy(
    tmp_path: Path, codebook: Codebook
) -> None:
    shots = shots_of(tmp_path, codebook, groups=3)
    # The nurses, the cold food and the parking place are the groups.
    assert ids_for(shots, "kind kind kind") == ids_for(shots, "nurse nurse") == ["p-4", "p-1"]
    assert set(ids_for(shots, "dinner was cold")) == {"p-2", "p-5"}
    assert "p-4" not in ids_for(shots, POOL[3][1])
    assert len(ids_for(shots, POOL[3][1])) == 2


def test_a_text_like_no_example_gets_the_first_ids(tmp_path: Path, codebook: Codebook) -> None:
    shots = shots_of(tmp_path, codebook, pool=POOL[::-1])
    assert ids_for(shots, "entirely different") == ["p-2", "p-1"]


def test_balanced_examples_are_the_nearest_of_each_category(
    tmp_path: Path, codebook: Codebook
) -> None:
    shots = shots_of(tmp_path, codebook, select="balanced", count=3)
    assert ids_for(shots, TEXT) == ["p-3", "p-2", "p-4"]


@pytest.mark.parametrize("select", ["retrieved", "balanced", "random"])
@pytest.mark.parametrize("copy", [TEXT, "The NURSE was kind!!", "kind was the nurse"])
def test_a_planted_copy_of_a_text_is_never_its_example(
    copy: str, select: ShotSelection, tmp_path: Path, codebook: Codebook
) -> None:
    planted = [*POOL, ("p-0", copy, "other")]
    shots = shots_of(tmp_path, codebook, pool=planted, select=select, count=len(planted))
    assert sorted(ids_for(shots, TEXT)) == [row[0] for row in POOL]
    assert "p-0" in ids_for(shots, "the doctor was in a hurry")


def test_no_text_gets_the_same_example_twice(tmp_path: Path, codebook: Codebook) -> None:
    twice = [*POOL, ("p-9", f"{POOL[3][1].upper()}!", "staff"), ("p-0", POOL[3][1], "other")]
    shots = shots_of(tmp_path, codebook, pool=twice, count=9)
    # The same words with another category are another example.
    assert sorted(ids_for(shots, TEXT)) == ["p-0", "p-1", "p-2", "p-3", "p-4", "p-5"]


def test_an_item_of_the_study_is_an_example_of_no_other_item(
    tmp_path: Path, codebook: Codebook
) -> None:
    # Gold, control and certificate labels belong to items of the study, by their ids.
    items = [("p-4", "a text that changed"), ("i-2", "SOUP and bread were cold.")]
    shots = shots_of(tmp_path, codebook, items=items, count=5)
    assert sorted(ids_for(shots, TEXT)) == ["p-1", "p-3", "p-5"]
    assert any("2 rows left out" in message for message in shots.messages)
    assert not any(POOL[1][1] in message for message in shots.messages)
    fixed = shots_of(tmp_path, codebook, items=items, count=5, select="fixed")
    assert sorted(fixed.ids) == ["p-1", "p-3", "p-5"]


def test_a_fixed_example_is_no_near_copy_of_an_item(tmp_path: Path, codebook: Codebook) -> None:
    near = "dinner came late and very cold"
    shots = shots_of(tmp_path, codebook, items=[("i-1", near)], count=5, select="fixed")
    assert sorted(shots.ids) == ["p-1", "p-2", "p-3", "p-4"]


def test_fixed_examples_are_found_among_many_near_copies_of_items(
    tmp_path: Path, codebook: Codebook
) -> None:
    items = [(f"i-{n}", f"a text of seven words about {n}") for n in range(60)]
    copies = [(f"c-{n}", f"a text of seven words about {n} indeed", "other") for n in range(60)]
    every = shots_of(
        tmp_path, codebook, pool=[*copies, *POOL], items=items, count=5, select="fixed"
    )
    assert sorted(every.ids) == [row[0] for row in POOL]
    two = shots_of(tmp_path, codebook, pool=[*copies, *POOL], items=items, count=2, select="fixed")
    assert len(two.ids) == 2
    assert two.ids < every.ids


def test_row_numbers_of_two_tables_are_not_the_same_items(
    tmp_path: Path, codebook: Codebook
) -> None:
    stated = StatedShots(
        table(tmp_path / "pool.csv", [row[1:] for row in POOL], "text,gold_topic"), 1, 0, 5, "fixed"
    )
    items = ItemFile.open(
        table(tmp_path / "one.csv", [("ward 1", "all of it was good")], "ward,text")
    )
    assert len(load_shots(stated, codebook, items=items).examples["topic"]) == 5


def test_a_pool_of_nothing_but_items_is_refused(tmp_path: Path, codebook: Codebook) -> None:
    with pytest.raises(InputError, match="5 rows are items of the study"):
        shots_of(tmp_path, codebook, items=[row[:2] for row in POOL])


def test_random_examples_differ_between_texts_and_seeds_but_not_between_runs(
    tmp_path: Path, codebook: Codebook
) -> None:
    texts = [f"text number {n}" for n in range(20)]

    def drawn(seed: int) -> list[list[str]]:
        shots = shots_of(tmp_path, codebook, select="random", seed=seed)
        return [ids_for(shots, text) for text in texts]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len({tuple(ids) for ids in drawn(1)}) > 5
    assert {name for ids in drawn(1) for name in ids} == {row[0] for row in POOL}


def test_fixed_examples_are_the_same_for_all_texts(tmp_path: Path, codebook: Codebook) -> None:
    shots = shots_of(tmp_path, codebook, select="fixed", count=3)
    assert shots.of_texts is None
    assert len(shots.examples["topic"]) == len(shots.ids) == 3
    assert shots.recorded is not None
    assert (shots.recorded.count, shots.recorded.select) == (3, "fixed")


def test_the_examples_of_a_text_depend_on_no_other_text(tmp_path: Path, codebook: Codebook) -> None:
    texts = [TEXT, "cold soup", "parking"]
    alone = [ids_for(shots_of(tmp_path, codebook), text) for text in texts]
    together = shots_of(tmp_path, codebook, pool=POOL[::-1])
    assert together.of_texts is not None
    together.of_texts.prepare(texts[::-1])
    assert [ids_for(together, text) for text in texts] == alone


def test_each_text_is_embedded_once(tmp_path: Path, codebook: Codebook) -> None:
    embedder = WordVectors()
    shots = shots_of(tmp_path, codebook, embedder=embedder)
    assert shots.of_texts is not None
    assert embedder.read == 0
    shots.of_texts.prepare([TEXT, "cold soup", TEXT, ""])
    assert embedder.read == len(POOL) + 2
    shots.of_texts.examples("topic", TEXT)
    assert embedder.read == len(POOL) + 2


def test_a_block_of_items_is_embedded_together(tmp_path: Path, codebook: Codebook) -> None:
    embedder = WordVectors()
    template = load_template().with_shots(shots_of(tmp_path, codebook, embedder=embedder).of_texts)
    items = [Item(ItemId(f"i-{n}"), text, n) for n, text in enumerate((TEXT, "soup", "n/a", " "))]
    non_answers = NonAnswers.of(codebook.no_answer)
    questions = Questions(codebook.variables, template, "codebook_first", non_answers)
    label_block(ScriptedEngine(), items, questions=questions)
    assert embedder.calls == 2
    assert embedder.read == len(POOL) + 2


def prompt_for(template: PromptTemplate, codebook: Codebook, text: str) -> Prompt:
    return template.render(codebook.variable("topic"), text, layout="codebook_first")


def test_the_prompt_of_a_text_shows_its_examples_apart_from_what_all_prompts_share(
    tmp_path: Path, codebook: Codebook
) -> None:
    template = load_template().with_shots(shots_of(tmp_path, codebook).of_texts)
    segments = [
        prompt_for(template, codebook, text).messages[1].segments for text in (TEXT, "soup")
    ]
    assert [one.origin for one in segments[0]] == ["instruction", "shots", "item", "instruction"]
    assert segments[0][0] == segments[1][0]
    assert segments[0][1] != segments[1][1]
    assert segments[0][1].text.startswith("Examples:\n")
    assert f'- "{POOL[3][1]}" is staff\n' in segments[0][1].text
    assert POOL[3][1] not in repr(segments)
    assert prompt_for(template, codebook, TEXT).item == TEXT
    # Without a text, nothing is retrieved.
    plain = prompt_for(load_template(), codebook, "")
    assert prompt_for(template, codebook, "") == plain
    reading = template.reading("option")
    assert POOL[3][1] in prompt_for(reading, codebook, TEXT).messages[1].text


def test_what_chooses_the_examples_is_part_of_the_rater(tmp_path: Path, codebook: Codebook) -> None:
    def identity(shots: Shots | None) -> str:
        template = load_template().with_shots(shots.of_texts if shots else None)
        questions = Questions(codebook.variables, template, "codebook_first")
        return rater_identity(ScriptedEngine(), questions).sha256

    found = {
        identity(None),
        identity(shots_of(tmp_path, codebook)),
        identity(shots_of(tmp_path, codebook, count=3)),
        identity(shots_of(tmp_path, codebook, select="balanced")),
        identity(shots_of(tmp_path, codebook, groups=2)),
        identity(shots_of(tmp_path, codebook, pool=POOL[1:])),
    }
    assert len(found) == 6
    again = shots_of(tmp_path, codebook, pool=POOL[::-1], seed=5)
    assert identity(again) in found
