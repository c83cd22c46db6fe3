"""A run that is killed loses nothing it recorded, and ends equal to an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def arguments(examples: Path, study: Path) -> tuple[object, ...]:
    return (
        "label",
        examples / "patient_feedback.csv",
        *("-c", examples / "patient_feedback.yaml", "-o", study, "--limit", ITEMS),
    )


def finish(run: subprocess.Popen[str]) -> int:
    _, errors = run.communicate(timeout=LONGEST_RUN_SECONDS)
    assert run.returncode in {0, 1}, errors
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


def children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]
