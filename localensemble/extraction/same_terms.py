"""Compare terms instead of places: a term counts once for each item, wherever it stands."""

from __future__ import annotations

from localensemble.core.spans import Span, SpanMatrix
from localensemble.extraction.vocabulary import normalized_words


def as_terms(spans: SpanMatrix, texts: tuple[str, ...]) -> SpanMatrix:
    """Replace each span by the first one of the same term in its item, of any rater.

    Two passages are the same term if they have the same category and the same words, once letter
    case and punctuation are ignored.

    Args:
        spans: the raters' spans.
        texts: the text of each item.
    """
    rows = []
    for text, row in zip(texts, spans.cells, strict=True):
        first: dict[tuple[str, tuple[str, ...]], Span] = {}
        for span in sorted(span for cell in row for span in cell or ()):
            first.setdefault(_term(span, text), span)
        rows.append(
            tuple(
                None if cell is None else tuple(sorted({first[_term(one, text)] for one in cell}))
                for cell in row
            )
        )
    return SpanMatrix(spans.items, spans.raters, tuple(rows))


def _term(span: Span, text: str) -> tuple[str, tuple[str, ...]]:
    passage = text[span.start : span.stop]
    return span.category, normalized_words(passage) or (passage,)
