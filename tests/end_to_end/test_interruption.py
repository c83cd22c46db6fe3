"""A run that is killed loses nothing it recorded, and ends equal to an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.ledger.verify import verify
from tests.embeddings.tiny_bert import convert_tiny
from tests.end_to_end.conftest import Start
from tests.studies import recorded

pytestmark = [
    pytest.mark.slow,  # kills and resumes runs of the embedded models
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]

KILLS = 10
KILLS_PER_STUDY = 2
ITEMS = 192
LONGEST_RUN_SECONDS = 300
# 3: some item has no label.
DONE = {0, 3}


def arguments(examples: Path, study: Path) -> tuple[object, ...]:
    return (
        "label",
        examples / "patient_feedback.csv",
        *("-c", examples / "patient_feedback.yaml", "-o", study, "--limit", ITEMS),
    )


def finish(run: subprocess.Popen[str]) -> int:
    _, errors = run.communicate(timeout=LONGEST_RUN_SECONDS)
    assert run.returncode in {*DONE, 1}, errors
    return run.returncode


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, repository: Path
) -> tuple[list[tuple[object, ...]], float]:
    study = tmp_path_factory.mktemp("undisturbed") / "study"
    started = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "localensemble"),
            *map(str, arguments(repository / "examples", study)),
        ],
        check=True,
        capture_output=True,
    )
    return recorded(study), time.monotonic() - started


def assert_equal_to(undisturbed: list[tuple[object, ...]], study: Path) -> None:
    rows = recorded(study)
    assert len({row[:3] for row in rows}) == len(rows)
    assert rows == undisturbed


def test_a_run_killed_at_ten_random_moments(
    start: Start,
    examples: Path,
    tmp_path: Path,
    undisturbed: tuple[list[tuple[object, ...]], float],
) -> None:
    expected, seconds = undisturbed
    moments = random.Random(41)
    killed = attempts = 0
    while killed < KILLS:
        attempts += 1
        assert attempts <= 5 * KILLS, f"only {killed} runs were still going on when killed"
        study = tmp_path / f"study-{attempts}"
        for _ in range(KILLS_PER_STUDY):
            run = start(*arguments(examples, study))
            time.sleep(moments.uniform(0.2, 1.0) * seconds)
            # A run that has ended by then was not killed, whatever is sent to it.
            killed += run.poll() is None
            run.kill()
            run.communicate()
        assert finish(start(*arguments(examples, study))) == 0
        assert_equal_to(expected, study)


def test_a_worker_killed_at_ten_random_moments(
    start: Start,
    examples: Path,
    tmp_path: Path,
    undisturbed: tuple[list[tuple[object, ...]], float],
) -> None:
    expected, seconds = undisturbed
    moments = random.Random(42)
    study = tmp_path / "study"
    killed = 0
    attempts = 0
    while killed < KILLS:
        attempts += 1
        study = tmp_path / f"study-{attempts}"
        run = start(*arguments(examples, study))
        time.sleep(moments.uniform(0.2, 0.9) * seconds)
        for worker in children(run.pid):
            os.kill(worker, signal.SIGKILL)
            killed += 1
        # Killed while the model loads, the run ends with an error; run again, it goes on.
        if finish(run) != 0:
            assert finish(start(*arguments(examples, study))) == 0
        assert_equal_to(expected, study)
        assert attempts < 5 * KILLS, "no worker was found to kill"


ROLES = """\
raters:
  - {model: le-llama-2m}
  - {model: le-qwen2-3m}
  - {model: le-gpt2-2m, name: judge, role: adjudicator}
  - {model: le-llama-2m, name: checker, role: verifier}
"""


THREE = """\
raters: [{model: le-llama-2m}, {model: le-qwen2-3m}, {model: le-gpt2-2m}]
prompt: {layout: codebook_first}
escalation: [{policy: no_consensus}]
"""
CHAIN = THREE + "consensus: {method: chain}\nstrategy: {name: chain}\n"
EARLY_STOP = THREE + "consensus: {method: majority}\nstrategy: {name: early_stop}\n"


@pytest.mark.parametrize(
    "content", [ROLES, CHAIN, EARLY_STOP], ids=["roles", "chain", "early_stop"]
)
def test_a_run_with_a_strategy_is_killed_and_asks_the_same_in_the_end(
    start: Start, examples: Path, tmp_path: Path, content: str
) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text(content, encoding="utf-8")

    def label(study: str) -> subprocess.Popen[str]:
        options = ("-e", ensemble, "--limit", 64)
        # The last --limit counts.
        return start(*arguments(examples, tmp_path / study), *options)

    started = time.monotonic()
    assert finish(label("whole")) in DONE
    seconds = time.monotonic() - started
    moments = random.Random(43)
    killed = 0
    while killed < 2:
        run = label("killed")
        time.sleep(moments.uniform(0.4, 0.9) * seconds)
        killed += run.poll() is None
        run.kill()
        run.communicate()
        assert time.monotonic() - started < LONGEST_RUN_SECONDS
    assert finish(label("killed")) in DONE
    assert_equal_to(recorded(tmp_path / "whole"), tmp_path / "killed")


TOPICS = """\
name: topics
version: "1"
variables:
  - name: topic
    level: multi_label
    question: Is the text about {category}?
    categories:
      - {name: staff, definition: the staff and how kind they are}
      - {name: waiting, definition: waiting and how long it took}
"""
PASSAGES = """\
SELECT rater_key, variable_key, method, position, passages, left_out, reason
FROM item_passages JOIN passage_batch USING (batch_key)
JOIN item_set_member USING (item_set_key, item_key) ORDER BY 1, 2, 3, 4
"""


def test_relevancy_is_killed_and_asks_for_the_same_passages_in_the_end(
    start: Start, examples: Path, tmp_path: Path
) -> None:
    codebook, ensemble = tmp_path / "codebook.yaml", tmp_path / "ensemble.yaml"
    codebook.write_text(TOPICS, encoding="utf-8")
    ensemble.write_text(THREE, encoding="utf-8")
    encoder, items = convert_tiny(tmp_path), examples / "patient_feedback.csv"
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    given = ("-c", codebook, "-e", ensemble, "-o", whole, "--limit", 96)
    assert finish(start("label", items, *given)) in DONE
    shutil.copytree(whole, killed)

    def relevancy(study: Path) -> subprocess.Popen[str]:
        given = ("--items", items, "-e", ensemble, "--embedder", encoder)
        return start("relevancy", study, *given)

    def passages(study: Path) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(study / "study.sqlite")) as connection:
            return list(connection.execute(PASSAGES))

    assert finish(relevancy(whole)) == 0
    expected = passages(whole)
    # At the first batch on record, and later; the last run has all the rest.
    for share in (0.0, 0.3, 0.6):
        run = relevancy(killed)
        until = time.monotonic() + LONGEST_RUN_SECONDS
        while len(passages(killed)) <= share * len(expected):
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        run.kill()
        run.communicate()
        assert run.returncode == -signal.SIGKILL
        assert verify(killed / "study.sqlite").broken is None
        assert share * len(expected) < len(passages(killed)) < len(expected)
    assert finish(relevancy(killed)) == 0
    assert passages(killed) == expected
    assert recorded(killed) == recorded(whole)


def children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]


# Items of one block, which take a real model seconds.
FEW = 40
CELLS = 2 * FEW


def count(study: Path, query: str) -> int:
    ledger = study / "study.sqlite"
    if not ledger.exists():
        return 0
    with closing(sqlite3.connect(ledger)) as connection:
        try:
            return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:
            # Its tables are not made yet.
            return 0


def labels(study: Path) -> int:
    return count(study, "SELECT count(*) FROM label")


def test_a_published_model_stopped_within_a_block_computes_only_what_is_missing(
    start: Start, examples: Path, tmp_path: Path, real_model: Callable[[str], Path]
) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text(f"raters:\n  - model: {real_model('smollm2-135m-instruct')}\n")

    def run(study: Path, items: int = FEW) -> subprocess.Popen[str]:
        arguments = ("-c", examples / "patient_feedback.yaml", "-e", ensemble, "-o", study)
        return start("label", examples / "patient_feedback.csv", *arguments, "--limit", items)

    whole = tmp_path / "whole"
    assert finish(run(whole)) == 0
    expected = recorded(whole)
    evaluated = (
        "SELECT sum(evaluated_tokens) FROM block WHERE run_key = (SELECT max(run_key) FROM run)"
    )
    for number in (signal.SIGKILL, signal.SIGINT):
        study = tmp_path / number.name
        stopped = run(study)
        until = time.monotonic() + LONGEST_RUN_SECONDS
        while not (kept := labels(study)):
            assert stopped.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        stopped.send_signal(number)
        stopped.communicate(timeout=LONGEST_RUN_SECONDS)
        assert stopped.returncode == (130 if number == signal.SIGINT else -number)
        assert 0 < kept <= labels(study) < CELLS
        assert finish(run(study)) == 0
        assert recorded(study) == expected
        assert count(study, evaluated) < count(whole, evaluated)
    # Two more items are two items' work, and change nothing else.
    assert finish(run(whole, FEW + 2)) == 0
    assert labels(whole) == CELLS + 4
    assert set(expected) <= set(recorded(whole))
