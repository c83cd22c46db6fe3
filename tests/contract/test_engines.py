"""Every engine of ours through the published contract, with random and with real weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from localensemble.engines.protocol import Engine, ScoringMode
from localensemble.engines.registry import open_engine
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings
from localensemble.probes.probe import Probe, VariableProbe
from localensemble.probes.word_features import WordFeatures
from localensemble.testing import EngineContract
from localensemble.testing.engine_contract import TEXTS, VARIABLES
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf

if TYPE_CHECKING:
    from tests.engines.ollama.ollama_server import ServedModel

EMBEDDED = ("le-gpt2-2m", "le-llama-2m", "le-qwen2-3m")


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models of one shape with other weights."""
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    folder = tmp_path_factory.mktemp("tiny")
    return (
        write_tiny_gguf(folder / "tiny.gguf"),
        write_tiny_gguf(folder / "other.gguf", seed=1),
    )


@pytest.fixture(scope="module")
def served_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServedModel]]:
    """The same with weights that favor some answers, loaded once for all that ask a server."""
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    from tests.engines.ollama.ollama_server import loaded

    folder = tmp_path_factory.mktemp("served")
    favored = ("A", "B", "C", "D", "y", "n", "yes", "no")
    tiny = write_tiny_gguf(folder / "tiny.gguf", favored=favored)
    other = write_tiny_gguf(folder / "other.gguf", favored=favored, seed=1)
    with loaded(tiny=tiny, other=other) as models:
        yield models


def random_probe(seed: int) -> Probe:
    """Make a probe for the variables of the contract."""
    words = WordFeatures.of([text for text in TEXTS if text])
    generator = np.random.default_rng(seed)
    return Probe(
        features="words",
        encoder_sha256="",
        variables={
            variable.name: VariableProbe(
                variable.answers,
                (1,) * len(variable.answers),
                generator.normal(size=(6, len(variable.answers), len(words.hashes))).astype("f4"),
                generator.normal(size=(6, len(variable.answers))).astype("f4"),
                np.ones(6),
            )
            for variable in VARIABLES
        },
        folds={},
        held_out=frozenset(),
        words=words,
        settings={"class_weight": "balanced"},
    )


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two encoders of one shape with other weights."""
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    from tests.embeddings.tiny_bert import TinyBert, convert_tiny

    one, other = (
        convert_tiny(tmp_path_factory.mktemp("encoder"), TinyBert.random(seed=seed))
        for seed in (1, 2)
    )
    return one, other


class TestScriptedEngine(EngineContract):
    """The engine without a model."""

    def open(self) -> Engine:
        """Open it by name."""
        return open_engine(EngineSettings("scripted", context_tokens=self.context_tokens))

    def open_other(self) -> Engine:
        """Open it with another seed."""
        return ScriptedEngine(seed="other", context_tokens=self.context_tokens)


class _LlamaCpp(EngineContract):
    mode: ClassVar[ScoringMode] = "batched"

    @pytest.fixture(autouse=True)
    def _models(self, request: pytest.FixtureRequest) -> None:
        self.model, self.other = request.getfixturevalue("tiny_models")

    def open(self) -> Engine:
        return self._open(self.model)

    def open_other(self) -> Engine | None:
        return self._open(self.other)

    def _open(self, path: Path) -> Engine:
        from localensemble.engines.llama_cpp.engine import LlamaCppEngine

        return LlamaCppEngine(
            EngineSettings(
                model_path=path, threads=1, mode=self.mode, context_tokens=self.context_tokens
            )
        )


class TestLlamaCppInThisProcess(_LlamaCpp):
    """llama.cpp, batched."""


@pytest.mark.slow  # runs a model prompt by prompt
class TestLlamaCppStrict(_LlamaCpp):
    """llama.cpp, one sequence and nothing shared."""

    mode = "strict"


class _InAWorker(_LlamaCpp):
    def _open(self, path: Path) -> Engine:
        return open_engine(
            EngineSettings(model_path=path, threads=1, context_tokens=self.context_tokens)
        )


@pytest.mark.slow  # starts processes
class TestLlamaCppInAWorker(_InAWorker):
    """llama.cpp as the program runs it."""


class TestEmbedding(EngineContract):
    """An encoder that compares texts with the codebook, with random weights."""

    unread_texts = frozenset({TEXTS[3]})

    @pytest.fixture(autouse=True)
    def _models(self, encoders: tuple[Path, Path]) -> None:
        self.model, self.other = encoders

    def open(self) -> Engine:
        """Open it in this process."""
        return self._open(self.model)

    def open_other(self) -> Engine:
        """Open it with other weights."""
        return self._open(self.other)

    def _open(self, path: Path) -> Engine:
        from localensemble.engines.embedding.engine import EmbeddingEngine

        return EmbeddingEngine(
            EngineSettings("embedding", path, threads=1, context_tokens=self.context_tokens)
        )


@pytest.mark.slow  # starts processes
class TestEmbeddingInAWorker(TestEmbedding):
    """The encoder as the program runs it."""

    def _open(self, path: Path) -> Engine:
        return open_engine(
            EngineSettings("embedding", path, threads=1, context_tokens=self.context_tokens)
        )


class TestProbe(EngineContract):
    """A trained probe that sees words, with random weights."""

    @pytest.fixture(autouse=True)
    def _probes(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def open(self) -> Engine:
        """Open it in this process."""
        return self._open(seed=1)

    def open_other(self) -> Engine:
        """Open another one."""
        return self._open(seed=2)

    def _open(self, seed: int) -> Engine:
        from localensemble.engines.probe.engine import ProbeEngine

        path = self.folder / f"{seed}.probe"
        random_probe(seed).write(path)
        return ProbeEngine(EngineSettings("probe", path, context_tokens=self.context_tokens))


@pytest.mark.slow  # waits for a server
class TestOllama(EngineContract):
    """Ollama's API, spoken by a server on loopback over weights that favor some answers."""

    # The model is shown a list of letters where names begin alike.
    order_tolerance = math.inf

    @pytest.fixture(autouse=True)
    def _server(
        self, served_models: dict[str, ServedModel], monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        from tests.engines.ollama.ollama_server import serving

        with serving(served_models) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.address)
            yield

    def open(self) -> Engine:
        """Open it by name."""
        return self._open("tiny")

    def open_other(self) -> Engine:
        """Open it with other weights."""
        return self._open("other")

    def _open(self, name: str) -> Engine:
        return open_engine(
            EngineSettings("ollama", model_name=name, context_tokens=self.context_tokens)
        )


@pytest.mark.slow  # runs the embedded models in processes of their own
@pytest.mark.parametrize("name", EMBEDDED)
class TestEmbeddedModels(_InAWorker):
    """Real weights."""

    @pytest.fixture(autouse=True)
    def _models(self, tmp_path: Path, name: str, repository: Path) -> None:
        pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
        self.model = repository / "models" / f"{name}.gguf"
        other = EMBEDDED[EMBEDDED.index(name) - 1]
        self.other = repository / "models" / f"{other}.gguf"
        for path in (self.model, self.other):
            if not path.exists():
                pytest.skip(f"needs the embedded model {path.name}")
