"""Promises about being killed: nothing half-written, nothing lost that was reported done."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import verify
from tests.ledger.studies import (
    items,
    labels,
    rater,
    register,
    register_variables,
)

pytestmark = pytest.mark.slow  # starts processes and kills them

ITEM_COUNT = 240
BLOCK_SIZE = 8
NAMES = ("first", "second")


def label_what_is_missing(path: Path) -> None:
    """Do what a run does, and say after each block that it is recorded."""
    with Ledger.open(path, create=True) as ledger:
        item_set = register(ledger, items(ITEM_COUNT))
        variables = register_variables(ledger)
        run = ledger.start_run({"raters": list(NAMES)})
        for name in NAMES:
            key = ledger.register_rater(rater(name))
            for number in ledger.reader.missing_blocks(
                item_set,
                rater=key,
                variables=list(variables.values()),
                block_size=BLOCK_SIZE,
            ):
                start = number * BLOCK_SIZE
                ledger.append_block(
                    labels(variables, start=start, stop=start + BLOCK_SIZE),
                    run=run,
                    rater=key,
                    item_set=item_set,
                    start=start,
                )
                sys.stdout.write(f"{name} {number}\n")
                sys.stdout.flush()
        ledger.finish_run(run, status="finished", summary={})


def killed_after(path: Path, *, lines: int, seconds: float) -> list[str]:
    """Start a run, kill it some time after so many blocks, and return what it reported."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.test_crash", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with process:
        assert process.stdout is not None
        reported = [process.stdout.readline() for _ in range(lines)]
        time.sleep(seconds)
        process.kill()
        reported += process.stdout.readlines()
    # The last line may have been cut off in the middle.
    return [line for line in reported if line.endswith("\n")]


def recorded(path: Path) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...]:
    """Read every label of a finished study."""
    with LedgerReader.open(path) as reader:
        raters = [record.key for record in reader.raters()]
        (codebook,) = reader.codebooks()
        (item_set,) = reader.item_sets()
        blocks = [
            reader.label_block(
                item_set.key,
                variable=variable,
                raters=raters,
                start=0,
                stop=ITEM_COUNT,
                probabilities=True,
            )
            for variable in codebook.variables.values()
        ]
        columns = [
            column
            for block in blocks
            for column in (block.status, block.category, block.confidence, block.probabilities)
            if column is not None
        ]
        return tuple(np.asarray(column, dtype=np.float64) for column in columns)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("undisturbed") / "study.sqlite"
    label_what_is_missing(path)
    return path


def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(
    tmp_path: Path, undisturbed: Path
) -> None:
    path = tmp_path / "study.sqlite"
    draw = random.Random(20)
    reported: list[str] = []
    for _ in range(10):
        reported += killed_after(path, lines=draw.randrange(8), seconds=draw.random() / 20)
        if path.exists() and path.stat().st_size and b"event" in path.read_bytes():
            assert verify(path).broken is None
    label_what_is_missing(path)
    assert verify(path).counts["label"] == 960
    # Nothing that was reported as recorded was lost and labeled anew.
    assert len(reported) == len(set(reported))
    for found, wanted in zip(recorded(path), recorded(undisturbed), strict=True):
        assert np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize("statement", [1, 3, 8, 21, 34, 55, 85, 120, 144])
def test_a_run_killed_at_any_statement_leaves_a_ledger_that_goes_on(
    tmp_path: Path, undisturbed: Path, statement: int
) -> None:
    path = tmp_path / "study.sqlite"
    command = [sys.executable, "-m", "tests.ledger.test_crash", str(path), str(statement)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL)
    assert killed.returncode != 0
    label_what_is_missing(path)
    assert verify(path).broken is None
    for found, wanted in zip(recorded(path), recorded(undisturbed), strict=True):
        assert np.array_equal(found, wanted, equal_nan=True)


def die_at_statement(number: int) -> None:
    """Kill this process when SQLite begins its n-th statement."""
    connect = sqlite3.connect
    statements = count(1)

    def die(_: str) -> None:
        if next(statements) == number:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    def watched(*arguments: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(die)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        die_at_statement(int(sys.argv[2]))
    label_what_is_missing(Path(sys.argv[1]))
