"""The record of a run: its settings and its summary.

The ledger keeps both as canonical JSON; only this module writes and reads them. Records of 0.1.0,
which used other words, are read with the current ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from localensemble import __version__
from localensemble.codebook.model import Codebook, Variable, codebook_from_json
from localensemble.consensus.policies.named_policies import EARLIER_NAMES
from localensemble.consensus.rules import DecisionRules, recorded_rules
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.identity import JsonValue, canonical_json, sha256_text
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import (
    ItemSetKey,
    RaterKey,
    RunKey,
    RunRecord,
    VariableKey,
    VariableRecord,
)
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.study.strategy.recorded_strategy import RecordedStrategy
from localensemble.study.unfit_signs import UnfitSign

_DECIDES_AGAIN = "decides_again_run"
_TRAINED_ON = "trained_on"
_READOUTS = "readouts"
_ENGINES = "engines"
_SUSPECTED = "suspected_texts"
_STRATEGY = "strategy"
_LEFT_OUT = "left_out"
_VERIFIED = "verified"
_DEIDENTIFIED = "deidentified"

# What 0.1.0 called them.
_OLD_KEYS = {"golden": "control", "label_table_sha256": "ratings_sha256"}


@dataclass(frozen=True, slots=True)
class RecordedPrompt:
    """A prompt template as a run keeps it, so that its prompts can be shown later.

    Attributes:
        name: ``label/v1``, or ``own`` for a template that the user wrote.
        texts: its texts, as its file has them.
    """

    name: str
    texts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecordedShots:
    """Items with gold labels that the prompts show as examples; their texts are not kept.

    Attributes:
        ids: their ids. None of them is an item of the study, so their labels are no gold in it.
            Empty if each text has shots of its own: `shots.csv` then has the ids.
        per_category: number asked for, for each category of each variable; 0 with a ``count``.
        seed: seed of the choice.
        gold_sha256: hash of the ids and texts of the table that they come from.
        sha256: hash of the examples, or of everything that decides which ones a text gets.
        count: number asked for, for each variable; None if asked for by category.
        select: how so many were chosen: ``fixed``, ``random``, ``retrieved`` or ``balanced``.
        embedder: the model that compared texts; None if none did.
        embedder_sha256: hash of its file.
        groups: how many groups of texts share examples; None if each text has its own.
        table_sha256: hash of `shots.csv` as it was written; None if all texts have the same shots.
    """

    ids: tuple[str, ...]
    per_category: int
    seed: int
    gold_sha256: str
    sha256: str
    count: int | None = None
    select: str | None = None
    embedder: str | None = None
    embedder_sha256: str | None = None
    groups: int | None = None
    table_sha256: str | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """Return the shots as a run keeps them; what does not apply is left out."""
        written = {**asdict(self), "ids": list(self.ids)}
        return {key: value for key, value in written.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run, frozen when it starts.

    Attributes:
        codebook: the codebook.
        rules: how consensus and escalation are decided.
        raters: the names of the raters, in order.
        items_sha256: hash of the table of items.
        stated_rules: the rules as the ensemble file states them; the same as ``rules`` unless
            others were chosen since.
        limit: label only this many first items; None for all.
        cautions: sentences on why not to trust the labels.
        control: variable -> item id -> known category of control items.
        ratings_sha256: hash of the ratings that the labels come from; None if models make them.
        decides_again: the run whose labels this one decides again; None if it labels.
        prompt: the prompt template that the models were given; None if it is not recorded.
        readouts: the readouts chosen for raters whose ensemble file says ``auto``.
        shots: the examples from gold labels in the prompts; None without any.
        trained_on: sha256 of the items' texts on whose gold labels a rater was trained, sorted.
        engines: rater -> where the code of its engine comes from; older records lack it.
        suspected_texts: sha256 of each item's text that shows signs of prompt injection -> the
            codes of these signs; None if nobody looked for signs.
        strategy: what chose the items of each rater; None if every rater was asked about all.
        deidentified: how texts were de-identified before raters saw them; None if they were not.
            The hashes of texts are then those of the texts that raters saw.
        program_version: version of localensemble that made the record.
    """

    codebook: Codebook
    rules: DecisionRules
    raters: tuple[str, ...]
    items_sha256: str
    stated_rules: JsonValue = None
    limit: int | None = None
    cautions: tuple[str, ...] = ()
    control: Mapping[str, Mapping[str, str]] | None = None
    ratings_sha256: str | None = None
    decides_again: int | None = None
    prompt: RecordedPrompt | None = None
    readouts: tuple[ReadoutChoice, ...] = ()
    shots: RecordedShots | None = None
    trained_on: tuple[str, ...] = ()
    engines: Mapping[str, EngineOrigin] = field(default_factory=dict)
    suspected_texts: Mapping[str, tuple[str, ...]] | None = None
    strategy: RecordedStrategy | None = None
    deidentified: RecordedDeidentification | None = None
    program_version: str = __version__

    def as_json(self) -> JsonValue:
        """Return the settings as the ledger keeps them."""
        written: dict[str, JsonValue] = {
            "localensemble": self.program_version,
            "codebook": self.codebook.as_json(),
            "rules": self.rules.content,
            "stated_rules": self.stated_rules,
            "raters": list(self.raters),
            "items_sha256": self.items_sha256,
            "limit": self.limit,
            "cautions": list(self.cautions),
        }
        if self.control is not None:
            written["control"] = {name: dict(known) for name, known in self.control.items()}
        if self.ratings_sha256 is not None:
            written["ratings_sha256"] = self.ratings_sha256
        if self.decides_again is not None:
            written[_DECIDES_AGAIN] = self.decides_again
        if self.prompt is not None:
            written["prompt"] = {"template": self.prompt.name, "texts": dict(self.prompt.texts)}
        if self.readouts:
            written[_READOUTS] = [choice.as_json() for choice in self.readouts]
        if self.shots is not None:
            written["shots"] = self.shots.as_json()
        if self.trained_on:
            written[_TRAINED_ON] = list(self.trained_on)
        if self.engines:
            written[_ENGINES] = {name: one.as_json() for name, one in self.engines.items()}
        if self.suspected_texts is not None:
            written[_SUSPECTED] = {text: [*codes] for text, codes in self.suspected_texts.items()}
        if self.strategy is not None:
            written[_STRATEGY] = self.strategy.as_json()
        if self.deidentified is not None:
            written[_DEIDENTIFIED] = self.deidentified.as_json()
        return written

    @classmethod
    def from_json(cls, value: JsonValue) -> RunSettings:
        """Read settings as the ledger keeps them, including those of 0.1.0."""
        read = {_OLD_KEYS.get(key, key): one for key, one in cast(dict[str, Any], value).items()}
        return cls(
            codebook=codebook_from_json(read["codebook"]),
            rules=recorded_rules(_renamed_policies(read["rules"])),
            raters=tuple(read["raters"]),
            items_sha256=read["items_sha256"],
            stated_rules=_renamed_policies(read.get("stated_rules")),
            limit=read.get("limit"),
            cautions=tuple(read.get("cautions", ())),
            control=read.get("control"),
            ratings_sha256=read.get("ratings_sha256"),
            decides_again=read.get(_DECIDES_AGAIN),
            prompt=_prompt(read.get("prompt")),
            readouts=tuple(map(ReadoutChoice.from_json, read.get(_READOUTS, ()))),
            shots=_shots(read.get("shots")),
            trained_on=tuple(read.get(_TRAINED_ON, ())),
            engines={
                name: EngineOrigin.from_json(one) for name, one in read.get(_ENGINES, {}).items()
            },
            suspected_texts=_suspected(read.get(_SUSPECTED)),
            strategy=(RecordedStrategy.from_json(read[_STRATEGY]) if _STRATEGY in read else None),
            deidentified=RecordedDeidentification.from_json(read.get(_DEIDENTIFIED)),
            program_version=read["localensemble"],
        )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Where the labels of a finished run are, by their keys in the ledger.

    Attributes:
        item_set: key of the items.
        item_count: number of items labeled, from the first.
        raters: keys of the raters, in the order of their names in the settings.
        variables: key of each variable, by name.
        unfit_signs: signs, found in the first labels of a rater, that it is unfit.
        left_out: variable -> the items that each rater was not asked about; empty if every rater
            was asked about everything.
        verified: key of each question that verifiers were asked, by its name; empty without
            verifiers.
    """

    item_set: ItemSetKey
    item_count: int
    raters: tuple[RaterKey, ...]
    variables: Mapping[str, VariableKey]
    unfit_signs: tuple[UnfitSign, ...] = ()
    left_out: Mapping[str, Sequence[int]] = field(default_factory=dict)
    verified: Mapping[str, VariableKey] = field(default_factory=dict)

    def as_json(self) -> dict[str, JsonValue]:
        """Return the summary as the ledger keeps it."""
        written: dict[str, JsonValue] = {
            "item_set": self.item_set,
            "item_count": self.item_count,
            "raters": list(self.raters),
            "variables": dict(self.variables),
        }
        if self.unfit_signs:
            written["unfit_signs"] = [
                {"rater": one.rater, "sentence": one.sentence} for one in self.unfit_signs
            ]
        if self.left_out:
            written[_LEFT_OUT] = {name: list(counts) for name, counts in self.left_out.items()}
        if self.verified:
            written[_VERIFIED] = dict(self.verified)
        return written

    @classmethod
    def from_json(cls, value: JsonValue) -> RunSummary:
        """Read a summary as the ledger keeps it."""
        read = cast(Mapping[str, Any], value)
        return cls(
            ItemSetKey(read["item_set"]),
            read["item_count"],
            tuple(map(RaterKey, read["raters"])),
            {name: VariableKey(key) for name, key in read["variables"].items()},
            tuple(UnfitSign(**one) for one in read.get("unfit_signs", ())),
            {name: tuple(counts) for name, counts in read.get(_LEFT_OUT, {}).items()},
            {name: VariableKey(key) for name, key in read.get(_VERIFIED, {}).items()},
        )


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run; times are those in the ledger, in UTC."""

    key: RunKey
    started_at: str
    finished_at: str
    settings: RunSettings
    summary: RunSummary


def newest_finished(reader: LedgerReader) -> FinishedRun | None:
    """Find the newest finished run of a ledger; return None if no run has finished."""
    for run in reversed(reader.runs()):
        if run.status == "finished":
            return FinishedRun(
                run.key,
                run.started_at,
                run.finished_at or "",
                RunSettings.from_json(run.settings),
                RunSummary.from_json(run.summary),
            )
    return None


def recorded_readouts(reader: LedgerReader) -> Mapping[str, ReadoutChoice]:
    """Return the newest choice of a readout for each rater, by its name.

    Runs that did not finish count: the labels that they made are kept.
    """
    choices = (
        ReadoutChoice.from_json(choice)
        for run in reader.runs()
        for choice in cast(Mapping[str, Any], run.settings).get(_READOUTS, ())
    )
    return {choice.rater: choice for choice in choices}


def decides_again(run: RunRecord) -> bool:
    """Tell whether a run, finished or not, only decided the labels of another run again."""
    return _DECIDES_AGAIN in cast(Mapping[str, Any], run.settings)


def has_ratings(run: RunRecord) -> bool:
    """Tell whether the labels of a run, finished or not, come from a table of ratings."""
    keys = {_OLD_KEYS.get(key, key) for key in cast(Mapping[str, Any], run.settings)}
    return "ratings_sha256" in keys


def codebook_content(codebook: Codebook) -> str:
    """Return what a codebook shows to raters as canonical JSON; its hash is in their identity."""
    return variables_content(codebook.variables)


def variables_content(variables: Sequence[Variable]) -> str:
    """Return what the variables of a codebook show to raters as canonical JSON."""
    return canonical_json({"variables": [variable.shown_to_raters() for variable in variables]})


def register_codebook(ledger: Ledger, codebook: Codebook) -> Mapping[str, VariableKey]:
    """Record what a codebook shows to raters; return the key of each variable by its name."""
    content = codebook_content(codebook)
    records = [
        VariableRecord(variable.name, canonical_json(variable.shown_to_raters()), variable.answers)
        for variable in codebook.variables
    ]
    return ledger.register_codebook(content, sha256=sha256_text(content), variables=records)


def _prompt(content: Mapping[str, Any] | None) -> RecordedPrompt | None:
    return None if content is None else RecordedPrompt(content["template"], content["texts"])


def _shots(content: Mapping[str, Any] | None) -> RecordedShots | None:
    return None if content is None else RecordedShots(**{**content, "ids": tuple(content["ids"])})


def _suspected(content: Mapping[str, Any] | None) -> Mapping[str, tuple[str, ...]] | None:
    return None if content is None else {text: tuple(codes) for text, codes in content.items()}


def _renamed_policies(content: Any) -> Any:
    if not isinstance(content, Mapping):
        return content
    return {
        **content,
        "escalation": [
            {**policy, "policy": EARLIER_NAMES.get(policy["policy"], policy["policy"])}
            for policy in content["escalation"]
        ],
    }
