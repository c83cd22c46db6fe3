"""Open an engine by name: ours, or one that another package brings.

Another package registers a function from `EngineSettings` to an `Engine` under the entry
point group ``localensemble.engines``; a name of ours cannot be taken.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.ollama.engine import OllamaEngine
from localensemble.engines.protocol import Engine
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import WorkerEngine

ENTRY_POINT_GROUP = "localensemble.engines"

_OURS = ("llama-cpp", "ollama", "scripted")


def engine_names() -> tuple[str, ...]:
    """List the engines that can be opened here, ours first."""
    others = sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)} - {*_OURS})
    return (*_OURS, *others)


def open_engine(settings: EngineSettings) -> Engine:
    """Open the engine the settings name; llama.cpp runs in a process of its own.

    Raises:
        EngineUnavailableError: there is no engine of that name, or it is not installed or,
            like Ollama, not running.
        ModelFileError: the model file cannot be used.
    """
    if settings.engine == "llama-cpp":
        return WorkerEngine(settings)
    if settings.engine == "ollama":
        return OllamaEngine(settings)
    if settings.engine == "scripted":
        return ScriptedEngine.from_settings(settings)
    points = entry_points(group=ENTRY_POINT_GROUP, name=settings.engine)
    if not points:
        raise EngineUnavailableError(
            f'Cannot open engine "{settings.engine}": there is none of that name.',
            hint=f"Choose one of: {', '.join(engine_names())}.",
        )
    try:
        opener = next(iter(points)).load()
    except ImportError as error:
        raise EngineUnavailableError(
            f'Cannot open engine "{settings.engine}": its package cannot be imported.',
            hint="Install what that package needs.",
        ) from error
    engine: Engine = opener(settings)
    return engine
