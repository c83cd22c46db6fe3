"""What an engine is asked: messages made of segments.

A segment is text from one origin. Engines tokenize every segment on its own and never
parse special tokens in it, so neither an item nor a codebook can open or close a turn,
and whatever stands before the item is the same token sequence for every item.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Layout = Literal["codebook_first", "item_first"]
MessageRole = Literal["system", "user"]
SegmentOrigin = Literal["instruction", "item"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text and where it came from.

    ``item`` text is confidential and untrusted; it never appears in a log or an error, and
    is kept out of ``repr``.
    """

    text: str = field(repr=False)
    origin: SegmentOrigin


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: a role and its segments in order."""

    role: MessageRole
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole turn as one string."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The rendering of a prompt template for one item and one variable."""

    messages: tuple[Message, ...]
