"""Score prompts by the text of their item alone, for engines that read no instruction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import OnScored, ScoreFailure, Scores, refuse_unequal

_Features = TypeVar("_Features")


def score_by_text(
    prompts: Sequence[Prompt],
    answers: Sequence[tuple[str, ...]],
    wanted: Collection[int],
    *,
    read: Callable[[str], _Features],
    score: Callable[[Prompt, tuple[str, ...], _Features], Scores | ScoreFailure],
    on_scored: OnScored,
) -> None:
    """Score some of the prompts; read each text once, and report all its variables at once.

    Args:
        prompts: all prompts.
        answers: the answer strings of each prompt.
        wanted: indices of the prompts to score.
        read: returns what a text shows, or why it cannot be read.
        score: returns the scores of a prompt's answers by what its text shows.
        on_scored: gets each wanted result once.
    """
    refuse_unequal(prompts, answers)
    by_text: dict[str, list[int]] = {}
    for index in sorted(wanted):
        by_text.setdefault(prompts[index].item, []).append(index)
    for text, indices in by_text.items():
        shown = read(text)
        on_scored({index: score(prompts[index], answers[index], shown) for index in indices})


def refused_text(text: str, *, count: Callable[[str], int], most: int) -> ScoreFailure | None:
    """Return why a text cannot be read: not text, or more than ``most`` tokens; None if it can."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return ScoreFailure(f"not_text: character {error.start} is a lone surrogate")
    needed = count(text)
    return ScoreFailure(f"too_long: {needed} of {most} tokens") if needed > most else None
