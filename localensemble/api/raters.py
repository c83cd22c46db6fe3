"""From the raters of an ensemble file to engines that can be loaded, and what they will need.

Decides how many layers go to graphics devices and whether a model fits in memory; refuses
before anything is loaded, so that no run is killed for want of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.known import GIBIBYTE
from localensemble.catalog.models import LocatedModel, locate_model
from localensemble.catalog.ollama_store import weights_in_ollama
from localensemble.codebook.model import Codebook
from localensemble.core.errors import EngineUnavailableError, ModelFileError
from localensemble.core.labels import RaterName
from localensemble.core.model_shape import ModelShape
from localensemble.engines.hardware import GraphicsDevice, graphics_devices
from localensemble.engines.llama_cpp.build import llama_build
from localensemble.engines.llama_cpp.context_shape import ContextShape, context_shape
from localensemble.engines.llama_cpp.memory import MemoryNeed, layers_that_fit, memory_need
from localensemble.engines.machine import machine_memory
from localensemble.engines.protocol import ScoringMode
from localensemble.engines.registry import open_engine
from localensemble.engines.settings import EngineSettings
from localensemble.labeling.run import NamedEngine
from localensemble.privacy.egress import guarded_launcher
from localensemble.prompting.template import PromptTemplate
from localensemble.study.ensemble import Ensemble, RaterPlan

# A token is rarely shorter; what stands before the items is told in tokens by it.
_CHARACTERS_A_TOKEN = 3
_SMALLEST_CONTEXT = 512
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class RaterNeed:
    """What a rater's model takes, and what there is.

    Attributes:
        memory: None where the model file does not tell; it is then tried.
        free_bytes: of the machine's memory, as far as this process may use it.
        devices: graphics devices that llama.cpp can use here.
        gpu_layers: layers put there; None leaves it to llama.cpp, which takes all.
        layer_count: layers that the model has.
        largest_context: tokens of context with which it would fit; 0 when with none.
    """

    memory: MemoryNeed | None
    free_bytes: int
    devices: tuple[GraphicsDevice, ...] = ()
    gpu_layers: int | None = None
    layer_count: int = 0
    context_tokens: int = 0
    largest_context: int = 0

    @property
    def fits(self) -> bool:
        """Whether there is memory enough, as far as can be told."""
        return self.memory is None or self.memory.total <= self.free_bytes


@dataclass(frozen=True, slots=True)
class PreparedRater:
    """A rater whose engine can be loaded."""

    name: RaterName
    settings: EngineSettings
    need: RaterNeed

    @property
    def engine(self) -> NamedEngine:
        """The rater's engine, to be loaded when its turn comes."""
        return NamedEngine(self.name, lambda: open_engine(self.settings))

    @property
    def message(self) -> str:
        """What goes to a graphics device; empty where nothing was asked for and none is there."""
        need = self.need
        if need.gpu_layers is None:
            return ""
        if not need.devices:
            return f"{self.name}: no graphics device can be used; it runs on the processor."
        names = ", ".join(device.name for device in need.devices)
        whole = need.gpu_layers > need.layer_count
        moved = "all" if whole else f"{need.gpu_layers} of {need.layer_count}"
        return f"{self.name}: {moved} layers on {names}."


@dataclass(frozen=True, slots=True)
class RaterOptions:
    """What a caller may choose for all raters."""

    mode: ScoringMode = "batched"
    threads: int | None = None


def locate_rater(rater: RaterPlan, *, folder: Path) -> LocatedModel:
    """Find the model file of a rater; relative paths start in the folder."""
    if rater.engine == "llama-cpp":
        return locate_model(rater.model, folder=folder)
    # Only llama.cpp reads model files; to other engines the name is all there is.
    sha256 = weights_in_ollama(rater.model) if rater.engine == "ollama" else ""
    return LocatedModel(rater.name, Path(rater.model), sha256, None)


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
        context = f"{need.context_tokens:,}"
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
    if need.largest_context >= _SMALLEST_CONTEXT:
        return (
            f"Set `context_tokens: {need.largest_context}` for it in the ensemble file, which is "
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
    need = RaterNeed(None, _free_bytes())
    shape = _shape(located.path) if rater.engine == "llama-cpp" else None
    if shape is not None:
        devices = _usable_devices()
        context = context_shape(
            settings,
            vocabulary=shape.vocabulary,
            trained_context=shape.context_tokens or 1 << 31,
            mode=options.mode,
        )
        layers = _gpu_layers(rater, shape, context, devices)
        settings = replace(settings, gpu_layers=layers)
        memory = memory_need(
            shape,
            context,
            beginning_tokens=beginning_tokens,
            gpu_layers=(layers or 0) if devices else 0,
        )
        need = RaterNeed(
            memory=memory,
            free_bytes=need.free_bytes,
            devices=devices,
            gpu_layers=layers,
            layer_count=len(shape.layer_bytes),
            context_tokens=context.tokens,
            largest_context=_largest_context(memory, context, need.free_bytes),
        )
    return PreparedRater(RaterName(rater.name), settings, need)


def _gpu_layers(
    rater: RaterPlan,
    shape: ModelShape,
    context: ContextShape,
    devices: Sequence[GraphicsDevice],
) -> int | None:
    """Give what the ensemble file says, or choose; None leaves it to llama.cpp."""
    free = [device.free_mib for device in devices]
    known = [mebibytes for mebibytes in free if mebibytes is not None]
    if rater.gpu_layers is not None or not devices or len(known) < len(free):
        return rater.gpu_layers
    return layers_that_fit(shape, context, free_bytes=sum(known) * _MEBIBYTE)


def _largest_context(memory: MemoryNeed, context: ContextShape, free_bytes: int) -> int:
    """Tell with how many tokens of context the model would fit; 0 when with none."""
    if memory.context == 0:
        return 0
    room = free_bytes - (memory.total - memory.context)
    tokens = room * context.tokens // memory.context // 256 * 256
    return max(0, min(tokens, context.tokens))


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
        # llama.cpp knows more kinds of files; it says what is wrong when it is asked.
        return None


@cache
def _usable_devices() -> tuple[GraphicsDevice, ...]:
    """List the graphics devices, if llama.cpp was built to use any."""
    devices = graphics_devices()
    if not devices:
        return ()
    try:
        return devices if llama_build().gpu_offload else ()
    except EngineUnavailableError:
        return ()
