"""Let a model quote passages: of the tokens that the grammar allows, the most probable one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.log_softmax import log_normalizers
from localensemble.engines.llama_cpp.quote_grammar import QuotedPlace, QuoteGrammar
from localensemble.engines.protocol import Quote


class Quoter:
    """Chooses the tokens of one response, and collects what it quotes.

    Args:
        grammar: what the response may go on with.
        ends: the tokens that end a response.
    """

    def __init__(self, grammar: QuoteGrammar, *, ends: Sequence[int]) -> None:
        self._grammar = grammar
        self._ends = np.array(ends, dtype=np.int64)
        self._log_probability = 0.0
        self.quotes: list[Quote] = []

    def choose(self, logits: NDArray[np.float32]) -> int | None:
        """Return the most probable token that may follow; None to end the response."""
        allowed = np.array(sorted(self._grammar.allowed()), dtype=np.int64)
        may_end = self._grammar.may_end or not len(allowed)
        options = np.concatenate([allowed, self._ends]) if may_end else allowed
        if not len(options):
            return None
        among = logits[options]
        best = int(among.argmax())
        self._log_probability += float(among[best] - log_normalizers(among[None, :])[0])
        token = int(options[best])
        if best >= len(allowed):
            self._keep(self._grammar.end())
            return None
        self._keep(self._grammar.take(token))
        return token

    def _keep(self, quoted: QuotedPlace | None) -> None:
        if quoted is None:
            return
        probability = math.exp(min(0.0, self._log_probability))
        self.quotes.append(Quote(quoted.category, quoted.start, quoted.stop, probability))
        self._log_probability = 0.0
