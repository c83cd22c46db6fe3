"""Refuse a run that cannot work on this machine before anything is loaded or written."""

from __future__ import annotations

from localensemble.core.errors import EngineUnavailableError
from localensemble.labeling.ensemble import Ensemble
from localensemble.privacy.isolation import isolation

# They ask another program, over loopback.
_SERVED_ENGINES = frozenset({"ollama"})


def refuse_unreachable(ensemble: Ensemble) -> None:
    """Refuse raters whose engine an isolated process cannot reach.

    Raises:
        EngineUnavailableError: there is one.
    """
    served = [rater.name for rater in ensemble.raters if rater.engine in _SERVED_ENGINES]
    if not served:
        return
    found = isolation()
    if found.isolated and not any(one.up for one in found.interfaces):
        raise EngineUnavailableError(
            f'Cannot label with rater "{served[0]}": an isolated run reaches no other program, '
            "not even on this machine, and Ollama is one.",
            hint="Run the model's GGUF file with engine llama-cpp, or label without --isolated.",
        )
