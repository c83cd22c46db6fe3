"""The calibration of all raters on one variable: a recorded step, bound to these raters.

It decides nothing by itself; rules name it, or probabilities stay the raters' own. It keeps the
hashes of the items it was fitted to, so that no promise is made on the same items.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from localensemble.consensus.probabilities.rater_calibration import (
    ContextualPrior,
    Isotonic,
    RaterCalibration,
    Temperature,
)
from localensemble.core.errors import InputError

RaterCalibrationMethod = Literal["temperature", "isotonic", "contextual_prior"]
CALIBRATION_METHODS: tuple[RaterCalibrationMethod, ...] = get_args(RaterCalibrationMethod)

_VERSION = 1


@dataclass(frozen=True, slots=True)
class CalibratedRater:
    """One rater, by the hashes of its identity and model, and what becomes of its numbers."""

    name: str
    identity_sha256: str
    model_sha256: str
    calibration: RaterCalibration


@dataclass(frozen=True, slots=True)
class CalibratedRaters:
    """How the probabilities of every rater on one variable are changed before deciding.

    Attributes:
        variable: which.
        method: the kind of calibration, the same for all raters.
        raters: every rater of the ensemble.
        source_items: gold labels it rests on, or content-free items.
        used_items: hashes of the gold items, by id and text; empty for a contextual prior.
        date: ISO date.
    """

    variable: str
    method: RaterCalibrationMethod
    raters: tuple[CalibratedRater, ...]
    source_items: int
    used_items: tuple[str, ...]
    date: str

    def check(self, identities: Mapping[str, str]) -> None:
        """Refuse other raters than it was made for.

        Args:
            identities: name of each rater -> hash of its identity.

        Raises:
            InputError: names the raters that differ.
        """
        bound = {rater.name: rater.identity_sha256 for rater in self.raters}
        names = {*bound, *identities}
        differing = sorted(name for name in names if bound.get(name) != identities.get(name))
        if differing:
            raise InputError(
                f'The calibration of the raters on "{self.variable}" does not apply: changed since '
                f"{self.date}: {', '.join(differing)}.",
                hint="Calibrate the raters again, or let go of it (--drop-calibrations).",
            )

    def columns(self, raters: Sequence[str]) -> tuple[RaterCalibration | None, ...]:
        """Give the calibration of each rater, None where it has none."""
        held = {rater.name: rater.calibration for rater in self.raters}
        return tuple(held.get(name) for name in raters)

    def sentence(self) -> str:
        """Say what was done, and from how much."""
        if self.method == "contextual_prior":
            source = f"from {self.source_items:,} content-free items and no gold label"
        else:
            source = f"from {self.source_items:,} gold labels"
        return (
            f"The probabilities of the raters on {self.variable} were calibrated on {self.date} by "
            f"{self.method.replace('_', ' ')}, {source}; the labels are the raters' own. Gold "
            "labels that it was fitted to cannot tell how good it is."
        )

    def as_values(self) -> dict[str, object]:
        """Write it as values that have a JSON form."""
        return {
            "version": _VERSION,
            "variable": self.variable,
            "method": self.method,
            "raters": [
                {
                    "name": rater.name,
                    "identity_sha256": rater.identity_sha256,
                    "model_sha256": rater.model_sha256,
                    "settings": {
                        name: json.loads(value) for name, value in rater.calibration.settings
                    },
                }
                for rater in self.raters
            ],
            "source_items": self.source_items,
            "used_items": list(self.used_items),
            "date": self.date,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> CalibratedRaters:
        """Read it back from ``as_values``.

        Raises:
            InputError: it is no calibration of this version.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError("another version")
            method = CALIBRATION_METHODS[CALIBRATION_METHODS.index(values["method"])]
            return cls(
                variable=str(values["variable"]),
                method=method,
                raters=tuple(_rater(method, one) for one in values["raters"]),
                source_items=int(values["source_items"]),
                used_items=tuple(map(str, values["used_items"])),
                date=str(values["date"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "This is no calibration of raters that can be read: an entry is missing or "
                "malformed.",
                hint="Calibrate the raters again with this version.",
            ) from error


def _rater(method: RaterCalibrationMethod, values: Mapping[str, Any]) -> CalibratedRater:
    return CalibratedRater(
        name=str(values["name"]),
        identity_sha256=str(values["identity_sha256"]),
        model_sha256=str(values["model_sha256"]),
        calibration=_calibration(method, values["settings"]),
    )


def _calibration(method: RaterCalibrationMethod, settings: Mapping[str, Any]) -> RaterCalibration:
    if method == "temperature":
        return Temperature(float(settings["temperature"]), int(settings["gold_items"]))
    if method == "isotonic":
        steps = tuple(
            tuple((float(at), float(share)) for at, share in pairs) for pairs in settings["steps"]
        )
        return Isotonic(steps, int(settings["gold_items"]))
    return ContextualPrior(tuple(map(float, settings["prior"])))
