"""What the program must know about an engine before opening it, and what a report says about it.

A kind of engine is one value of `EngineKind`. Its methods are the services that the program
offers every engine: a name for a rater, a refusal before work begins, an estimate of memory,
cautions, and the checks of `doctor`. Each has a default that promises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.checks import Check
from localensemble.core.engine_facts import NOTHING_KNOWN, EngineFacts
from localensemble.core.model_shape import ModelShape
from localensemble.core.prompts import Readout
from localensemble.engines.protocol import Engine
from localensemble.engines.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Memory a model takes on the machine, in bytes, by purpose.

    Attributes:
        weights: weights of the layers that are computed on the processor.
        context: the cache of the context.
        beginnings: the beginnings of prompts kept for reuse, at most.
        buffers: the buffers the engine computes in.
        process: the program around it, and the vocabulary.
        device: memory taken on graphics devices instead.
    """

    weights: int
    context: int = 0
    beginnings: int = 0
    buffers: int = 0
    process: int = 0
    device: int = 0

    @property
    def total(self) -> int:
        """Everything that the machine's own memory must hold."""
        return self.weights + self.context + self.beginnings + self.buffers + self.process


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How an engine would load a model, and what that takes.

    Attributes:
        settings: the settings, with the engine's choices where none were given.
        memory: the memory needed; None if unknown, and then the model is simply tried.
        context_tokens: tokens of context that ``memory`` counts.
        largest_context: the largest context, in tokens, with which the model would fit; 0 if it
            does not fit at all.
        message: a sentence that tells the user where the model is placed; empty if there was
            no choice.
    """

    settings: EngineSettings
    memory: MemoryNeed | None = None
    context_tokens: int = 0
    largest_context: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """What a rater that gold labels made was made from.

    Attributes:
        encoder: the catalog name of an encoder that its file needs; empty if none.
        texts: hashes (`sha256_words`) of the texts whose gold labels trained it. These texts are
            no gold for a certificate of the rater.
        categories: variable -> the categories that it can give.
    """

    encoder: str
    texts: frozenset[str]
    categories: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class EngineKind:
    """One kind of engine; subclass it to offer more than an opened engine.

    Attributes:
        opener: opens an engine with the settings of one rater.
        facts: what a report may state about its labels.
        reads_files: whether a rater's model is a GGUF file, or the name of one in the catalog,
            which is found and checked by its hash. If not, the name is passed on unchanged.
        readouts: the readouts whose prompts it can answer. ``prefilled`` needs an engine that
            continues a response that has begun.
        is_trained_here: whether a rater's file is the user's own, made from gold labels; a bundle
            keeps it beside the ensemble file.
    """

    opener: Callable[[EngineSettings], Engine]
    facts: EngineFacts = NOTHING_KNOWN
    reads_files: bool = False
    readouts: tuple[Readout, ...] = ("name", "option")
    is_trained_here: bool = False

    def rater_name(self, model: str) -> str:
        """Return the name of a rater that the ensemble file does not name."""
        path = Path(model)
        # The end of "qwen2.5-0.5b-instruct" is no extension, but part of a model's name.
        return path.name if path.suffix[1:2].isdigit() else path.stem

    def weights_sha256(self, model: str) -> str:
        """Return the hash of the weights that a name refers to; empty if unknown.

        Called only for an engine that does not read files.
        """
        return ""

    def training(self, path: Path) -> Training:
        """Return what a rater's file was made from; called only if ``is_trained_here``."""
        raise NotImplementedError

    def kept_files(self, sha256: str) -> Sequence[Path]:
        """List files that the engine keeps on this machine under this hash, unchecked."""
        return ()

    def refuse_unready(self, model: str, *, rater: str, isolated: bool) -> None:
        """Refuse a model that cannot be used now, before anything is loaded or written.

        Args:
            model: the model as the ensemble file names it.
            rater: the rater's name, for the message.
            isolated: whether this process is cut off from other programs.

        Raises:
            EngineUnavailableError: the engine cannot be used.
            ModelFileError: the model cannot be used.
        """

    def plan(
        self,
        settings: EngineSettings,
        *,
        shape: ModelShape | None,
        beginning_tokens: int,
        free_bytes: int,
    ) -> LoadPlan:
        """Return how the engine would load a model, without loading it.

        Args:
            shape: the model's shape; None if the engine reads no files or the file lacks it.
            beginning_tokens: total tokens of the different beginnings of prompts.
            free_bytes: memory of the machine that this process may use.
        """
        return LoadPlan(settings)

    def cautions(self, raters: Sequence[str]) -> Sequence[str]:
        """Return a sentence for each reason to distrust these raters or to stop."""
        return ()

    def examine(self) -> Sequence[Check]:
        """Check what the engine needs on this machine; change nothing."""
        return ()
