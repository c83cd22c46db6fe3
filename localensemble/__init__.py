"""Label text with several local models, measure their agreement, escalate the rest.

Everything but the version is imported when it is first asked for, so that the import of the
package stays quick: no pandas before a DataFrame is given or asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localensemble.api.notebook.asked_text import AskedText, ask
    from localensemble.api.notebook.evaluated_study import EvaluatedStudy
    from localensemble.api.notebook.export_verb import export
    from localensemble.api.notebook.given import Category, Codebook, LocalEnsembleError, Variable
    from localensemble.api.notebook.measured_agreement import (
        MeasuredAgreement,
        agree,
        forest_plot,
    )
    from localensemble.api.notebook.opened_study import Study
    from localensemble.api.notebook.people_verbs import (
        finalize,
        import_decisions,
        write_worksheet,
    )
    from localensemble.api.notebook.piloted_ensemble import PilotedEnsemble, pilot
    from localensemble.api.notebook.relabel_verb import relabel
    from localensemble.api.notebook.replay_verb import replay
    from localensemble.api.notebook.trained_probe import TrainedProbe, train_probe
    from localensemble.api.notebook.verbs import (
        calibrate,
        certify,
        decide,
        evaluate,
        import_ratings,
        label,
        open_study,
        withdraw,
        write_report,
    )
    from localensemble.api.notebook.weigh_verb import WeighedAnswers, weigh_answers
    from localensemble.embeddings.embed import embed

__all__ = [
    "AskedText",
    "Category",
    "Codebook",
    "EvaluatedStudy",
    "LocalEnsembleError",
    "MeasuredAgreement",
    "PilotedEnsemble",
    "Study",
    "TrainedProbe",
    "Variable",
    "WeighedAnswers",
    "__version__",
    "agree",
    "ask",
    "calibrate",
    "certify",
    "decide",
    "embed",
    "evaluate",
    "export",
    "finalize",
    "forest_plot",
    "import_decisions",
    "import_ratings",
    "label",
    "open_study",
    "pilot",
    "relabel",
    "replay",
    "train_probe",
    "weigh_answers",
    "withdraw",
    "write_report",
    "write_worksheet",
]

__version__ = "0.2.0"

_NOTEBOOK = "localensemble.api.notebook"
_HOMES = {
    "embed": "localensemble.embeddings.embed",
    "EvaluatedStudy": f"{_NOTEBOOK}.evaluated_study",
    "Study": f"{_NOTEBOOK}.opened_study",
} | dict.fromkeys(("MeasuredAgreement", "agree", "forest_plot"), f"{_NOTEBOOK}.measured_agreement")
_HOMES |= dict.fromkeys(
    ("finalize", "import_decisions", "write_worksheet"), f"{_NOTEBOOK}.people_verbs"
)
_HOMES |= dict.fromkeys(("AskedText", "ask"), f"{_NOTEBOOK}.asked_text")
_HOMES |= {verb: f"{_NOTEBOOK}.{verb}_verb" for verb in ("export", "relabel", "replay")}
_HOMES |= dict.fromkeys(("PilotedEnsemble", "pilot"), f"{_NOTEBOOK}.piloted_ensemble")
_HOMES |= dict.fromkeys(("TrainedProbe", "train_probe"), f"{_NOTEBOOK}.trained_probe")
_HOMES |= dict.fromkeys(("WeighedAnswers", "weigh_answers"), f"{_NOTEBOOK}.weigh_verb")
_HOMES |= dict.fromkeys(
    ("Category", "Codebook", "LocalEnsembleError", "Variable"), f"{_NOTEBOOK}.given"
)


def __getattr__(name: str) -> object:
    """Import a name of the package from where it is at home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOMES.get(name, f"{_NOTEBOOK}.verbs"))
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
