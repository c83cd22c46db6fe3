"""Raters: the fixed conditions under which labels are made, and the hash that names them.

Changing any condition makes another rater. A rater's name is for people; its labels are
stored under its identity hash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from localensemble.core.foreign_json import read_json
from localensemble.core.identity import sha256_json
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Layout

TABLE_ENGINE = "label-table"
"""The engine name of raters whose labels come from a table; how they were made is unknown."""


@dataclass(frozen=True, slots=True)
class RaterIdentity:
    """Everything that can change a digit of a model rater's labels.

    Attributes:
        engine: registered name, for example ``llama-cpp``.
        engine_version: version of the engine and of the software it wraps.
        model_name: the name in the model file.
        model_sha256: hash of the weights file.
        chat_template_sha256: hash of the chat template in use.
        prompt_template: name and version, for example ``label/v1``.
        prompt_template_sha256: hash of the texts of the prompt template.
        codebook_sha256: hash of the canonical JSON of the codebook.
        layout: what comes first in the prompt.
        settings: decoding settings, mode and block size, each as name and value. They are
            sorted by name, so that their order makes no difference.

    Raises:
        ValueError: two settings have the same name.
    """

    engine: str
    engine_version: str
    model_name: str
    model_sha256: str
    chat_template_sha256: str
    prompt_template: str
    prompt_template_sha256: str
    codebook_sha256: str
    layout: Layout
    settings: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.settings]
        if len(set(names)) != len(names):
            raise ValueError(f"Two settings have the same name: {sorted(names)}.")
        object.__setattr__(self, "settings", tuple(sorted(self.settings)))

    def as_json(self) -> dict[str, object]:
        """Return the identity as plain JSON values; ``settings`` becomes an object."""
        return {**asdict(self), "settings": dict(self.settings)}

    @classmethod
    def from_json(cls, text: str) -> RaterIdentity:
        """Read an identity back from its JSON."""
        fields = read_json(text)
        return cls(**{**fields, "settings": tuple(fields["settings"].items())})

    @property
    def sha256(self) -> str:
        """The hash of the canonical JSON, 64 hexadecimal digits that identify the rater."""
        return sha256_json(self.as_json())


@dataclass(frozen=True, slots=True)
class Rater:
    """A rater: the name that people gave it, and its identity."""

    name: RaterName
    identity: RaterIdentity
