"""Choose models that are on this machine for a first ensemble.

Decides which: at most three of different families, because models of one family share their
mistakes; the encoder among them if it is here, because it errs differently; only those that fit
into this machine's memory; never the embedded ones, which were trained on the examples alone. If
there are none, names what to pull.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from localensemble.catalog.families import family_of
from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.catalog.known import GIBIBYTE, fitting_sets, known_models, memory_needed
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import ModelFileError
from localensemble.core.words import counted

MOST_RATERS = 3

_HEAD = """\
# Models on this machine, of different families. They run one after another.
# Bigger models are often better, but only gold labels show which are right on your texts.
raters:
"""
_RATER = """\
  # {about}
  - model: {model}
    name: {name}
"""
_READS_CODEBOOK = """\
    engine: embedding
"""
# Small models often begin with other words than a name; how each is asked is settled by that.
_ANSWERS = """\
    readout: auto
"""
_RULES = """\
consensus:
  method: majority
  minimum_share: 0.6
escalation:
  - policy: missing_raters
    allowed: 0
  - policy: off_codebook_mass_above
    limit: 0.5
  - policy: suspected_injection
"""


@dataclass(frozen=True, slots=True)
class UsableModel:
    """A model on this machine that can label.

    Attributes:
        name: its name in an ensemble file.
        family: who made it; models of one family make the same mistakes more often.
        size_bytes: size of its file.
        has_template: whether its file has a chat template: it was taught to follow instructions.
        reads_codebook: whether it compares texts with the codebook instead of answering.
        about: what it is, in one line.
    """

    name: str
    family: str
    size_bytes: int
    has_template: bool
    about: str
    reads_codebook: bool = False


def choose_models(memory_bytes: int) -> tuple[UsableModel, ...]:
    """Choose up to three models on this machine that fit into its memory, the largest first.

    Of each family the largest with a chat template is chosen. Reads no weights.
    """
    chosen: dict[str, UsableModel] = {}
    encoders = [one for one in _encoders() if memory_needed(one.size_bytes) <= memory_bytes]
    for model in sorted(_usable_models(), key=lambda one: (one.has_template, one.size_bytes))[::-1]:
        if memory_needed(model.size_bytes) <= memory_bytes:
            chosen.setdefault(model.family, model)
    return (*list(chosen.values())[: MOST_RATERS - len(encoders)], *encoders)


def usable_models() -> tuple[UsableModel, ...]:
    """Return all models on this machine that can label, in the order of their names."""
    return tuple(sorted((*_usable_models(), *_encoders()), key=lambda one: one.name))


def models_of_raters(names: Sequence[str]) -> tuple[UsableModel, ...]:
    """Return the models on this machine that label under these names in a first ensemble.

    Empty unless all are here.
    """
    here = {_rater_name(model.name, taken=()): model for model in (*_usable_models(), *_encoders())}
    return tuple(here[name] for name in names) if set(names) <= set(here) else ()


def ensemble_text(models: Iterable[UsableModel]) -> str:
    """Return the YAML text of an ensemble file with these models."""
    names: list[str] = []
    raters = []
    for model in models:
        names.append(_rater_name(model.name, taken=names))
        raters.append(
            _RATER.format(about=model.about, model=_quoted(model.name), name=_quoted(names[-1]))
        )
        raters.append(_READS_CODEBOOK if model.reads_codebook else _ANSWERS)
    return "".join((_HEAD, *raters, _RULES))


def pull_arguments(memory_bytes: int) -> tuple[str, ...]:
    """Return the arguments of `models pull` for the set made for a machine of this size.

    If no recommended set fits, these are the names of the largest chat models that fit, of
    different families. Empty if none fits.
    """
    if sets := fitting_sets(memory_bytes):
        # A set made for a larger machine may fit, too, but leaves little for anything else.
        meant = [one for one in sets if one.memory_gb <= round(memory_bytes / GIBIBYTE)]
        return ("--set", str((meant or sets[:1])[-1].memory_gb))
    chosen: dict[str, str] = {}
    for model in sorted(known_models(), key=lambda one: -one.size_bytes):
        if model.kind == "chat" and memory_needed(model.size_bytes) <= memory_bytes:
            chosen.setdefault(family_of(model.name, architecture=model.architecture), model.name)
    return tuple(chosen.values())[:MOST_RATERS]


def too_few(models: Sequence[UsableModel]) -> str:
    """Return a sentence on what more models would add; empty if there are enough."""
    if len(models) >= MOST_RATERS:
        return ""
    return (
        f"The ensemble has {counted(len(models), 'rater')}: agreement needs two, and a majority "
        "three. Pull or add models of other families, and name them in the ensemble file."
    )


def _usable_models() -> Iterator[UsableModel]:
    folder = ModelsFolder()
    known = {model.name: model for model in known_models()}
    embedding = {model.architecture for model in known.values() if model.kind == "embedding"}
    embedding -= {model.architecture for model in known.values() if model.kind == "chat"}
    for model in folder.installed():
        if model.name in known and known[model.name].kind != "chat":
            continue
        # A file that was removed, replaced or damaged is refused when it is used; so it is not
        # proposed.
        with suppress(ModelFileError, OSError):
            path = folder.file_of(model)
            if path.stat().st_size != model.size_bytes or model.architecture in embedding:
                continue
            title = read_header(path).name
            yield UsableModel(
                name=model.name,
                family=family_of(f"{model.name} {title}", architecture=model.architecture),
                size_bytes=model.size_bytes,
                has_template=bool(model.chat_template_sha256),
                about=_about(model, title=title, file=path.name),
            )


def _encoders() -> tuple[UsableModel, ...]:
    """Return the encoder if it is here."""
    folder = ModelsFolder()
    model = folder.find(ENCODER)
    with suppress(OSError):
        if model is not None and folder.file_of(model).stat().st_size == model.size_bytes:
            return (
                UsableModel(
                    name=model.name,
                    family=model.architecture,
                    size_bytes=model.size_bytes,
                    has_template=False,
                    about=f"{_size(model.size_bytes)}: compares texts with your definitions; "
                    "recognizes topics, but hardly negation or sentiment",
                    reads_codebook=True,
                ),
            )
    return ()


def _about(model: InstalledModel, *, title: str, file: str) -> str:
    template = (
        "with a chat template"
        if model.chat_template_sha256
        else "WITHOUT a chat template, so it may not follow the prompt"
    )
    described = (
        f"{_size(model.size_bytes)}, needs about "
        f"{_size(memory_needed(model.size_bytes))} of memory: {title or model.architecture}, "
        f"{template}; {model.origin} ({file}); license: {model.license}"
    )
    return "".join(one if one.isprintable() else " " for one in described)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e8 else f"{size_bytes / 1e6:.0f} MB"


def _rater_name(model: str, *, taken: Iterable[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-._") or "rater"
    wanted, number = name, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _quoted(text: str) -> str:
    # A JSON string is a double-quoted YAML scalar.
    return json.dumps(text, ensure_ascii=False)
