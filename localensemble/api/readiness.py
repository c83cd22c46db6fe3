"""Refuse a run that cannot work on this machine before anything is loaded or written."""

from __future__ import annotations

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.ollama.model import check_model
from localensemble.privacy.isolation import isolation
from localensemble.study.ensemble import Ensemble


def refuse_unreachable(ensemble: Ensemble) -> None:
    """Refuse raters whose engine is another program that cannot be reached or used.

    Said now, and not when the turn of such a rater comes, after hours of the others.

    Raises:
        EngineUnavailableError: it does not answer, or this process is isolated from it.
        ModelFileError: it does not have the model.
    """
    served = [rater for rater in ensemble.raters if rater.engine == "ollama"]
    if not served:
        return
    found = isolation()
    if found.isolated and not any(one.up for one in found.interfaces):
        raise EngineUnavailableError(
            f'Cannot label with rater "{served[0].name}": an isolated run reaches no other '
            "program, not even on this machine, and Ollama is one.",
            hint="Run the model's GGUF file with engine llama-cpp, or label without --isolated.",
        )
    for rater in served:
        check_model(rater.model)
