"""What the program knows about a trained probe before it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from localensemble.core.encoder_name import ENCODER
from localensemble.core.engine_facts import EngineFacts
from localensemble.engines.kind import EngineKind
from localensemble.engines.worker import WorkerProbeEngine
from localensemble.probes.probe import Probe


class _ProbeKind(EngineKind):
    def encoder(self, path: Path) -> str:
        """Name the encoder, unless the probe sees words."""
        return ENCODER if Probe.read(path).features == "vectors" else ""

    def unknown(self, path: Path, answers: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """Return the variables whose categories are not those of the training."""
        trained = Probe.read(path).variables
        return [
            name
            for name, given in answers.items()
            if name not in trained or sorted(trained[name].categories) != sorted(given)
        ]

    def trained_on(self, path: Path) -> frozenset[str]:
        """Return the texts in the probe's folds."""
        return frozenset(Probe.read(path).folds)


PROBE = _ProbeKind(
    WorkerProbeEngine,
    facts=EngineFacts(
        scored_by="by logistic regression that was trained on gold labels; a text among them was "
        "judged by a classifier that had not seen it",
        never_cuts=True,
    ),
    reads_files=True,
    # It reads no prompt.
    readouts=(),
    is_trained_here=True,
)
