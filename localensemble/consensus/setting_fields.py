"""The settings of a consensus method or an escalation policy are the fields of its class.

The annotation of a field states the range of the setting, and `build_named` checks the values
in a file against it. Nothing is converted: ledgers and certificates store settings as they were
written, and there 1 is not 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, cast

from pydantic import Field

from localensemble.core.identity import canonical_json

Settings = tuple[tuple[str, str], ...]

Share = Annotated[float, Field(strict=True, ge=0, le=1, description="a number from 0 to 1")]
ShareAboveZero = Annotated[
    float, Field(strict=True, gt=0, le=1, description="a number above 0, at most 1")
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, description="a number")]
WholeNumber = Annotated[int, Field(strict=True, ge=0, description="a whole number of at least 0")]
PositiveWholeNumber = Annotated[
    int, Field(strict=True, ge=1, description="a whole number of at least 1")
]


class SettingsFromFields:
    """A dataclass whose fields are its settings."""

    __slots__ = ()

    @property
    def settings(self) -> Settings:
        """Every setting as (name, canonical JSON) in name order, ready to hash or show."""
        names = sorted(field.name for field in fields(cast(Any, self)))
        return tuple((name, _as_json(getattr(self, name))) for name in names)


def _as_json(value: Any) -> str:
    return canonical_json(dict(value) if isinstance(value, Mapping) else value)
