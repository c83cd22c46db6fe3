"""What the program knows about llama.cpp before a model is loaded.

Decides how many layers go to graphics devices and what memory a model takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from localensemble.core.checks import Check
from localensemble.core.engine_facts import EngineFacts
from localensemble.core.errors import EngineUnavailableError
from localensemble.core.model_shape import ModelShape
from localensemble.engines.hardware import GraphicsDevice, graphics_devices, processor_features
from localensemble.engines.kind import EngineKind, LoadPlan, MemoryNeed
from localensemble.engines.llama_cpp.build import LlamaBuild, llama_build
from localensemble.engines.llama_cpp.context_shape import ContextShape, context_shape
from localensemble.engines.llama_cpp.memory import layers_that_fit, memory_need
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerWritingEngine

_MEBIBYTE = 1 << 20
# For a file that does not state the context its model was trained on.
_ANY_CONTEXT = 1 << 31


class _LlamaCppKind(EngineKind):
    def plan(
        self,
        settings: EngineSettings,
        *,
        shape: ModelShape | None,
        beginning_tokens: int,
        free_bytes: int,
    ) -> LoadPlan:
        """Choose the layers for graphics devices, and add up the memory."""
        if shape is None:
            # llama.cpp knows more kinds of files and will report what is wrong.
            return LoadPlan(settings)
        devices = _usable_devices()
        context = context_shape(
            settings,
            vocabulary=shape.vocabulary,
            trained_context=shape.context_tokens or _ANY_CONTEXT,
            mode=settings.mode,
        )
        layers = _gpu_layers(settings, shape, context, devices)
        memory = memory_need(
            shape,
            context,
            beginning_tokens=beginning_tokens,
            gpu_layers=(layers or 0) if devices else 0,
        )
        return LoadPlan(
            settings=replace(settings, gpu_layers=layers),
            memory=memory,
            context_tokens=context.tokens,
            largest_context=_largest_context(memory, context, free_bytes),
            message=_placement(layers, len(shape.layer_bytes), devices),
        )

    def examine(self) -> Sequence[Check]:
        """Check the build and the graphics devices."""
        try:
            build = llama_build()
        except EngineUnavailableError as error:
            return (Check("llama.cpp", "problem", error.message, error.hint),)
        found = f"llama-cpp-python {build.version}, built with {', '.join(sorted(build.flags))}"
        if build.origin:
            found += f"; {build.origin}"
        unused = build.unused(processor_features() or frozenset())
        check = Check("llama.cpp", "ok", found)
        if unused:
            check = Check(
                "llama.cpp",
                "note",
                f"{found}; the processor also has {', '.join(unused)}",
                "A build for this processor can be faster: in a checkout, run "
                "`scripts/setup --build native`; elsewhere, "
                "`pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python`.",
            )
        return (check, _graphics(build))


LLAMA_CPP = _LlamaCppKind(
    WorkerWritingEngine,
    facts=EngineFacts(
        scored_by="by the log-probability of its answer string, without generating text",
        never_cuts=True,
    ),
    reads_files=True,
    readouts=("name", "option", "prefilled"),
)


def _gpu_layers(
    settings: EngineSettings,
    shape: ModelShape,
    context: ContextShape,
    devices: Sequence[GraphicsDevice],
) -> int | None:
    """Return the number in the ensemble file, or choose; None leaves it to llama.cpp."""
    free = [device.free_mib for device in devices]
    known = [mebibytes for mebibytes in free if mebibytes is not None]
    if settings.gpu_layers is not None or not devices or len(known) < len(free):
        return settings.gpu_layers
    return layers_that_fit(shape, context, free_bytes=sum(known) * _MEBIBYTE)


def _placement(layers: int | None, layer_count: int, devices: Sequence[GraphicsDevice]) -> str:
    """Describe what goes to a graphics device; empty if there is no device and none was named."""
    if layers is None:
        return ""
    if not devices:
        return "no usable graphics device; it runs on the processor."
    moved = "all" if layers > layer_count else f"{layers} of {layer_count}"
    return f"{moved} layers on {', '.join(device.name for device in devices)}."


def _largest_context(memory: MemoryNeed, context: ContextShape, free_bytes: int) -> int:
    """Return the largest context, in tokens, with which the model would fit; 0 if none."""
    if memory.context == 0:
        return 0
    room = free_bytes - (memory.total - memory.context)
    tokens = room * context.tokens // memory.context // 256 * 256
    return max(0, min(tokens, context.tokens))


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


def _graphics(build: LlamaBuild) -> Check:
    devices = graphics_devices()
    if not devices:
        return Check("graphics device", "ok", "none found; models run on the processor")
    found = "; ".join(
        f"{device.name}"
        + (f", {device.memory_mib / 1024:.0f} GiB" if device.memory_mib else "")
        + (f", {device.free_mib / 1024:.0f} GiB free" if device.free_mib is not None else "")
        + (f", driver {device.driver}" if device.driver else "")
        for device in devices
    )
    if build.gpu_offload:
        return Check(
            "graphics device",
            "ok",
            f"{found}; llama.cpp was built to use one, and puts as many layers on it as fit",
        )
    needed = devices[0].built_with
    return Check(
        "graphics device",
        "note",
        f"{found}; llama.cpp was built without support for it",
        f"Build llama-cpp-python with {needed} to use it: "
        f'`CMAKE_ARGS="-DGGML_{needed.upper()}=on" pip install --force-reinstall '
        "--no-binary llama-cpp-python llama-cpp-python`.",
    )
