"""The ensemble file: which model raters label, with which prompt, and what is accepted.

Decides what an ensemble file may contain; refuses unknown keys with a suggestion.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml.error import YAMLError

from localensemble.codebook.model import Variable
from localensemble.consensus.methods.roles import Role, Roles
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import EnsembleError
from localensemble.core.prompts import Layout, Readout
from localensemble.core.yaml_files import read_yaml
from localensemble.engines.registry import engine_kind
from localensemble.engines.settings import DEFAULT_ENGINE
from localensemble.labeling.examples.shots import ShotSelection, StatedShots
from localensemble.prompting.template import PromptTemplate, load_own_template, load_template
from localensemble.strategies.asked_by_role import AskedByRole
from localensemble.strategies.named_strategies import strategy_named
from localensemble.strategies.protocol import AskingStrategy

_Parsed = TypeVar("_Parsed", bound="_Rules")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Rater(_Strict):
    model: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(pattern=_NAME)] | None = None
    engine: str = DEFAULT_ENGINE
    context_tokens: Annotated[int, Field(ge=64)] | None = None
    gpu_layers: Annotated[int, Field(ge=0)] | None = None
    readout: Literal["name", "option", "prefilled", "auto"] | None = None
    role: Role = "labeler"

    @property
    def full_name(self) -> str:
        """The name that the file states, or the one that follows from the model."""
        return self.name or engine_kind(self.engine).rater_name(self.model)


class _Shots(_Strict):
    gold: Annotated[str, Field(min_length=1)]
    per_category: Annotated[int, Field(ge=1)] = 1
    n: Annotated[int, Field(ge=1)] | None = None
    select: ShotSelection = "fixed"
    embedder: Annotated[str, Field(min_length=1)] = ENCODER
    groups: Annotated[int, Field(ge=2)] | None = None
    seed: int = 0


class _Prompt(_Strict):
    template: str = "label"
    version: Annotated[int, Field(ge=1)] = 1
    file: Annotated[str, Field(min_length=1)] | None = None
    layout: Literal["auto", "codebook_first", "item_first"] = "auto"
    orders: Annotated[int, Field(ge=1)] = 1
    shots: _Shots | None = None

    @field_validator("shots", mode="before")
    @classmethod
    def _name_the_gold(cls, value: object) -> object:
        if value is None or isinstance(value, Mapping):
            return value
        raise ValueError(
            "expected the gold table that the shots come from: "
            "{gold: FILE, per_category: 1, seed: 0}, or {gold: FILE, n: 4, select: retrieved}"
        )


class _Consensus(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    method: str = "majority"


class _Strategy(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    name: str


class _Policy(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    policy: str


class _Rules(_Strict):
    raters: list[_Rater] = []
    prompt: _Prompt = _Prompt()
    consensus: _Consensus = _Consensus()
    escalation: list[_Policy] | None = None
    strategy: _Strategy | None = None
    unfit: list[str] = []


class _Ensemble(_Rules):
    raters: Annotated[list[_Rater], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class RaterPlan:
    """One model rater as the ensemble file names it.

    ``model`` is a catalog name or a path. ``context_tokens`` None means the engine's default;
    ``gpu_layers`` None means as many as fit on the graphics devices. ``readouts`` is empty if the
    file states none, and has several for ``auto``: the program chooses one of them.
    """

    name: str
    model: str
    engine: str
    context_tokens: int | None
    gpu_layers: int | None = None
    readouts: tuple[Readout, ...] = ()
    role: Role = "labeler"


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The content of an ensemble file.

    ``prompt_file`` is a prompt template that the user wrote, in place of the named one.
    ``layout`` None means that the plan chooses by token counts. ``orders`` is the most category
    orders in which a variable is asked, and ``shots`` are examples from gold labels. ``strategy``
    decides which items each rater is asked about; None asks every rater about all. Relative model
    paths start at ``folder``.
    """

    raters: tuple[RaterPlan, ...]
    prompt_template: str
    prompt_version: int
    prompt_file: Path | None
    layout: Layout | None
    orders: int
    shots: StatedShots | None
    rules: DecisionRules
    folder: Path
    strategy: AskingStrategy | None = None

    def load_template(self, variables: Sequence[Variable]) -> PromptTemplate:
        """Load the prompt template, and check that it can show the variables.

        Raises:
            InputError: it does not exist, its file is incomplete or invalid, it has no texts for
                the readout of a rater, or it uses something that a variable does not have.
        """
        if self.prompt_file is None:
            template = load_template(self.prompt_template, self.prompt_version)
        else:
            template = load_own_template(self.prompt_file)
        template.check(variables)
        for readout in self.readouts:
            template.reading(readout).check(variables)
        return template

    def check_strategy(
        self, variables: Sequence[Variable], *, rules: DecisionRules
    ) -> tuple[str, ...]:
        """Refuse a strategy that does not fit; return what the user should know about it.

        Args:
            variables: the variables of the codebook.
            rules: the rules that decide the study, which need not be those of the file.

        Raises:
            EnsembleError: the strategy does not work with these raters, variables or rules.
        """
        if self.strategy is None:
            return ()
        names = [rater.name for rater in self.raters]
        return self.strategy.check(raters=names, variables=variables, rules=rules)

    @property
    def readouts(self) -> tuple[Readout, ...]:
        """The readouts that raters state or choose from, each once."""
        return tuple(dict.fromkeys(one for rater in self.raters for one in rater.readouts))


EnsembleSource = Path | Mapping[str, Any]
"""An ensemble file, or the same content as a dictionary."""


def load_ensemble(source: EnsembleSource) -> Ensemble:
    """Read and check an ensemble file, or the same content from Python.

    Raises:
        EnsembleError: the file is missing, is not YAML, or has unknown content.
        EngineUnavailableError: it names an engine that is not installed.
    """
    return _as_ensemble(_path_of(source), _parsed(source, _Ensemble))


def _path_of(source: EnsembleSource) -> Path:
    """Return the place that messages name and where relative model paths start."""
    return source if isinstance(source, Path) else Path("ensemble")


def _parsed(source: EnsembleSource, form: type[_Parsed]) -> _Parsed:
    path = _path_of(source)
    content = _content(source) if isinstance(source, Path) else source
    if not isinstance(content, Mapping):
        raise EnsembleError(
            f"{path}: found no keys; expected at least `raters`, or rules.",
            hint="Compare with examples/ensemble.yaml.",
        )
    try:
        return form.model_validate(content)
    except ValidationError as error:
        raise _explained(path, error) from error


def _content(path: Path) -> object:
    try:
        return read_yaml(path)
    except OSError as error:
        raise EnsembleError(
            f"Cannot read the ensemble file {path}: {error.strerror}.",
            hint="Check the path given with --ensemble.",
        ) from error
    except UnicodeDecodeError as error:
        raise EnsembleError(
            f"{path}: byte {error.start} is not UTF-8.", hint="Save the file as UTF-8."
        ) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise EnsembleError(
            f"{path}{line}: not valid YAML.",
            hint="Compare with examples/ensemble.yaml.",
        ) from error


def load_rules(
    source: EnsembleSource, *, unstated: Sequence[Mapping[str, object]] | None
) -> DecisionRules:
    """Read the rules of an ensemble file, which need not name raters.

    Args:
        source: the file, or its content as a dictionary.
        unstated: the escalation policies if the file names none; None means the defaults.

    Raises:
        EnsembleError: the file is missing, is not YAML, or has unknown content.
    """
    return _rules(_path_of(source), _parsed(source, _Rules), unstated=unstated)


def _as_ensemble(path: Path, parsed: _Ensemble) -> Ensemble:
    raters = tuple(
        RaterPlan(
            rater.full_name,
            rater.model,
            rater.engine,
            rater.context_tokens,
            rater.gpu_layers,
            _readouts(path, rater),
            rater.role,
        )
        for rater in parsed.raters
    )
    names = [rater.name for rater in raters]
    for name in names:
        if names.count(name) > 1:
            raise EnsembleError(
                f'{path}: two raters are named "{name}".', hint="Give each rater its own `name`."
            )
    rules = _rules(path, parsed)
    try:
        rules.fit(names)
    except EnsembleError as error:
        raise EnsembleError(f"{path}: {error.message}", hint=error.hint) from error
    return Ensemble(
        raters=raters,
        prompt_template=parsed.prompt.template,
        prompt_version=parsed.prompt.version,
        prompt_file=_prompt_file(path, parsed.prompt),
        layout=None if parsed.prompt.layout == "auto" else parsed.prompt.layout,
        orders=parsed.prompt.orders,
        shots=_stated_shots(path, parsed.prompt.shots),
        rules=rules,
        folder=path.resolve().parent,
        strategy=_strategy(path, parsed.strategy, rules),
    )


def _readouts(path: Path, rater: _Rater) -> tuple[Readout, ...]:
    """Return the readout that a rater states, or those to choose from."""
    if rater.readout is None:
        return ()
    offered = engine_kind(rater.engine).readouts
    wanted = offered if rater.readout == "auto" else (rater.readout,)
    if not set(wanted) <= set(offered) or (rater.readout == "auto" and len(offered) < 2):
        raise EnsembleError(
            f'{path}: rater "{rater.name or rater.model}" has readout "{rater.readout}", but '
            f"engine {rater.engine} offers {'only ' + ', '.join(offered) if offered else 'none'}.",
            hint="Change or remove its `readout`, or use another engine.",
        )
    return wanted


def _prompt_file(path: Path, prompt: _Prompt) -> Path | None:
    if prompt.file is None:
        return None
    named = [f"`{key}`" for key in ("template", "version") if key in prompt.model_fields_set]
    if named:
        raise EnsembleError(
            f"{path}, prompt: found `file` and {' and '.join(named)}; expected one template.",
            hint=f"Keep `file` for your own template, or {' and '.join(named)} for one that ships "
            "with the program.",
        )
    return path.resolve().parent / Path(prompt.file).expanduser()


def _stated_shots(path: Path, shots: _Shots | None) -> StatedShots | None:
    if shots is None:
        return None
    given = shots.model_fields_set
    if shots.n is None:
        needs_n = [key for key in ("select", "embedder", "groups") if key in given]
        if needs_n:
            raise EnsembleError(
                f"{path}, prompt.shots: found `{needs_n[0]}` without `n`.",
                hint="Add `n`, the number of examples, for example `n: 4`.",
            )
    elif "per_category" in given:
        raise EnsembleError(
            f"{path}, prompt.shots: found both `n` and `per_category`; expected one of them.",
            hint="`per_category` shows as many examples of every category; `n` shows n examples "
            "whatever their categories.",
        )
    elif shots.select not in ("retrieved", "balanced"):
        compares = [key for key in ("embedder", "groups") if key in given]
        if compares:
            raise EnsembleError(
                f"{path}, prompt.shots: `select: {shots.select}` compares no texts, so "
                f"`{compares[0]}` has no effect.",
                hint=f"Remove `{compares[0]}`, or write `select: retrieved`.",
            )
    return StatedShots(
        path.resolve().parent / Path(shots.gold).expanduser(),
        shots.per_category,
        shots.seed,
        shots.n,
        shots.select,
        shots.embedder,
        shots.groups,
    )


def _strategy(path: Path, stated: _Strategy | None, rules: DecisionRules) -> AskingStrategy | None:
    if stated is None:
        return AskedByRole() if isinstance(rules.method, Roles) else None
    settings = stated.model_dump()
    name = settings.pop("name")
    try:
        return strategy_named(name, settings=settings)
    except EnsembleError as error:
        raise EnsembleError(f"{path}: {error.message}", hint=error.hint) from error


def _rules(
    path: Path, parsed: _Rules, *, unstated: Sequence[Mapping[str, object]] | None = None
) -> DecisionRules:
    try:
        # An empty list is a choice: escalate only what is always escalated.
        policies = parsed.escalation
        return decision_rules(
            _stated_consensus(parsed),
            unstated if policies is None else [policy.model_dump() for policy in policies],
            unfit=parsed.unfit,
        )
    except EnsembleError as error:
        raise EnsembleError(f"{path}: {error.message}", hint=error.hint) from error


def _stated_consensus(parsed: _Rules) -> Mapping[str, object]:
    """Return the consensus that the file states; roles of raters imply theirs.

    Raises:
        EnsembleError: raters have roles, and the consensus does not know them.
    """
    stated = parsed.consensus.model_dump()
    roles = {one.full_name: one.role for one in parsed.raters if one.role != "labeler"}
    if "consensus" not in parsed.model_fields_set and roles:
        stated["method"] = Roles.name
    if stated["method"] == Roles.name:
        return {"roles": roles, **stated} if parsed.raters else stated
    if roles:
        raise EnsembleError(
            f'rater "{next(iter(roles))}" has a `role`, but the consensus method '
            f'"{stated["method"]}" treats all raters alike.',
            hint=f"Remove `consensus` or state `method: {Roles.name}`, or remove the `role`.",
        )
    return stated


# Keys of programs that draw answers at random.
_DRAWS = frozenset({"repeats", "seed", "seeds", "temperature", "top_p"})

_KNOWN_KEYS = sorted(
    {
        name
        for model in (_Rater, _Shots, _Prompt, _Consensus, _Strategy, _Policy, _Ensemble)
        for name in model.model_fields
    }
)

# A name alone is the likely slip where a section has one leading key.
_WRITTEN_AS = {
    "_Rater": "- {model: le-llama-2m}",
    "_Consensus": "consensus: {method: majority}",
    "_Strategy": "strategy: {name: early_stop}",
    "_Policy": "- {policy: no_consensus}",
}


def _explained(path: Path, error: ValidationError) -> EnsembleError:
    found = error.errors(include_url=False, include_input=False)
    # A misspelled key is also a missing one; reporting the misspelling is what helps.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
    ).lstrip(".")
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        if key in _DRAWS and "shots" not in first["loc"]:
            return EnsembleError(
                f"{path}, {place}: unknown key. Nothing is drawn at random: a label is read from "
                "the model's probabilities, so asking again gives the same label.",
                hint="Remove it. To see how steady a rater is, ask in several orders of the "
                "categories (`prompt.orders`).",
            )
        if key in _KNOWN_KEYS:
            return EnsembleError(
                f"{path}, {place}: this key is not allowed here.",
                hint="Compare with examples/ensemble.yaml.",
            )
        close = difflib.get_close_matches(key, _KNOWN_KEYS, n=1)
        return EnsembleError(
            f"{path}, {place}: unknown key.",
            hint=f"Did you mean `{close[0]}`?" if close else "Remove it.",
        )
    if first["type"] == "model_type" and first["ctx"]["class_name"] in _WRITTEN_AS:
        return EnsembleError(
            f"{path}, {place}: expected a key and its value, found none.",
            hint=f"Write `{_WRITTEN_AS[first['ctx']['class_name']]}`.",
        )
    return EnsembleError(
        f"{path}, {place}: {first['msg'][0].lower()}{first['msg'][1:]}.",
        hint="Compare with examples/ensemble.yaml.",
    )


def same_rater_error(one: str, other: str) -> EnsembleError:
    """Return the error for two names of one rater."""
    return EnsembleError(
        f'Raters "{one}" and "{other}" are the same rater: same model, prompt, settings and '
        "engine.",
        hint="Remove one of them from the ensemble file; a model cannot vote twice.",
    )
