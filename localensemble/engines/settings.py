"""What a caller can choose about an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.engines.protocol import ScoringMode

DEFAULT_ENGINE = "llama-cpp"
"""The engine of a rater whose entry does not name one."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which model to run, and how.

    Attributes:
        engine: a name from the registry.
        model_path: the GGUF file; None for engines that do not read files.
        model_name: what the ensemble file calls the model; for an engine that keeps models by
            name, the name that Ollama lists.
        context_tokens: tokens a prompt with its answers may take, never more than the model
            was trained on; None for 4096.
        threads: CPU threads; None for all that this process may use.
        gpu_layers: layers put on a GPU if llama.cpp was built for one; None for all.
        mode: ``batched``, or ``strict``: one sequence, nothing shared, each answer on its
            own, as a check on the other mode.
        encoder_path: the GGUF file of the encoder, for an engine that needs one besides its own
            file.
        launcher: the module, with its arguments, that starts an engine's own process; the
            module to run there is appended as its last argument. Empty for no launcher.
    """

    engine: str = DEFAULT_ENGINE
    model_path: Path | None = None
    model_name: str = ""
    context_tokens: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    mode: ScoringMode = "batched"
    encoder_path: Path | None = None
    launcher: tuple[str, ...] = ()
