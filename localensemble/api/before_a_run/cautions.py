"""Warn before a run whose labels or agreement will mean nothing, or less than they seem to.

The embedded models know only the prompts they were trained on, yet they answer any other
prompt just as readily.
"""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.catalog.families import family_of
from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.located_models import LocatedModel, Training, embedded_training
from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import ModelFileError
from localensemble.engines.registry import engine_kind
from localensemble.labeling.ensemble import Ensemble, RaterPlan


def cautions(
    ensemble: Ensemble, *, codebook: Codebook, models: Sequence[LocatedModel]
) -> tuple[str, ...]:
    """Return a sentence for each reason not to trust a rater's labels.

    Args:
        ensemble: the raters.
        codebook: what they are asked.
        models: one for each rater, in the order of the ensemble.
    """
    training = embedded_training()
    sentences: list[str] = []
    for engine in dict.fromkeys(rater.engine for rater in ensemble.raters):
        names = [rater.name for rater in ensemble.raters if rater.engine == engine]
        sentences.extend(engine_kind(engine).cautions(names))
    known = [
        (rater.name, located.entry)
        for rater, located in zip(ensemble.raters, models, strict=True)
        if located.entry is not None
    ]
    # Raters with the same untrained variables share a sentence.
    foreign: dict[tuple[str, ...], list[str]] = {}
    for name, entry in known:
        unknown = tuple(
            variable.name
            for variable in codebook.variables
            if variable.name not in entry.variables or not _knows(training, variable)
        )
        if unknown:
            foreign.setdefault(unknown, []).append(name)
    for variables, untrained in foreign.items():
        sentences.append(
            f"{', '.join(untrained)}: tiny models for the demo, not trained on "
            f"{', '.join(variables)} as worded in this codebook. Those labels mean nothing. "
            "Name real models in an ensemble file, which `localensemble init` writes, and give it "
            "with -e ensemble.yaml."
        )
    names = [name for name, _ in known]
    others = [one for one in ensemble.raters if one.name in names and not _by_name(one)]
    if known and (others or not _same_prompt(ensemble, training)):
        sentences.append(
            f"{', '.join(names)}: tiny models for the demo that know only "
            f"prompt {training.prompt_template} version {training.prompt_version}, layout "
            f"{training.layout}, and one order of the categories. With any other, their labels "
            "mean nothing."
        )
    if known:
        sentences.append(
            f"{', '.join(names)}: tiny models for the demo, the tests and learning "
            "the tool. They label any text, whether they understand it or not; use real models for "
            "real work."
        )
    if len(ensemble.raters) == 1:
        sentences.append(
            "Only one rater labels, so there is no agreement to measure, and no disagreement shows "
            "where it may be wrong. Add a rater of another family."
        )
    if family := _one_family(ensemble.raters, models):
        sentences.append(
            f"All raters are of one family ({family}). Models of one family share mistakes, so "
            "their agreement says less. Add a model of another family."
        )
    # The hash identifies weights whichever engine runs them; without a hash, the path does.
    if len({located.sha256 or located.path for located in models}) < len(models):
        sentences.append("Two raters use the same model: their agreement says little.")
    return tuple(sentences)


def _one_family(raters: Sequence[RaterPlan], models: Sequence[LocatedModel]) -> str:
    """Return the family of raters that differ but are all of one; empty otherwise."""
    if len({located.sha256 or located.path for located in models}) < 2:
        return ""
    found = {_family(rater, located) for rater, located in zip(raters, models, strict=True)}
    return found.pop() if len(found) == 1 else ""


def _family(rater: RaterPlan, located: LocatedModel) -> str:
    if not engine_kind(rater.engine).reads_files:
        return family_of(rater.model, architecture="")
    try:
        header = read_header(located.path)
    except ModelFileError:
        # A file of another kind, such as a probe, has no maker.
        return ""
    words = f"{rater.model} {located.path.stem} {header.name}"
    return family_of(words, architecture=header.architecture)


def _knows(training: Training, variable: Variable) -> bool:
    return training.variable_sha256.get(variable.name) == variable.sha256


def _by_name(rater: RaterPlan) -> bool:
    return rater.readouts in ((), ("name",))


def _same_prompt(ensemble: Ensemble, training: Training) -> bool:
    stated = (ensemble.prompt_template, ensemble.prompt_version, ensemble.layout)
    trained = (training.prompt_template, training.prompt_version, training.layout)
    own = ensemble.prompt_file is not None
    return stated == trained and ensemble.orders == 1 and not own
