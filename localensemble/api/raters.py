"""From the raters of an ensemble file to engines that can be loaded, and what they will need.

Decides whether a model fits in memory. Refuses before anything is loaded, so that no run is
killed for want of memory or stops at an engine that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.known import GIBIBYTE
from localensemble.catalog.models import LocatedModel, locate_model
from localensemble.codebook.model import Codebook
from localensemble.core.errors import EngineUnavailableError, ModelFileError
from localensemble.core.labels import RaterName
from localensemble.core.model_shape import ModelShape
from localensemble.engines.kind import LoadPlan, MemoryNeed
from localensemble.engines.machine import machine_memory
from localensemble.engines.protocol import ScoringMode
from localensemble.engines.registry import engine_kind, open_engine
from localensemble.engines.settings import EngineSettings
from localensemble.labeling.ensemble import Ensemble, RaterPlan
from localensemble.labeling.run import NamedEngine
from localensemble.privacy.egress import guarded_launcher
from localensemble.privacy.isolation import isolation
from localensemble.prompting.template import PromptTemplate

# A token is rarely shorter; what stands before the items is told in tokens by it.
_CHARACTERS_A_TOKEN = 3
_SMALLEST_CONTEXT = 512
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class RaterNeed:
    """What a rater's model takes, and what there is.

    Attributes:
        plan: how its engine would load the model.
        free_bytes: of the machine's memory, as far as this process may use it.
    """

    plan: LoadPlan
    free_bytes: int

    @property
    def memory(self) -> MemoryNeed | None:
        """What the model takes; None when that cannot be told, and it is then tried."""
        return self.plan.memory

    @property
    def fits(self) -> bool:
        """Whether there is memory enough, as far as can be told."""
        return self.memory is None or self.memory.total <= self.free_bytes


@dataclass(frozen=True, slots=True)
class PreparedRater:
    """A rater whose engine can be loaded."""

    name: RaterName
    need: RaterNeed

    @property
    def engine(self) -> NamedEngine:
        """The rater's engine, to be loaded when its turn comes."""
        return NamedEngine(self.name, lambda: open_engine(self.need.plan.settings))

    @property
    def message(self) -> str:
        """Where the model goes; empty when there was no choice."""
        message = self.need.plan.message
        return f"{self.name}: {message}" if message else ""


@dataclass(frozen=True, slots=True)
class RaterOptions:
    """What a caller may choose for all raters."""

    mode: ScoringMode = "batched"
    threads: int | None = None


def locate_rater(rater: RaterPlan, *, folder: Path) -> LocatedModel:
    """Find the model of a rater; relative paths start in the folder."""
    kind = engine_kind(rater.engine)
    if kind.reads_files:
        return locate_model(rater.model, folder=folder)
    # To other engines the name is all there is.
    return LocatedModel(rater.name, Path(rater.model), kind.weights_sha256(rater.model), None)


def refuse_unready(ensemble: Ensemble) -> None:
    """Refuse raters whose engine cannot be used now, before anything is loaded or written.

    Said now, and not when the turn of such a rater comes, after hours of the others.

    Raises:
        EngineUnavailableError: an engine does not answer, or this process is isolated from it.
        ModelFileError: an engine does not have the model.
    """
    found = isolation()
    isolated = found.isolated and not any(one.up for one in found.interfaces)
    for rater in ensemble.raters:
        engine_kind(rater.engine).refuse_unready(rater.model, rater=rater.name, isolated=isolated)


def prepare_raters(
    ensemble: Ensemble,
    models: Sequence[LocatedModel],
    *,
    codebook: Codebook,
    template: PromptTemplate,
    options: RaterOptions,
) -> tuple[PreparedRater, ...]:
    """Choose the settings of each rater, and tell what its model needs."""
    beginnings = _beginning_tokens(ensemble, codebook, template)
    return tuple(
        _prepared(rater, located, options, beginnings)
        for rater, located in zip(ensemble.raters, models, strict=True)
    )


def refuse_what_cannot_fit(raters: Sequence[PreparedRater]) -> None:
    """Refuse raters whose model needs more memory than there is.

    Raises:
        EngineUnavailableError: there is one; the message says what to change.
    """
    for rater in raters:
        need, memory = rater.need, rater.need.memory
        if memory is None or need.fits:
            continue
        context = f"{need.plan.context_tokens:,}"
        raise EngineUnavailableError(
            f'Cannot label with rater "{rater.name}": it needs {gibibytes(memory.total)} of '
            f"memory (weights {gibibytes(memory.weights)}, context of {context} tokens "
            f"{gibibytes(memory.context + memory.beginnings)}, the rest "
            f"{gibibytes(memory.buffers + memory.process)}), and {gibibytes(need.free_bytes)} "
            "are free.",
            hint=advice(need),
        )


def gibibytes(count: int) -> str:
    """Write a number of bytes for people."""
    if count < GIBIBYTE:
        return f"{count / _MEBIBYTE:.0f} MiB"
    return f"{count / GIBIBYTE:.1f} GiB"


def advice(need: RaterNeed) -> str:
    """Say what to change for a model that does not fit."""
    largest = need.plan.largest_context
    if largest >= _SMALLEST_CONTEXT:
        return (
            f"Set `context_tokens: {largest}` for it in the ensemble file, which is "
            "enough for texts that are not longer; or close other programs."
        )
    return "Choose a smaller model (`localensemble models list`), or close other programs."


def _prepared(
    rater: RaterPlan, located: LocatedModel, options: RaterOptions, beginning_tokens: int
) -> PreparedRater:
    settings = EngineSettings(
        engine=rater.engine,
        model_path=located.path,
        model_name=rater.model,
        context_tokens=rater.context_tokens,
        threads=options.threads,
        gpu_layers=rater.gpu_layers,
        mode=options.mode,
        launcher=guarded_launcher(),
    )
    kind, free_bytes = engine_kind(rater.engine), _free_bytes()
    plan = kind.plan(
        settings,
        shape=_shape(located.path) if kind.reads_files else None,
        beginning_tokens=beginning_tokens,
        free_bytes=free_bytes,
    )
    return PreparedRater(RaterName(rater.name), RaterNeed(plan, free_bytes))


def _beginning_tokens(ensemble: Ensemble, codebook: Codebook, template: PromptTemplate) -> int:
    """Tell how many tokens stand before the item, over all variables, when they take turns."""
    if ensemble.layout == "item_first" or len(codebook.variables) < 2:
        return 0
    characters = sum(
        len(message.text)
        for variable in codebook.variables
        for message in template.render(variable, "", layout="codebook_first").messages
    )
    return characters // _CHARACTERS_A_TOKEN


def _free_bytes() -> int:
    memory = machine_memory()
    return memory.total if memory.available is None else memory.available


def _shape(path: Path) -> ModelShape | None:
    try:
        return read_header(path).shape
    except ModelFileError:
        # The engine may know more kinds of files; it says what is wrong when it is asked.
        return None
