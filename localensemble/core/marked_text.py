"""Cut a text at the places that a page marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text, marked or not; the text is confidential."""

    text: str = field(repr=False)
    is_marked: bool


def marked_parts(text: str, places: Iterable[tuple[int, int]]) -> tuple[TextPart, ...]:
    """Return the parts of a text in order, marked where it stands at one of the places or more.

    Args:
        places: start and stop in code points; they may overlap.
    """
    known = [(max(start, 0), min(stop, len(text))) for start, stop in places]
    known = [place for place in known if place[0] < place[1]]
    cuts = sorted({0, len(text), *(end for place in known for end in place)})
    parts: list[TextPart] = []
    for start, stop in pairwise(cuts):
        is_marked = any(one[0] <= start and stop <= one[1] for one in known)
        if parts and parts[-1].is_marked == is_marked:
            parts[-1] = TextPart(parts[-1].text + text[start:stop], is_marked)
        else:
            parts.append(TextPart(text[start:stop], is_marked))
    return tuple(parts)
