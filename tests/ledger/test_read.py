"""Promises of the reading side."""

from __future__ import annotations

import math
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.core.errors import LedgerError
from localensemble.core.labels import ItemId, Label, LabelStatus
from localensemble.ledger.digests import CHAIN_START, event_sha256
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import MISSING, BlockPlace, RaterUsage
from localensemble.ledger.schema import STATUS_CODES
from localensemble.ledger.verify import verify
from tests.ledger.studies import Study, items, labels, register
from tests.studies import change_behind_triggers

CATEGORY_COUNT = 3


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path / "study.sqlite")
    with made.ledger:
        yield made


@st.composite
def distributions(draw: st.DrawFn) -> tuple[float, ...]:
    weights = draw(
        st.lists(st.floats(0, 1), min_size=CATEGORY_COUNT, max_size=CATEGORY_COUNT).filter(
            lambda numbers: sum(numbers) > 1e-3
        )
    )
    return tuple(weight / sum(weights) for weight in weights)


@st.composite
def one_label(draw: st.DrawFn) -> Label:
    status = draw(st.sampled_from(LabelStatus))
    assigned = status is LabelStatus.ASSIGNED
    word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    return Label(
        status,
        draw(st.integers(0, CATEGORY_COUNT - 1)) if assigned else None,
        draw(st.none() | distributions()),
        draw(st.none() | st.floats(0, 1) | st.just(-0.0)),
        "" if assigned else draw(word),
    )


@pytest.mark.slow  # writes many ledgers
@settings(max_examples=25)
@given(
    columns=st.lists(
        st.lists(st.none() | one_label(), min_size=9, max_size=9), min_size=2, max_size=2
    ),
    cuts=st.lists(st.integers(1, 8), max_size=3, unique=True),
    turned=st.booleans(),
)
def test_what_was_appended_is_what_is_read_and_verifies(
    columns: list[list[Label | None]], cuts: list[int], turned: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder) / "study.sqlite", item_count=9)
        with study.ledger:
            raters = [study.first, study.second]
            edges = sorted({0, *cuts, 9}, reverse=turned)
            for edge, other in pairwise(edges):
                start, stop = min(edge, other), max(edge, other)
                for rater, column in zip(raters, columns, strict=True):
                    study.ledger.append_block(
                        {study.theme: column[start:stop]},
                        run=study.run,
                        rater=rater,
                        item_set=study.item_set,
                        start=start,
                    )
            block = study.reader.label_block(
                study.item_set,
                variable=study.theme,
                raters=raters,
                start=0,
                stop=9,
                probabilities=True,
            )
            assert block.probabilities is not None
            for j, column in enumerate(columns):
                for i, wanted in enumerate(column):
                    if wanted is None:
                        assert block.status[i, j] == MISSING
                        continue
                    assert block.status[i, j] == STATUS_CODES[wanted.status]
                    assert block.category[i, j] == (
                        -1 if wanted.category is None else wanted.category
                    )
                    assert block.reasons.get((i, j), "") == wanted.reason
                    mass = float(block.off_codebook_mass[i, j])
                    assert wanted.off_codebook_mass == (None if math.isnan(mass) else mass)
                    found = tuple(block.probabilities[i, j].tolist())
                    assert wanted.probabilities == (None if math.isnan(found[0]) else found)
                    if wanted.category is not None and wanted.probabilities is not None:
                        number = wanted.probabilities[wanted.category]
                        assert block.confidence[i, j] == number
                    else:
                        assert math.isnan(block.confidence[i, j])
            indices = study.reader.label_indices(
                study.item_set, variable=study.theme, raters=raters
            )
            assert np.array_equal(indices, block.category)
        assert verify(study.path).broken is None


@settings(max_examples=25)
@given(
    blocks=st.lists(st.integers(0, 9), unique=True),
    halves=st.lists(st.integers(0, 9), unique=True),
    block_size=st.integers(1, 41),
)
def test_exactly_the_blocks_with_a_missing_label_are_missing(
    blocks: list[int], halves: list[int], block_size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder) / "study.sqlite", item_count=38)
        with study.ledger:
            recorded = {study.theme: set[int](), study.tone: set[int]()}
            for number in {*blocks, *halves}:
                start, stop = number * 4, min(number * 4 + 4, 38)
                for variable, column in labels(study.variables, start=start, stop=stop).items():
                    if variable == study.tone and number in halves:
                        continue
                    study.ledger.append_block(
                        {variable: column},
                        run=study.run,
                        rater=study.first,
                        item_set=study.item_set,
                        start=start,
                    )
                    recorded[variable] |= set(range(start, stop))
            both = list(recorded)
            missing = set(range(38)) - (recorded[study.theme] & recorded[study.tone])
            assert list(
                study.reader.missing_blocks(
                    study.item_set, rater=study.first, variables=both, block_size=block_size
                )
            ) == sorted({position // block_size for position in missing})


def append_some(study: Study, *, start: int, stop: int, places: range) -> None:
    """Append labels of some items of a block, for one variable."""
    column = labels(study.variables, start=start, stop=stop)[study.theme]
    study.ledger.append_block(
        {study.theme: [one if index in places else None for index, one in enumerate(column)]},
        run=study.run,
        rater=study.first,
        item_set=study.item_set,
        start=start,
    )


def test_blocks_that_were_begun_and_not_finished_are_known_by_their_places(study: Study) -> None:
    both = [study.theme, study.tone]

    def unfinished() -> tuple[BlockPlace, ...]:
        return study.reader.unfinished_blocks(study.first, variables=both)

    assert unfinished() == ()
    append_some(study, start=4, stop=8, places=range(2))
    append_some(study, start=0, stop=3, places=range(3))
    first, second = BlockPlace(study.item_set, 4, 8), BlockPlace(study.item_set, 0, 3)
    assert unfinished() == (first, second)
    assert study.reader.unfinished_blocks(study.second, variables=both) == ()
    assert study.reader.unfinished_blocks(study.first, variables=[study.theme]) == (first,)
    append_some(study, start=4, stop=8, places=range(2, 4))
    assert study.reader.unfinished_blocks(study.first, variables=[study.theme]) == ()


def test_the_items_of_a_block_are_found_in_another_item_set(study: Study) -> None:
    place = BlockPlace(study.item_set, 2, 5)
    assert study.reader.positions_of(place, item_set=study.item_set) == (2, 3, 4)
    turned = register(study.ledger, items(10)[::-1])
    assert study.reader.positions_of(place, item_set=turned) == (7, 6, 5)
    shorter = register(study.ledger, items(4))
    assert study.reader.positions_of(place, item_set=shorter) is None


def test_blocks_may_be_appended_while_missing_blocks_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.ledger.read._STRETCH", 120)
    study = Study(tmp_path / "study.sqlite", item_count=400)
    with study.ledger:
        variables = [study.theme, study.tone]
        done = []
        for number in study.reader.missing_blocks(
            study.item_set, rater=study.first, variables=variables, block_size=50
        ):
            done.append(number)
            study.append(study.first, start=number * 50, stop=number * 50 + 50)
        assert done == list(range(8))
        missing = study.reader.missing_blocks(
            study.item_set, rater=study.first, variables=variables, block_size=50
        )
        assert list(missing) == []
        indices = study.reader.label_indices(
            study.item_set, variable=study.tone, raters=[study.second, study.first]
        )
        assert (indices[:, 0] == -1).all()
        expected = [
            -1 if label.category is None else label.category
            for label in labels(study.variables, start=0, stop=400)[study.tone]
        ]
        assert indices[:, 1].tolist() == expected


def test_another_reader_sees_what_is_committed_while_the_ledger_writes(study: Study) -> None:
    with LedgerReader.open(study.path) as reader:

        def missing() -> int:
            return reader.label_counts(
                study.item_set, variable=study.theme, rater=study.first, stop=10
            ).missing

        assert missing() == 10
        study.append(study.first, start=0, stop=4)
        assert missing() == 6


def test_labels_are_counted_by_status_and_first_word_of_the_reason(study: Study) -> None:
    column = [
        Label(LabelStatus.ASSIGNED, 0),
        Label(LabelStatus.ABSTAINED, reason="declined"),
        Label(LabelStatus.FAILED, reason="too_long: 9 of 5 tokens"),
        Label(LabelStatus.FAILED, reason="too_long: 8 of 5 tokens"),
        Label(LabelStatus.UNPARSABLE, reason="declined: twice"),
    ]
    study.ledger.append_block(
        {study.theme: column},
        run=study.run,
        rater=study.first,
        item_set=study.item_set,
        start=2,
    )
    counts = study.reader.label_counts(
        study.item_set,
        variable=study.theme,
        rater=study.first,
        stop=study.reader.item_count(study.item_set),
    )
    assert counts.statuses == {
        LabelStatus.ASSIGNED: 1,
        LabelStatus.ABSTAINED: 1,
        LabelStatus.UNPARSABLE: 1,
        LabelStatus.FAILED: 2,
    }
    assert counts.missing == 5
    assert counts.reasons == {"declined": 2, "too_long": 2}


def test_usage_sums_over_blocks_and_keeps_the_highest_memory(study: Study) -> None:
    nothing = RaterUsage(0, 0, 0, 0, 0.0, 0)
    assert study.usage(study.first) == nothing
    study.append(study.first, start=0, stop=4)
    study.append(study.first, start=4, stop=10)
    assert study.usage(study.first) == RaterUsage(2, 20, 1800, 800, 0.2, 1 << 20)
    assert study.usage(study.second) == nothing


def test_usage_is_of_the_blocks_of_the_items_asked_for(study: Study) -> None:
    study.append(study.first, start=0, stop=4)
    study.append(study.first, start=4, stop=10)
    assert study.usage(study.first, stop=4) == RaterUsage(1, 8, 900, 400, 0.1, 1 << 20)
    assert study.usage(study.first, stop=5) == RaterUsage(2, 10, 1800, 800, 0.2, 1 << 20)


def test_the_events_of_a_history_chain(study: Study) -> None:
    study.append(study.first, start=0, stop=10)
    previous = CHAIN_START
    for event in study.reader.history():
        previous = event_sha256(
            previous,
            number=event.number,
            kind=event.kind,
            recorded_at=event.recorded_at,
            body=event.body,
        )
        assert event.sha256 == previous


@pytest.mark.parametrize("at_a_time", [1, 3, 8])
def test_a_history_is_read_to_its_end_in_pieces(
    study: Study, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    whole = list(study.reader.history())
    monkeypatch.setattr("localensemble.ledger.read._EVENTS_AT_A_TIME", at_a_time)
    assert list(study.reader.history()) == whole
    assert [event.number for event in whole] == list(range(1, len(whole) + 1))


def test_the_label_view_names_everything(study: Study) -> None:
    study.append(study.first, start=0, stop=10)
    connection = sqlite3.connect(study.path)
    rows = connection.execute(
        "SELECT item_id, variable, rater, status, category, reason FROM label_view"
        " WHERE item_key IN (1, 7) ORDER BY item_key, variable"
    ).fetchall()
    connection.close()
    assert rows == [
        ("item-0", "theme", "first", "assigned", "staff", None),
        ("item-0", "tone", "first", "assigned", "good", None),
        ("item-6", "theme", "first", "failed", None, "too_long: 6 of 5 tokens"),
        ("item-6", "tone", "first", "assigned", "good", None),
    ]


def test_a_reader_cannot_write(study: Study) -> None:
    with LedgerReader.open(study.path) as reader, pytest.raises(sqlite3.OperationalError):
        reader._connection.execute("INSERT INTO run VALUES (99, '{}')")


def test_items_are_found_by_the_hash_of_their_text_and_listed_with_it(study: Study) -> None:
    hashes = dict(items(study.item_count))
    texts = [hashes[ItemId(f"item-{place}")] for place in (7, 2)]
    assert study.reader.positions_of_contents(study.item_set, content_sha256=texts) == (2, 7)
    assert study.reader.positions_of_contents(study.item_set, content_sha256=[]) == ()
    assert study.reader.item_hashes(study.item_set, start=2, stop=4) == tuple(
        items(study.item_count)[2:4]
    )


def test_settings_of_a_run_that_are_not_json_are_a_clear_error(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=4)
    study.finish()
    for text in ("[" * 100_000, "{", "NaN"):
        change_behind_triggers(study.path, partial(_set_settings, text=text))
        with LedgerReader.open(study.path) as reader, pytest.raises(LedgerError) as refused:
            reader.runs()
        assert "not JSON" in refused.value.message
        assert refused.value.hint


def _set_settings(connection: sqlite3.Connection, *, text: str) -> None:
    connection.execute("UPDATE run SET settings = ?", (text,))
