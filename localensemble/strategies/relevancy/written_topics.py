"""Ask about many topics in one prompt, and read the answer that a model writes.

The prompt is the same for all models; only the chat template around it differs. The answer has one
numbered line for each topic: yes or no, and quoted phrases after a yes. What cannot be read is
missing, never no.

Source: Qiu et al. (2025), arXiv 2501.08413.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SYSTEM = (
    "You answer only what is asked, in the given format. You state nothing that the text only "
    "implies. Whenever you answer yes, you quote the phrases of the text that show it."
)
_MARKS = str.maketrans("", "", "*[]")
_NO = re.compile(r"\bnot mentioned\b|\byes\s*/\s*no\b")
# Punctuation between the phrases of a list, not that within a number or a word.
_BETWEEN = re.compile(
    r"[.,:;!?](?!\w)|[()\"\u201c\u201d\n]|(?<!\w)['\u2018\u2019]|['\u2018\u2019](?!\w)"
)
_LINE = re.compile(r"^\s*\(?\d+\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WrittenTopic:
    """What a model wrote about one topic: None if it cannot be read, and phrases after a yes."""

    is_yes: bool | None
    phrases: tuple[str, ...] = field(default=(), repr=False)


def question_before_text(topics: Sequence[tuple[str, str]]) -> str:
    """Return the question about topics, each a name and a description, up to the text."""
    listed = "\n".join(
        f"({number}) {name}: {description}"
        for number, (name, description) in enumerate(topics, start=1)
    )
    lines = "\n".join(
        f"({number}) {name}: [yes/no], related phrases if any:"
        for number, (name, _) in enumerate(topics, start=1)
    )
    return (
        f"Question: Does the text mention any of these topics?\n{listed}\n"
        f'Answer in this format, one line for each topic:\n{lines}\nText: "'
    )


QUESTION_AFTER_TEXT = '"\nAnswer:'


def read_written_topics(answer: str, names: Sequence[str]) -> tuple[WrittenTopic, ...]:
    """Read what a model wrote about each of the named topics, in their order."""
    text = _NO.sub("no", answer.lower().translate(_MARKS))
    return tuple(_read(text, name.lower().translate(_MARKS)) for name in names)


def _read(text: str, name: str) -> WrittenTopic:
    found = re.search(rf"\)\s*{re.escape(name)}\s*:\s*(yes|no)\b", text)
    if found is None:
        return WrittenTopic(None)
    if found[1] == "no":
        return WrittenTopic(False)
    rest = text[found.end() :]
    end = _LINE.search(rest)
    pieces = _BETWEEN.split(rest[: end.start()] if end else rest)
    phrases = (piece.strip(" \t-\u2013") for piece in pieces)
    return WrittenTopic(True, tuple(one for one in phrases if one and "phrases" not in one))
