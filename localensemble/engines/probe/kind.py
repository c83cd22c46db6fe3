"""What the program knows about a trained probe before it is opened."""

from __future__ import annotations

from pathlib import Path

from localensemble.core.encoder_name import ENCODER
from localensemble.core.engine_facts import EngineFacts
from localensemble.engines.kind import EngineKind, Training
from localensemble.engines.worker.worker_engines import WorkerProbeEngine
from localensemble.probes.probe import Probe


class _ProbeKind(EngineKind):
    def training(self, path: Path) -> Training:
        """Read it from the probe's file."""
        probe = Probe.read(path)
        return Training(
            encoder=ENCODER if probe.features == "vectors" else "",
            texts=frozenset(probe.folds),
            categories={name: one.categories for name, one in probe.variables.items()},
        )


PROBE = _ProbeKind(
    WorkerProbeEngine,
    facts=EngineFacts(
        scored_by="by logistic regression that was trained on gold labels; a text among them was "
        "judged by a classifier that had not seen it",
        never_cuts=True,
        without_prompt=True,
        model_kind="classifier",
    ),
    reads_files=True,
    # It reads no prompt.
    readouts=(),
    is_trained_here=True,
)
