from __future__ import annotations

import pytest

from localensemble.core.words import duration, pace


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "under 1 s"),
        (1.0, "1 s"),
        (59.7, "1 min 0 s"),
        (3599.0, "59 min 59 s"),
        (93784.0, "26 h 3 min"),
    ],
)
def test_a_time_has_the_two_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        (1234.5, "1,234 items/s"),
        (9.87, "9.9 items/s"),
        (1.0, "1.0 items/s"),
        (0.04, "2.4 items/min"),
    ],
)
def test_a_slow_rater_is_given_a_speed_by_the_minute(speed: float, words: str) -> None:
    assert pace(speed) == words
