"""Record the labels of one rater while they come.

Labels that come within a second are recorded together, so that recording does not slow down a
small model. A killed run loses at most these and what its engine was computing; any other end
of a run records them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from localensemble.core.labels import Label
from localensemble.engines.protocol import Engine, Usage
from localensemble.labeling.scoring import LabeledCells
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import BlockPlace, BlockUsage, RaterKey, RunKey, VariableKey

_SECONDS_BETWEEN = 1.0


@dataclass(slots=True)
class Recorder:
    """The labels of one rater that are not recorded yet, and where they go.

    Attributes:
        engine: what makes the labels; its usage is recorded with them.
        variables: the keys of the variables, by name.
    """

    ledger: Ledger
    engine: Engine
    run: RunKey
    rater: RaterKey
    variables: Mapping[str, VariableKey]
    _pending: dict[BlockPlace, dict[str, dict[int, Label]]] = field(default_factory=dict)
    _recorded_at: float = field(default_factory=time.monotonic)
    _usage: Usage = field(init=False)

    def __post_init__(self) -> None:
        self._usage = self.engine.usage()

    def add(self, cells: LabeledCells, *, block: BlockPlace) -> None:
        """Take labels of a block; record them unless others were recorded a moment ago."""
        start, stop = block.start + cells.start, block.start + cells.stop
        columns = self._pending.setdefault(BlockPlace(block.item_set, start, stop), {})
        for name, labels in cells.labels.items():
            shifted = {place - cells.start: label for place, label in labels.items()}
            columns.setdefault(name, {}).update(shifted)
        if time.monotonic() - self._recorded_at >= _SECONDS_BETWEEN:
            self.record()

    def record(self) -> None:
        """Record everything that is not recorded yet."""
        for place, columns in list(self._pending.items()):
            self._append(place, columns)
            del self._pending[place]
        self._recorded_at = time.monotonic()

    def _append(self, place: BlockPlace, columns: Mapping[str, Mapping[int, Label]]) -> None:
        keys = {name: self.variables[name] for name in columns}
        # Ctrl-C may have come between recording these labels and taking note of it.
        missing = self.ledger.reader.missing_labels(
            place.item_set,
            rater=self.rater,
            variables=tuple(keys.values()),
            start=place.start,
            stop=place.stop,
        )
        labels = {
            key: [
                columns[name].get(index) if is_missing else None
                for index, is_missing in enumerate(missing[key])
            ]
            for name, key in keys.items()
            if any(missing[key][index] for index in columns[name])
        }
        if not labels:
            return
        usage = self.engine.usage()
        self.ledger.append_block(
            labels,
            run=self.run,
            rater=self.rater,
            item_set=place.item_set,
            start=place.start,
            usage=_difference(self._usage, usage),
        )
        self._usage = usage


def _difference(before: Usage, after: Usage) -> BlockUsage:
    return BlockUsage(
        prompt_tokens=after.prompt_tokens - before.prompt_tokens,
        evaluated_tokens=after.evaluated_tokens - before.evaluated_tokens,
        seconds=after.seconds - before.seconds,
        peak_memory_bytes=after.peak_memory_bytes,
    )
