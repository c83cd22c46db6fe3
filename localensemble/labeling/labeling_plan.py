"""The plan of a run: which items, which raters, which prompt and which rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localensemble.codebook.model import Codebook
from localensemble.consensus.rules import DecisionRules
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Layout, Readout
from localensemble.engines.protocol import Engine
from localensemble.labeling.examples.shots import NO_SHOTS, Shots
from localensemble.prompting.template import PromptTemplate
from localensemble.strategies.protocol import AskingStrategy
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.tables.item_file import ItemFile


@dataclass(frozen=True, slots=True)
class NamedEngine:
    """A rater's name and how to load its model (called when its turn comes).

    Attributes:
        readouts: the readout that the rater states; none if it states none, several if
            `settle_readouts` must choose one of them before the run.
        model_sha256: hash of the model as far as it is known; another model needs another choice.
        trained_on: sha256 of the words of the texts whose gold labels trained the rater.
        origin: where the engine's code comes from; kept with the run.
    """

    name: RaterName
    load: Callable[[], Engine]
    readouts: tuple[Readout, ...] = ()
    model_sha256: str = ""
    trained_on: frozenset[str] = frozenset()
    origin: EngineOrigin | None = None


@dataclass(frozen=True, slots=True)
class LabelingPlan:
    """The plan of a run.

    Attributes:
        layout: the prompt layout; None lets token counts choose for each rater.
        rules: how consensus and escalation are decided; kept with the run, so that decisions
            can be derived again from the ledger alone.
        limit: label only the first items of the file; None labels all.
        orders: the most category orders in which a variable is asked.
        shots: examples from gold labels that the prompts show.
        control: variable -> item id -> known category; kept with the run for the same reason.
        cautions: sentences on why not to trust the labels; kept with the run for the readers
            of its results.
        stated_rules: the rules in the ensemble file if the study is decided by others; None
            if it is decided by them.
        certified_raters: rater -> hash of the identity for which a certificate holds.
        chosen_readouts: the choices that `settle_readouts` made; kept with the run.
        stop_unfit: stop as soon as the first block of a rater shows a sign that it is unfit.
        strategy: decides which items each rater is asked about; None asks about all.
        deidentified: how the texts of the items were de-identified; None if they were not.
    """

    items: ItemFile
    codebook: Codebook
    engines: tuple[NamedEngine, ...]
    template: PromptTemplate
    layout: Layout | None
    rules: DecisionRules
    limit: int | None = None
    orders: int = 1
    shots: Shots = NO_SHOTS
    control: Mapping[str, Mapping[str, str]] | None = None
    cautions: tuple[str, ...] = ()
    stated_rules: DecisionRules | None = None
    certified_raters: Mapping[str, str] = field(default_factory=dict)
    chosen_readouts: tuple[ReadoutChoice, ...] = ()
    stop_unfit: bool = False
    strategy: AskingStrategy | None = None
    deidentified: RecordedDeidentification | None = None

    @property
    def shown(self) -> Codebook:
        """The codebook with the shots among its examples, as prompts show it."""
        return self.shots.shown(self.codebook)
