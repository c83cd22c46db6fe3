"""What the program knows about Ollama before a model is loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from localensemble.core.checks import Check
from localensemble.core.engine_facts import EngineFacts
from localensemble.core.errors import EngineUnavailableError, LocalEnsembleError
from localensemble.engines.kind import EngineKind
from localensemble.engines.ollama.engine import OllamaEngine
from localensemble.engines.ollama.model import check_model, find_server
from localensemble.engines.ollama.store import kept_blobs, weights_in_store
from localensemble.engines.settings import DEFAULT_ENGINE

# Server settings that make Ollama write requests to files.
LOG_VARIABLES = ("OLLAMA_DEBUG_LOG_REQUESTS", "OLLAMA_DEBUG")


class _OllamaKind(EngineKind):
    def rater_name(self, model: str) -> str:
        """Name a rater after its model: "hf.co/maker/model:Q4" becomes "model-Q4"."""
        return model.rpartition("/")[2].removesuffix(":latest").replace(":", "-")

    def weights_sha256(self, model: str) -> str:
        """Return the hash of the weights that the name refers to now."""
        return weights_in_store(model)

    def kept_files(self, sha256: str) -> Sequence[Path]:
        """List the blobs with this hash."""
        return kept_blobs(sha256)

    def refuse_unready(self, model: str, *, rater: str, isolated: bool) -> None:
        """Refuse a model that the server does not have, or a server out of reach."""
        if isolated:
            raise EngineUnavailableError(
                f'Cannot label with rater "{rater}": an isolated run cannot reach other '
                "programs, and Ollama is one.",
                hint=f"Run the model's GGUF file with engine {DEFAULT_ENGINE}, or label without "
                "--isolated.",
            )
        check_model(model)

    def cautions(self, raters: Sequence[str]) -> Sequence[str]:
        """Warn of a server that writes texts to the disk."""
        if not _logs():
            return ()
        return (
            f"{' or '.join(LOG_VARIABLES)} is set: an Ollama started with it writes texts to "
            "the disk. Start Ollama without it.",
        )

    def examine(self) -> Sequence[Check]:
        """Look for Ollama on this machine; only raters with this engine need it."""
        return (_server(),)


OLLAMA = _OllamaKind(
    OllamaEngine,
    # Ollama is told not to cut and its counts are checked, but what it reads cannot be seen.
    facts=EngineFacts(
        scored_by="by the log-probability that a reply begins with the first word of its name (or "
        "with a letter given to it, if names share their first word); if that was not among the 20 "
        "most probable tokens, by the upper bound that follows from those"
    ),
    # It asks for letters by itself where it must, and takes no response that has begun.
    readouts=("name",),
)


def _logs() -> bool:
    return any(os.environ.get(name) for name in LOG_VARIABLES)


def _server() -> Check:
    try:
        server = find_server()
    except LocalEnsembleError as error:
        return Check("Ollama", "note", error.message, error.hint)
    if server is None:
        return Check("Ollama", "ok", "not running; only raters with engine ollama need it")
    found = f"version {server.version} at {server.address}, {len(server.models)} models here"
    if _logs():
        return Check(
            "Ollama",
            "note",
            f"{found}; {' or '.join(LOG_VARIABLES)} is set",
            "Start Ollama without it: it may write texts to the disk.",
        )
    return Check("Ollama", "ok", found)
