"""A bar moves within a block and shows the time left as soon as there are labels."""

from __future__ import annotations

import io

from rich.console import Console

from localensemble.cli.progress import RaterBars
from localensemble.core.labels import RaterName
from localensemble.labeling.tally import Progress


def shown(*done: float, terminal: bool) -> str:
    stream = io.StringIO()
    with RaterBars(Console(file=stream, force_terminal=terminal, width=120)) as bars:
        for number, items in enumerate(done):
            bars.show(Progress(RaterName("first"), items, 64, 0, 30.0 * number))
    return stream.getvalue()


def test_a_bar_moves_within_a_block_and_shows_the_time_left() -> None:
    text = shown(0, 0.5, terminal=True)
    assert "0 of 64 items" in text
    assert "1.0 items/min" in text
    assert "1 h 3 min left" in text


def test_elsewhere_a_rater_gets_one_line_when_it_is_done() -> None:
    assert shown(0, 20.5, 64, terminal=False) == "first: 64 items, 1.1 items/s\n"
    assert shown(0, 64, 64, terminal=False).count("first: 64 items") == 1
