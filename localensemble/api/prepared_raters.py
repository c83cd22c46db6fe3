"""Turn the raters of an ensemble file into engines to load, with the memory each needs.

Decides whether a model fits in memory. Refuses before anything is loaded, so that no run is
killed for lack of memory or stops at a missing engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.known import GIBIBYTE
from localensemble.catalog.located_models import LocatedModel, locate_model
from localensemble.codebook.model import Codebook
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.errors import EngineUnavailableError, InputError, ModelFileError
from localensemble.core.labels import RaterName
from localensemble.core.model_shape import ModelShape
from localensemble.core.prompts import Layout, Readout
from localensemble.core.words import listed
from localensemble.engines.installed_code import engine_origin
from localensemble.engines.kind import LoadPlan, MemoryNeed, Training
from localensemble.engines.machine import machine_memory
from localensemble.engines.protocol import ScoringMode
from localensemble.engines.registry import engine_kind, open_engine
from localensemble.engines.settings import EngineSettings
from localensemble.labeling.category_orders import in_all_orders
from localensemble.labeling.codebook_room import may_exceed, refuse_long_codebook
from localensemble.labeling.ensemble import Ensemble, RaterPlan, same_rater_error
from localensemble.labeling.labeling_plan import NamedEngine
from localensemble.privacy.egress import guarded_launcher
from localensemble.privacy.isolation import isolation
from localensemble.prompting.template import PromptTemplate

# A token is rarely shorter. This converts the length of the text before the items to tokens.
_CHARACTERS_A_TOKEN = 3
_SMALLEST_CONTEXT = 512
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class RaterNeed:
    """The memory that a rater's model needs, and the memory that is free.

    Attributes:
        plan: how its engine would load the model.
        free_bytes: free memory of the machine that this process can use.
    """

    plan: LoadPlan
    free_bytes: int

    @property
    def memory(self) -> MemoryNeed | None:
        """The memory the model needs; None if unknown, and then the model is loaded anyway."""
        return self.plan.memory

    @property
    def fits(self) -> bool:
        """Whether enough memory is free, as far as is known."""
        return self.memory is None or self.memory.total <= self.free_bytes


@dataclass(frozen=True, slots=True)
class PreparedRater:
    """A rater whose engine can be loaded."""

    name: RaterName
    need: RaterNeed
    readouts: tuple[Readout, ...] = ()
    model_sha256: str = ""
    trained_on: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    origin: EngineOrigin | None = None

    @property
    def engine(self) -> NamedEngine:
        """The rater's engine, loaded when its turn comes."""
        return NamedEngine(
            self.name,
            lambda: open_engine(self.need.plan.settings),
            self.readouts,
            self.model_sha256,
            self.trained_on,
            self.origin,
        )

    def template(self, template: PromptTemplate) -> PromptTemplate:
        """Return the rater's own template; its length is much the same with every readout.

        Raises:
            InputError: the template has no texts for a readout of this rater.
        """
        own = [template.reading(readout) for readout in self.readouts]
        return own[0] if own else template

    @property
    def message(self) -> str:
        """Where the model is loaded, and what it cannot label; empty if there is nothing to say."""
        message = self.need.plan.message
        if self.unknown:
            message += (
                f" It was not trained for the categories of {listed(self.unknown)}, so it gives no "
                "label there."
            )
        return f"{self.name}: {message.strip()}" if message else ""


@dataclass(frozen=True, slots=True)
class RaterOptions:
    """Options that apply to all raters."""

    mode: ScoringMode = "batched"
    threads: int | None = None


def locate_rater(rater: RaterPlan, *, folder: Path) -> LocatedModel:
    """Find the model of a rater; relative paths start at the folder."""
    kind = engine_kind(rater.engine)
    if kind.reads_files:
        return locate_model(rater.model, folder=folder)
    # Other engines know the model by its name only.
    return LocatedModel(rater.name, Path(rater.model), kind.weights_sha256(rater.model), None)


def refuse_unready(ensemble: Ensemble) -> None:
    """Refuse raters whose engine is unavailable, before anything is loaded or written.

    Otherwise the run would stop at such a rater after hours of work by the others.

    Raises:
        EngineUnavailableError: an engine does not answer, or this process is isolated from it.
        ModelFileError: an engine does not have the model.
    """
    found = isolation()
    isolated = found.isolated and not any(one.up for one in found.interfaces)
    for rater in ensemble.raters:
        engine_kind(rater.engine).refuse_unready(rater.model, rater=rater.name, isolated=isolated)


def prepare_raters(
    ensemble: Ensemble,
    models: Sequence[LocatedModel],
    *,
    codebook: Codebook,
    template: PromptTemplate,
    options: RaterOptions,
) -> tuple[PreparedRater, ...]:
    """Choose the settings of each rater and work out what memory its model needs.

    Raises:
        EnsembleError: two raters have the same weights and settings.
        InputError: a rater was trained for none of the variables.
    """
    _refuse_one_rater_twice(ensemble, models)
    beginnings = _beginning_tokens(ensemble, codebook, template)
    return tuple(
        _prepared(rater, located, codebook, options, beginnings)
        for rater, located in zip(ensemble.raters, models, strict=True)
    )


def refuse_what_cannot_fit(
    raters: Sequence[PreparedRater],
    codebook: Codebook,
    *,
    template: PromptTemplate,
    layout: Layout | None,
) -> None:
    """Refuse a rater whose model exceeds the free memory, or whose context the codebook exceeds.

    To check the context, a model is loaded only if the length of the codebook leaves a doubt;
    each rater is checked again when its turn comes.

    Raises:
        EngineUnavailableError: a model does not fit; the hint says what to change.
        InputError: the codebook is too long for a rater.
    """
    for rater in raters:
        _refuse_too_little_memory(rater)
    for rater in raters:
        plan, variables, own = rater.need.plan, codebook.variables, rater.template(template)
        context = plan.context_tokens or plan.settings.context_tokens
        if context is None or not may_exceed(
            context, variables=variables, template=own, layout=layout
        ):
            continue
        engine = rater.engine.load()
        try:
            refuse_long_codebook(
                engine, rater=rater.name, variables=variables, template=own, layout=layout
            )
        finally:
            engine.close()


def _refuse_one_rater_twice(ensemble: Ensemble, models: Sequence[LocatedModel]) -> None:
    """Refuse two names of one rater now; otherwise the run would stop after the first of them."""
    before: dict[tuple[object, ...], str] = {}
    for rater, model in zip(ensemble.raters, models, strict=True):
        if not engine_kind(rater.engine).reads_files:
            # A name of another program stands for more than weights.
            continue
        settings = (rater.context_tokens, rater.gpu_layers, rater.readouts)
        # A verifier is asked another question, so its model may label too.
        same = (rater.engine, model.sha256, settings, rater.role == "verifier")
        if same in before:
            raise same_rater_error(before[same], rater.name)
        before[same] = rater.name


def _refuse_too_little_memory(rater: PreparedRater) -> None:
    need, memory = rater.need, rater.need.memory
    if memory is None or need.fits:
        return
    context = f"{need.plan.context_tokens:,}"
    raise EngineUnavailableError(
        f'Cannot label with rater "{rater.name}": it needs {gibibytes(memory.total)} of '
        f"memory (weights {gibibytes(memory.weights)}, context of {context} tokens "
        f"{gibibytes(memory.context + memory.beginnings)}, other "
        f"{gibibytes(memory.buffers + memory.process)}), but only "
        f"{gibibytes(need.free_bytes)} is free.",
        hint=advice(need),
    )


def gibibytes(count: int) -> str:
    """Write a number of bytes in MiB or GiB."""
    if count < GIBIBYTE:
        return f"{count / _MEBIBYTE:.0f} MiB"
    return f"{count / GIBIBYTE:.1f} GiB"


def advice(need: RaterNeed) -> str:
    """Return what to change so that a model fits."""
    largest = need.plan.largest_context
    if largest >= _SMALLEST_CONTEXT:
        return (
            f"Set `context_tokens: {largest}` for this rater in the ensemble file, if your texts "
            "fit into that; or close other programs."
        )
    return "Choose a smaller model (`localensemble models list`), or close other programs."


def _prepared(
    rater: RaterPlan,
    located: LocatedModel,
    codebook: Codebook,
    options: RaterOptions,
    beginning_tokens: int,
) -> PreparedRater:
    kind, free_bytes = engine_kind(rater.engine), _free_bytes()
    training = kind.training(located.path) if kind.is_trained_here else None
    settings = EngineSettings(
        engine=rater.engine,
        model_path=located.path,
        model_name=rater.model,
        context_tokens=rater.context_tokens,
        threads=options.threads,
        gpu_layers=rater.gpu_layers,
        mode=options.mode,
        encoder_path=_encoder_path(training),
        launcher=guarded_launcher(),
    )
    unknown = () if training is None else _unknown(training, codebook)
    if len(unknown) == len(codebook.variables):
        raise InputError(
            f'Cannot label with rater "{rater.name}": it was trained for other variables or '
            f"categories than {listed(unknown)}.",
            hint="Train it again with this codebook (`localensemble probe`), or remove it from the "
            "ensemble file.",
        )
    plan = kind.plan(
        settings,
        shape=_shape(located.path) if kind.reads_files else None,
        beginning_tokens=beginning_tokens,
        free_bytes=free_bytes,
    )
    return PreparedRater(
        RaterName(rater.name),
        RaterNeed(plan, free_bytes),
        rater.readouts,
        located.sha256,
        frozenset() if training is None else training.texts,
        unknown,
        engine_origin(rater.engine),
    )


def _encoder_path(training: Training | None) -> Path | None:
    if training is None or not training.encoder:
        return None
    return locate_model(training.encoder, folder=Path()).path


def _unknown(training: Training, codebook: Codebook) -> tuple[str, ...]:
    """Return the variables whose categories are not those of the training."""
    return tuple(
        variable.name
        for variable in codebook.variables
        if sorted(training.categories.get(variable.name, ())) != sorted(variable.answers)
    )


def _beginning_tokens(ensemble: Ensemble, codebook: Codebook, template: PromptTemplate) -> int:
    """Return how many tokens precede the item, summed over questions that take turns."""
    asked = in_all_orders(codebook.variables, at_most=ensemble.orders)
    if ensemble.layout == "item_first" or len(asked) < 2:
        return 0
    characters = sum(
        len(message.text)
        for variable in asked
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
        # The engine may read other kinds of files; it reports what is wrong when it loads them.
        return None
