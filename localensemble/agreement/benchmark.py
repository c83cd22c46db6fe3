"""Name a coefficient on benchmark scales, taking its uncertainty into account.

A value near the border of two bands belongs to both with some probability. The verdict is the
highest band that the coefficient reaches with the required probability, as Gwet proposes, not
the band in which the estimate happens to lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localensemble.agreement.result import Coefficient
from localensemble.agreement.small_sample import least_items, small_sample_of

ScaleName = Literal["Landis-Koch", "Altman", "Fleiss"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A benchmark scale.

    Attributes:
        name: the name of the scale.
        bands: (lower end, word) from best to worst; the last band has no lower end.
        citation: the source to cite.
    """

    name: ScaleName
    bands: tuple[tuple[float | None, str], ...]
    citation: str

    def word(self, value: float) -> str:
        """Return the word of the band that a value lies in."""
        return next(word for lower, word in self.bands if lower is None or value >= lower)

    def interval_word(self, low: float) -> str:
        """Return the word of the best band that a whole interval reaches, given its lower end.

        An interval that holds 0 reaches only the last band: it does not show agreement beyond
        chance.
        """
        return self.word(low) if low > 0.0 else self.bands[-1][1]


SCALES: tuple[Scale, ...] = (
    Scale(
        "Landis-Koch",
        (
            (0.8, "almost perfect"),
            (0.6, "substantial"),
            (0.4, "moderate"),
            (0.2, "fair"),
            (0.0, "slight"),
            (None, "poor"),
        ),
        "Landis JR, Koch GG (1977). Biometrics 33:159-174.",
    ),
    Scale(
        "Altman",
        (
            (0.8, "very good"),
            (0.6, "good"),
            (0.4, "moderate"),
            (0.2, "fair"),
            (None, "poor"),
        ),
        "Altman DG (1991). Practical Statistics for Medical Research. Chapman and Hall.",
    ),
    Scale(
        "Fleiss",
        (
            (0.75, "excellent"),
            (0.4, "intermediate to good"),
            (None, "poor"),
        ),
        "Fleiss JL (1981). Statistical Methods for Rates and Proportions, 2nd ed. Wiley.",
    ),
)


@dataclass(frozen=True, slots=True)
class BandMembership:
    """One band of a scale.

    Attributes:
        word: the scale's name for the band.
        lower: its lower end; None for the last band.
        probability: the probability that the true value lies in the band.
        reached: the probability that the true value lies in the band or in a better one.
    """

    word: str
    lower: float | None
    probability: float
    reached: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Where a coefficient lies on a scale.

    Attributes:
        scale: the name of the scale.
        coefficient: the name of the coefficient.
        naive_word: the band in which the estimate itself lies.
        word: the best band reached with at least ``required_probability``; None when
            undefined.
        reached: the probability with which ``word`` is reached.
        bands: the bands from best to worst; empty when undefined.
        required_probability: the probability required for the verdict.
        undefined_because: why there is no verdict.
    """

    scale: ScaleName
    coefficient: str
    naive_word: str | None
    word: str | None
    reached: float | None
    bands: tuple[BandMembership, ...]
    required_probability: float
    undefined_because: str = ""

    @property
    def sentence(self) -> str:
        """The verdict in words, for example "substantial with at least 95% probability"."""
        if self.word is None:
            return f"no verdict: {self.undefined_because}"
        return f"{self.word} with at least {self.required_probability:.0%} probability"


def benchmark(coefficient: Coefficient, scale: Scale, *, probability: float = 0.95) -> Benchmark:
    """Find the best band that a coefficient reaches with a probability.

    With an analytic interval, assumes a normal distribution around the estimate, truncated to
    -1..1. With a small-sample interval or an exact bound, evaluates at each border the
    distribution behind that interval.

    Undefined when: the coefficient has no value or no interval, or so few items were used that
        not even agreement on all of them would show anything.
    Source: Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, chapter 6.
    """
    value = coefficient.value
    naive = None
    if value is not None:
        naive = scale.word(value)
    because = (
        coefficient.undefined_because
        or coefficient.interval_undefined_because
        or too_few_items(coefficient)
    )
    reached = _reached(coefficient, [lower for lower, _ in scale.bands])
    if because or reached is None:
        return Benchmark(
            scale.name,
            coefficient.name,
            naive,
            None,
            None,
            (),
            probability,
            because,
        )
    bands = []
    above = 0.0
    for (lower, word), share in zip(scale.bands, reached, strict=True):
        bands.append(BandMembership(word, lower, share - above, share))
        above = share
    verdict = next(band for band in bands if band.reached >= probability)
    return Benchmark(
        scale.name,
        coefficient.name,
        naive,
        verdict.word,
        verdict.reached,
        tuple(bands),
        probability,
    )


def too_few_items(coefficient: Coefficient) -> str:
    """Return why no word may describe agreement on so few items; empty if one may."""
    least = least_items(coefficient.confidence_level)
    if coefficient.items_used >= least:
        return ""
    has = "item has" if coefficient.items_used == 1 else "items have"
    return (
        f"only {coefficient.items_used} {has} labels from two raters, and a verdict needs at "
        f"least {least}"
    )


def _reached(coefficient: Coefficient, borders: list[float | None]) -> list[float] | None:
    """Return the probability of lying above each border, ending with 1."""
    value, error, low = coefficient.value, coefficient.standard_error, coefficient.interval_low
    if value is None or low is None:
        return None
    if coefficient.interval_method == "small sample" or (value < 1.0 and error is None):
        sample = small_sample_of(coefficient)
        return [1.0 if border is None else sample.above(border) for border in borders]
    if error is not None:
        from scipy import special

        def above(border: float) -> float:
            return float(special.ndtr((value - border) / error))

        # Weighted coefficients may lie below -1; then only the upper limit applies.
        best = above(1.0)
        rest = (above(-1.0) if value >= -1.0 else 1.0) - best
        return [1.0 if border is None else (above(border) - best) / rest for border in borders]
    tail = (1.0 - coefficient.confidence_level) / 2.0
    items = coefficient.items_used
    # The bound is 1 - weight * (1 - tail^(1/n)); solve it for the tail at each border.
    weight = (1.0 - low) / (1.0 - tail ** (1.0 / items))
    return [
        1.0 if border is None else 1.0 - max(0.0, 1.0 - (1.0 - border) / weight) ** items
        for border in borders
    ]
