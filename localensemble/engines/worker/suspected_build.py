"""Whether llama.cpp can load any model at all, tried once with an embedded one."""

from __future__ import annotations

from functools import cache

from localensemble.core.errors import LocalEnsembleError
from localensemble.core.resources import models_dir
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.child import Child, ChildDiedError, ChildStuckError
from localensemble.engines.worker.message_stream import MalformedMessageError
from localensemble.engines.worker.patience import Patience, Watch
from localensemble.engines.worker.requests import Request
from localensemble.engines.worker.responses import Report

_OPENED = "localensemble.engines.llama_cpp.engine:LlamaCppEngine"


@cache
def embedded_model_loads(launcher: tuple[str, ...], patience: Patience) -> bool | None:
    """Return whether a process of its own can load an embedded model.

    Returns None if this shows nothing, as there is no embedded model or the process was stuck.
    """
    try:
        files = sorted(models_dir().glob("*.gguf"), key=lambda path: path.stat().st_size)
    except (LocalEnsembleError, OSError):
        return None
    if not files:
        return None
    child = Child(launcher)
    watch = Watch(patience, is_new=True)
    settings = EngineSettings(model_path=files[0], threads=1)
    try:
        child.send(Request("open", opened=_OPENED, settings=settings))
        while isinstance(answer := child.receive("open", watch, lambda notice: None), Report):
            pass
    except ChildDiedError:
        return False
    except (ChildStuckError, MalformedMessageError):
        return None
    finally:
        child.end()
    return True if answer.error is None else None
