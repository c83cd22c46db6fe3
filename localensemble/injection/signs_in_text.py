"""Look for signs that a text was written to change its own label.

A sign is a reason to ask a person, not proof. Texts are only read: nothing here changes what a
model is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from localensemble.codebook.model import Codebook
from localensemble.core.injection_signs import InjectionSign
from localensemble.injection.disguises import disguised, rewritten
from localensemble.injection.given_answers import GivenAnswers
from localensemble.injection.imitated_prompts import ImitatedPrompts
from localensemble.injection.instructions import has_instructions
from localensemble.injection.mixed_alphabets import has_mixed, in_latin
from localensemble.injection.plain_form import plain, without_spacing
from localensemble.injection.stated_results import stated_results
from localensemble.injection.turn_marks import has_turn_marks
from localensemble.injection.unseen_characters import has_unseen

# Long texts are read in parts, so that a hostile one costs no more per letter than any other.
_WINDOW = 3000
_OVERLAP = 500


@dataclass(frozen=True, slots=True)
class InjectionScan:
    """What to look for in the texts that are labeled with one codebook."""

    codebook: Codebook
    _answers: GivenAnswers = field(init=False)
    _prompts: ImitatedPrompts = field(init=False)
    _results: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_answers", GivenAnswers(self.codebook))
        object.__setattr__(self, "_prompts", ImitatedPrompts(self.codebook))
        object.__setattr__(self, "_results", stated_results(self.codebook))

    def signs(self, text: str) -> tuple[InjectionSign, ...]:
        """Return the signs in a text, in the order of their bits; empty if there are none."""
        form = plain(text)
        found = set(self._in_words(form))
        if has_turn_marks(text):
            found.add(InjectionSign.TURN_MARK)
        if has_unseen(text):
            found.add(InjectionSign.UNSEEN_CHARACTERS)
        if has_mixed(text):
            found.add(InjectionSign.MIXED_ALPHABETS)
        if not found and self._hides(text, form):
            found.add(InjectionSign.HIDDEN_TEXT)
        return tuple(sign for sign in InjectionSign if sign in found)

    def _in_words(self, form: str) -> Iterator[InjectionSign]:
        for start in range(0, max(len(form) - _OVERLAP, 1), _WINDOW - _OVERLAP):
            yield from self._in_window(form[start : start + _WINDOW])

    def _in_window(self, form: str) -> Iterator[InjectionSign]:
        if has_instructions(form):
            yield InjectionSign.INSTRUCTION
        if self._answers.are_in(form) or self._results.search(form):
            yield InjectionSign.GIVEN_ANSWER
        if self._answers.are_repeated(form):
            yield InjectionSign.REPEATED_CATEGORY
        if self._prompts.are_in(form):
            yield InjectionSign.IMITATED_PROMPT

    def _hides(self, text: str, form: str) -> bool:
        """Tell whether a text has other signs once its disguises are taken off."""
        for piece in disguised(text):
            if has_turn_marks(piece) or self._has_words(plain(piece)):
                return True
        spaced = without_spacing(form)
        if spaced != form and self._has_words(spaced):
            return True
        latin = in_latin(form)
        if latin != form and self._has_words(latin):
            return True
        return any(self._has_words(piece) for piece in rewritten(form))

    def _has_words(self, form: str) -> bool:
        return next(self._in_words(form), None) is not None
