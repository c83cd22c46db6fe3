"""The input of an engine: messages made of segments.

A segment is text from one origin. Engines tokenize every segment separately and never
parse special tokens in it. So neither an item nor a codebook can open or close a turn,
and whatever comes before the first text that differs between items is the same token sequence for
every item.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Layout = Literal["codebook_first", "item_first"]
MessageRole = Literal["system", "user", "assistant"]
SegmentOrigin = Literal["instruction", "item", "shots"]
Readout = Literal["name", "option", "prefilled"]
Spellings = Literal["exact", "summed"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and where it came from.

    Text with the origin ``item``, or ``shots`` (examples that this item gets and others do not),
    is confidential and untrusted. It never appears in a log or an error, and ``repr`` leaves it
    out.
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
class CategoryText:
    """What a codebook says about a category, for an engine that reads no instruction.

    Examples can be texts of items (shots), so ``repr`` leaves them out.
    """

    name: str
    definition: str = ""
    examples: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The rendering of a prompt template for one item and one variable.

    Attributes:
        messages: the turns in order. If the last one is the assistant's, it begins the response:
            its turn stays open, and the answers follow its text.
        spellings: whether only the exact spelling of an answer is read, or the sum over its
            spellings. An engine that cannot add them up reads the exact one.
        variable: the name of the variable that is asked about; empty if the prompt was not made
            from a codebook.
        categories: what the instruction says about each category, in codebook order; empty if
            the prompt was not made from a codebook.
    """

    messages: tuple[Message, ...]
    spellings: Spellings = "exact"
    variable: str = ""
    categories: tuple[CategoryText, ...] = ()

    @property
    def item(self) -> str:
        """The text of the item alone."""
        parts = [part for message in self.messages for part in message.segments]
        return "".join(part.text for part in parts if part.origin == "item")
