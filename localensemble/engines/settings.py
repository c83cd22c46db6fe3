"""What a caller may choose about an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.engines.protocol import ScoringMode

DEFAULT_ENGINE = "llama-cpp"
"""The engine of a rater that names none."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which model to run, and how.

    Attributes:
        engine: a name of the registry.
        model_path: the GGUF file; None for engines that have none.
        model_name: what an ensemble file calls the model: the name that Ollama lists, for an
            engine that keeps models by name.
        context_tokens: tokens a prompt with its answers may take, never more than the model
            was trained on; None for 4096.
        threads: CPU threads; None for all that this process may use.
        gpu_layers: layers put on a GPU when llama.cpp was built for one; None for all.
        mode: ``batched``, or ``strict``: one sequence, nothing shared, each answer on its
            own, to check the other against.
        launcher: module, with its arguments, that starts the process of an engine that has
            one; the module to run there follows as its last argument. Empty for none.
    """

    engine: str = DEFAULT_ENGINE
    model_path: Path | None = None
    model_name: str = ""
    context_tokens: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    mode: ScoringMode = "batched"
    launcher: tuple[str, ...] = ()
