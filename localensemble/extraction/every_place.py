"""Find every place of the passages that a model quotes: it names each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localensemble.core.spans import Span, is_of_word
from localensemble.engines.protocol import Quote


def every_place(quotes: Sequence[Quote], text: str) -> tuple[Quote, ...]:
    """Return the quotes, and the same words wherever else they stand in the text, in its order.

    Another place counts if whole words stand there and no other passage touches it.

    Args:
        quotes: what a model quotes.
        text: the whole text.
    """
    found = list(quotes)
    taken = [Span(one.start, one.stop, "") for one in quotes]
    for quote in quotes:
        passage = text[quote.start : quote.stop]
        start = text.find(passage)
        while start >= 0:
            span = Span(start, start + len(passage), "")
            if _is_whole(span, text) and not any(map(span.overlaps, taken)):
                taken.append(span)
                found.append(replace(quote, start=span.start, stop=span.stop))
            start = text.find(passage, start + 1)
    return tuple(sorted(found, key=lambda one: (one.start, one.stop)))


def _is_whole(span: Span, text: str) -> bool:
    """Tell whether a span cuts no word."""
    return not any(
        0 < place < len(text) and is_of_word(text[place - 1]) and is_of_word(text[place])
        for place in (span.start, span.stop)
    )
