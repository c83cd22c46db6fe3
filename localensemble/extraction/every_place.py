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
    # One byte for each code point: a text can repeat a short passage many thousand times.
    taken = bytearray(len(text))
    for one in quotes:
        taken[one.start : one.stop] = b"\x01" * (one.stop - one.start)
    for quote in quotes:
        passage = text[quote.start : quote.stop]
        start = text.find(passage)
        while start >= 0:
            span = Span(start, start + len(passage), "")
            if _is_whole(span, text) and not any(taken[span.start : span.stop]):
                taken[span.start : span.stop] = b"\x01" * len(passage)
                found.append(replace(quote, start=span.start, stop=span.stop))
            start = text.find(passage, start + 1)
    return tuple(sorted(found, key=lambda one: (one.start, one.stop)))


def _is_whole(span: Span, text: str) -> bool:
    """Tell whether a span cuts no word."""
    return not any(
        0 < place < len(text) and is_of_word(text[place - 1]) and is_of_word(text[place])
        for place in (span.start, span.stop)
    )
