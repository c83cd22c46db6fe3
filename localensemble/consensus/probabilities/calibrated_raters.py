"""The calibration of all raters on one variable: a recorded step, bound to these raters.

It has no effect by itself: the raters' own probabilities are used unless the rules name it. It
keeps the hashes of the items it was fitted to, so that no promise is made on the same items.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from localensemble.consensus.bound_raters import BoundRater, changed_raters
from localensemble.consensus.probabilities.rater_calibration import (
    ContextualPrior,
    Isotonic,
    RaterCalibration,
    Temperature,
)
from localensemble.core.errors import InputError
from localensemble.core.words import counted

RaterCalibrationMethod = Literal["temperature", "isotonic", "contextual_prior"]
CALIBRATION_METHODS: tuple[RaterCalibrationMethod, ...] = get_args(RaterCalibrationMethod)

_VERSION = 1


@dataclass(frozen=True, slots=True)
class CalibratedRater(BoundRater):
    """One rater, with the hashes of its identity and model, and its calibration."""

    calibration: RaterCalibration


@dataclass(frozen=True, slots=True)
class CalibratedRaters:
    """How the probabilities of every rater on one variable are changed before deciding.

    Attributes:
        variable: name of the variable.
        method: the kind of calibration, the same for all raters.
        raters: every rater of the ensemble.
        source_items: number of gold labels, or content-free items, that it was fitted to.
        used_items: hashes of the gold items, by id and text, that it was fitted to or chosen by.
        date: ISO date of the calibration.
    """

    variable: str
    method: RaterCalibrationMethod
    raters: tuple[CalibratedRater, ...]
    source_items: int
    used_items: tuple[str, ...]
    date: str

    def check(self, identities: Mapping[str, str], *, unfit: Sequence[str] = ()) -> None:
        """Refuse raters other than those it was made for.

        Args:
            identities: name of each rater -> hash of its identity.
            unfit: raters that do not count, and may differ.

        Raises:
            InputError: names the raters that differ.
        """
        differing = changed_raters(self.raters, identities, unfit=unfit)
        if differing:
            raise InputError(
                f'The calibration of the raters on "{self.variable}" does not apply; changed since '
                f"{self.date}: {', '.join(differing)}.",
                hint="Calibrate the raters again, or drop it (--drop-calibrations).",
            )

    def columns(self, raters: Sequence[str]) -> tuple[RaterCalibration | None, ...]:
        """Return the calibration of each rater; None for a rater without one."""
        by_name = {rater.name: rater.calibration for rater in self.raters}
        return tuple(by_name.get(name) for name in raters)

    def sentence(self) -> str:
        """Describe the calibration and what it was fitted to."""
        if self.method == "contextual_prior":
            items = counted(self.source_items, "content-free item")
            source = f"from {items}, "
            if self.used_items:
                source += f"chosen by {counted(len(self.used_items), 'gold label')}"
            else:
                source += "without gold labels"
        else:
            source = f"from {self.source_items:,} gold labels"
        return (
            f"The raters' probabilities for {self.variable} were calibrated on {self.date} with "
            f"{self.method.replace('_', ' ')}, {source}. Their labels are unchanged. The gold "
            "labels that a calibration was fitted to or chosen by cannot show how good it is."
        )

    def as_values(self) -> dict[str, object]:
        """Return the calibration as values that have a JSON form."""
        return {
            "version": _VERSION,
            "variable": self.variable,
            "method": self.method,
            "raters": [
                {
                    **rater.as_values(),
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
        """Read a calibration back from ``as_values``.

        Raises:
            InputError: the values are not a calibration of this version.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError("another version")
            method = CALIBRATION_METHODS[CALIBRATION_METHODS.index(values["method"])]
            return cls(
                variable=str(values["variable"]),
                method=method,
                raters=tuple(_rater(method, rater) for rater in values["raters"]),
                source_items=int(values["source_items"]),
                used_items=tuple(map(str, values["used_items"])),
                date=str(values["date"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                "Cannot read the calibration of raters: an entry is missing or malformed.",
                hint="Calibrate the raters again with this version.",
            ) from error


def _rater(method: RaterCalibrationMethod, values: Mapping[str, Any]) -> CalibratedRater:
    bound = BoundRater.from_values(values)
    return CalibratedRater(
        bound.name,
        bound.identity_sha256,
        bound.model_sha256,
        _calibration(method, values["settings"]),
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
