"""Make the raters of a study ready to label again, from its record or from an ensemble file.

The record names models by their hashes, and keeps the prompt template. It keeps neither the paths
of files nor the texts of shots: for these, the ensemble file is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from localensemble.api.deidentified.rater_texts import RaterTexts
from localensemble.api.prepared_raters import (
    PreparedRater,
    RaterOptions,
    locate_rater,
    prepare_raters,
)
from localensemble.api.prompt.prompt_for_raters import prompt_for_raters
from localensemble.catalog.installed import ModelsFolder
from localensemble.catalog.located_models import catalog_entries
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import InputError, ModelFileError
from localensemble.core.prompts import Readout
from localensemble.core.raters import TABLE_ENGINE, RaterIdentity
from localensemble.engines.registry import engine_kind
from localensemble.labeling.ensemble import Ensemble, EnsembleSource, RaterPlan, load_ensemble
from localensemble.labeling.scoring import Questions
from localensemble.labeling.verification import Verifier, verifications
from localensemble.prompting.template import PromptTemplate, template_of_content
from localensemble.study.binding import identities
from localensemble.study.recorded_proposals import recorded_proposals
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile

_GIVE_ENSEMBLE = "Give the ensemble file that the study was labeled with: --ensemble FILE."


@dataclass(frozen=True, slots=True)
class RecordedRater:
    """A rater of a study that can label again.

    Attributes:
        identity: what it was.
        prepared: how to load it.
        questions: what it is asked, in which prompt.
        verifier: what it verifies; None for other roles.
    """

    identity: RaterIdentity
    prepared: PreparedRater
    questions: Questions
    verifier: Verifier | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where raters come from: an ensemble file, or the record of a study."""

    ensemble: Ensemble | None
    codebook: Codebook
    template: PromptTemplate
    deidentified: str = ""


def recorded_raters(
    loaded: Study,
    *,
    items: ItemFile,
    texts: RaterTexts,
    ensemble: EnsembleSource | None,
    threads: int | None,
) -> tuple[RecordedRater, ...]:
    """Prepare every rater of a study, in its order.

    Args:
        items: the table that was labeled, with the texts that raters were shown.
        texts: how raters were shown texts.
        ensemble: the ensemble file; None finds the models by their recorded hashes.
        threads: processor threads per model; None uses all cores.

    Raises:
        InputError: no model made the labels, the record does not suffice without an ensemble
            file, or the ensemble file lacks a rater of the study.
        ModelFileError: no model on this machine has the recorded hash.
    """
    known = identities(loaded.labeled)
    if any(one.engine == TABLE_ENGINE for one in known.values()):
        raise InputError(
            "Cannot label again: no model made the labels of this study; they were imported.",
            hint="`localensemble import` reads the table of ratings again.",
        )
    source = _of_record(loaded) if ensemble is None else _of_file(ensemble, loaded, items, texts)
    source = replace(source, deidentified=items.shown_sha256)
    return tuple(_rater(name, one, loaded, source, threads) for name, one in known.items())


def _of_file(
    ensemble: EnsembleSource, loaded: Study, items: ItemFile, texts: RaterTexts
) -> _Source:
    stated = load_ensemble(ensemble)
    prompt = prompt_for_raters(stated, loaded.codebook, items, texts=texts)
    return _Source(stated, prompt.codebook, prompt.template)


def _of_record(loaded: Study) -> _Source:
    recorded = loaded.run.settings.prompt
    if recorded is None:
        raise InputError(
            "The study has no record of its prompt: version 0.2.0 or earlier labeled it.",
            hint=_GIVE_ENSEMBLE,
        )
    if loaded.run.settings.shots is not None:
        raise InputError(
            "The prompts show examples from gold labels, whose texts a study does not keep.",
            hint=_GIVE_ENSEMBLE,
        )
    return _Source(None, loaded.codebook, template_of_content(recorded.name, recorded.texts))


def _rater(
    name: str, identity: RaterIdentity, loaded: Study, source: _Source, threads: int | None
) -> RecordedRater:
    settings = dict(identity.settings)
    readout = cast(Readout | None, settings.get("readout"))
    if source.ensemble is None:
        ensemble = _ensemble(name, identity, settings, loaded)
        orders, layout = int(settings.get("orders", "1")), identity.layout
    else:
        ensemble = _only(name, source.ensemble)
        orders, layout = source.ensemble.orders, source.ensemble.layout or identity.layout
    # A rater with `auto` labels with the readout that was chosen then.
    plan = replace(ensemble.raters[0], readouts=() if readout is None else (readout,))
    ensemble = replace(ensemble, raters=(plan,), orders=orders, layout=layout)
    (prepared,) = prepare_raters(
        ensemble,
        [locate_rater(plan, folder=ensemble.folder)],
        codebook=source.codebook,
        template=source.template,
        options=RaterOptions("strict" if settings.get("mode") == "strict" else "batched", threads),
    )
    variables, verifies = source.codebook.variables, settings.get("role") == "verifier"
    questions = Questions(
        verifications(variables) if verifies else variables,
        prepared.template(source.template),
        layout,
        NonAnswers.of(loaded.codebook.no_answer),
        orders,
        settings.get("proposed_by", ""),
        source.deidentified,
    )
    verifier = None
    if verifies:
        proposed = {name: one.categories for name, one in recorded_proposals(loaded).items()}
        verifier = Verifier(variables, questions, proposed)
    return RecordedRater(identity, prepared, questions, verifier)


def _only(name: str, ensemble: Ensemble) -> Ensemble:
    found = tuple(rater for rater in ensemble.raters if rater.name == name)
    if not found:
        raise InputError(
            f'The ensemble file has no rater "{name}", which is one of the study.',
            hint="Give the ensemble file that the study was labeled with.",
        )
    return replace(ensemble, raters=found)


def _ensemble(
    name: str, identity: RaterIdentity, settings: Mapping[str, str], loaded: Study
) -> Ensemble:
    """Return the ensemble of one rater as the study records it."""
    layers = settings.get("gpu_layers", "")
    plan = RaterPlan(
        name,
        _model(name, identity),
        identity.engine,
        context_tokens=None,
        gpu_layers=int(layers) if layers.isdigit() else None,
    )
    return Ensemble(
        (plan,),
        prompt_template="",
        prompt_version=1,
        prompt_file=None,
        layout=identity.layout,
        orders=1,
        shots=None,
        rules=loaded.rules,
        folder=Path(),
    )


def _model(name: str, identity: RaterIdentity) -> str:
    """Return the name of a model on this machine with the recorded hash."""
    if not engine_kind(identity.engine).reads_files:
        return identity.model_name
    wanted = identity.model_sha256
    here = [(one.sha256, one.name) for one in catalog_entries()]
    here += [(one.sha256, one.name) for one in ModelsFolder().installed()]
    found = next((model for sha256, model in here if sha256 == wanted), None)
    if found is None:
        raise ModelFileError(
            f'Cannot label again with rater "{name}": no embedded, pulled or added model on this '
            f"machine has the recorded hash {wanted[:12]}.",
            hint=f"{_GIVE_ENSEMBLE} Or add the model: `localensemble models add FILE`.",
        )
    return found
