"""Label for simulated hours with faults at random, and watch memory, speed and records.

A scripted engine reports a batch at a time, and each batch moves a simulated clock by as long as
a model would take. At random it dies, is interrupted as by Ctrl-C, cannot write, or the clock
jumps as after a night of sleep. The same command runs again until it is done.
"""

from __future__ import annotations

import gc
import random
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from localensemble.api.label import LabelOptions, label
from localensemble.core.errors import EngineCrashedError, EngineError
from localensemble.core.prompts import Prompt
from localensemble.engines import registry
from localensemble.engines.protocol import OnScored
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling import recording, tally
from scripts.faults.study_files import write_inputs

_SECONDS_EACH = 3.0
_BATCH = 16
_RATERS = 3
_JUMPS = (-8 * 3600.0, 8 * 3600.0, 1e9)
_STATUS = Path("/proc/self/status")


@dataclass(slots=True)
class Clock:
    """A clock that the engine moves; ``worked`` counts only the work, not the jumps."""

    now: float = 0.0
    worked: float = 0.0

    def monotonic(self) -> float:
        """Return the time, as the module `time` does."""
        return self.now


@dataclass(slots=True)
class Soak:
    """What happened.

    Attributes:
        hours: simulated hours of work.
        faults: kind of fault -> how often.
        commands: how often the command ran.
        memory: memory of this process in MiB, at even distances of work.
    """

    hours: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    commands: int = 0
    memory: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The growth of memory in MiB from the second quarter of the work to the last."""
        part = max(1, len(self.memory) // 4)
        return max(self.memory[-part:]) - max(self.memory[part : 2 * part] or self.memory[:part])


class _FaultyEngine(ScriptedEngine):
    """The scripted engine in batches; before each, something may go wrong."""

    clock = Clock()
    soak = Soak()
    chance = 0.0
    drawn = random.Random(0)
    every = 1.0

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Report the wanted results batch by batch."""
        places = sorted(wanted)
        for start in range(0, len(places), _BATCH):
            batch = places[start : start + _BATCH]
            self._move(len(batch))
            results = self.score([prompts[one] for one in batch], [answers[one] for one in batch])
            on_scored(dict(zip(batch, results, strict=True)))

    def _move(self, count: int) -> None:
        clock, soak = self.clock, self.soak
        clock.now += _SECONDS_EACH * count
        clock.worked += _SECONDS_EACH * count
        if clock.worked >= len(soak.memory) * self.every:
            gc.collect()
            soak.memory.append(_memory())
        if self.drawn.random() >= self.chance:
            return
        kind = self.drawn.choice(("died", "interrupted", "failed", "jumped"))
        soak.faults[kind] = soak.faults.get(kind, 0) + 1
        if kind == "died":
            raise EngineCrashedError("The process running the model died during a call (-9).")
        if kind == "interrupted":
            raise KeyboardInterrupt
        if kind == "failed":
            raise EngineError("The engine failed.")
        clock.now += self.drawn.choice(_JUMPS)


def soak(folder: Path, *, hours: float, faults_per_hour: float, seed: int) -> Soak:
    """Label in a folder until every label is there, and return what happened."""
    done = Soak()
    batch_seconds = _SECONDS_EACH * _BATCH
    _FaultyEngine.clock, _FaultyEngine.soak = Clock(), done
    _FaultyEngine.chance = faults_per_hour * batch_seconds / 3600
    _FaultyEngine.drawn = random.Random(seed)
    _FaultyEngine.every = hours * 3600 / 48
    write_inputs(folder, items=round(hours * 3600 / _SECONDS_EACH / _RATERS))
    with _simulated(_FaultyEngine.clock):
        while True:
            done.commands += 1
            try:
                label(
                    folder / "items.csv",
                    codebook=folder / "codebook.yaml",
                    study=folder / "study",
                    options=LabelOptions(ensemble=folder / "raters.yaml"),
                )
                break
            except (KeyboardInterrupt, EngineError):
                continue
    done.hours = _FaultyEngine.clock.worked / 3600
    return done


@contextmanager
def _simulated(clock: Clock) -> Iterator[None]:
    before = registry._OURS
    kind = replace(before["scripted"], opener=_FaultyEngine.from_settings)
    registry._OURS = {**before, "scripted": kind}
    modules = (recording, tally)
    times = [module.time for module in modules]
    try:
        for module in modules:
            module.time = clock  # type: ignore[assignment]
        yield
    finally:
        registry._OURS = before
        for module, time in zip(modules, times, strict=True):
            module.time = time


def _memory() -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def recorded_labels(study: Path) -> list[tuple[object, ...]]:
    """List every label to the last digit, in the order of items and raters."""
    with closing(sqlite3.connect(study / "study.sqlite")) as connection:
        return list(
            connection.execute(
                "SELECT item_id, variable, rater, v.status, v.category, hex(l.probabilities) "
                "FROM label_view v JOIN label l USING (rater_key, variable_key, item_key) "
                "ORDER BY 1, 2, 3"
            )
        )
