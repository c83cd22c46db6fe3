"""Turn prompts and answers into tokens, so that text stays text.

Markup of the chat template is tokenized with special tokens; every segment of a message is
tokenized on its own, without them. Some vocabularies hold turn marks as ordinary entries that
a tokenizer would still find in plain text; this module splits them. Refuses strings that are
not text (lone surrogates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from localensemble.core.prompts import Prompt
from localensemble.engines.llama_cpp.chat_template import ChatTemplate, Content, Markup

# Instructions and markup recur for every item; items are remembered only for one call.
_REMEMBERED_TEXTS = 4096


class Vocabulary(Protocol):
    """What this module needs from a model's tokenizer.

    Attributes:
        bos: the begin-of-text token; None if there is none.
        adds_bos: whether texts begin with it even if the chat template does not write it.
        adds_space: whether the tokenizer puts a space before text that follows a special
            token or nothing.
        turn_marks: texts of entries that mean a turn to this model but are not special to
            its tokenizer.
    """

    @property
    def bos(self) -> int | None:  # noqa: D102
        ...

    @property
    def adds_bos(self) -> bool:  # noqa: D102
        ...

    @property
    def adds_space(self) -> bool:  # noqa: D102
        ...

    @property
    def turn_marks(self) -> tuple[str, ...]:  # noqa: D102
        ...

    def tokenize(self, text: bytes, *, special: bool) -> tuple[int, ...]:
        """Tokenize UTF-8; with ``special``, recognize special tokens in it."""
        ...

    def is_special(self, token: int) -> bool:
        """Tell whether the tokenizer treats this token apart from text."""
        ...

    def ends_or_controls(self, token: int) -> bool:
        """Tell whether plain text must never yield this token."""
        ...


class NotTextError(ValueError):
    """Report why a string cannot be tokenized, without quoting it."""


@dataclass(frozen=True, slots=True)
class TokenizedPrompt:
    """A prompt as tokens.

    Attributes:
        head: the tokens before the first segment that differs between items, the same for every
            item; never the whole prompt, so that at least one token follows.
        tail: the rest, at least one token unless the prompt has no tokens.
        after_special: whether an answer follows a special token and not text.
    """

    head: tuple[int, ...]
    tail: tuple[int, ...]
    after_special: bool

    @property
    def token_count(self) -> int:
        """Length of the prompt."""
        return len(self.head) + len(self.tail)


class PromptTokenizer:
    """Tokenizes prompts for one model."""

    def __init__(self, vocabulary: Vocabulary, template: ChatTemplate) -> None:
        self._vocabulary = vocabulary
        self._template = template
        self._remembered: dict[tuple[str, bool, bool], tuple[int, ...]] = {}

    def prompts(self, prompts: Sequence[Prompt]) -> list[TokenizedPrompt | NotTextError]:
        """Tokenize prompts; return the error in place of a prompt that is not text.

        Raises:
            ChatTemplateError: the model's template cannot be used.
        """
        items: dict[tuple[str, bool, bool], tuple[int, ...]] = {}
        results: list[TokenizedPrompt | NotTextError] = []
        for prompt in prompts:
            try:
                results.append(self._prompt(prompt, items))
            except NotTextError as error:
                results.append(error)
        return results

    def text(self, text: str, *, after_special: bool) -> tuple[int, ...]:
        """Tokenize plain text that follows a special token or other text.

        Raises:
            NotTextError: the string holds lone surrogates.
        """
        return self._plain(text, after_special)

    def _prompt(
        self, prompt: Prompt, items: dict[tuple[str, bool, bool], tuple[int, ...]]
    ) -> TokenizedPrompt:
        tokens: list[int] = []
        first_item: int | None = None
        roles = tuple(message.role for message in prompt.messages)
        for piece in self._template.pieces(roles):
            if not isinstance(piece, Content):
                special = isinstance(piece, Markup)
                tokens += self._recall(piece.text, special, self._after_special(tokens))
                continue
            for segment in prompt.messages[piece.message].segments:
                if segment.origin != "instruction":
                    first_item = len(tokens) if first_item is None else first_item
                    key = (segment.text, False, self._after_special(tokens))
                    if key not in items:
                        items[key] = self._plain(segment.text, key[2])
                    tokens += items[key]
                else:
                    tokens += self._recall(segment.text, False, self._after_special(tokens))
        added = self._settle_bos(tokens)
        head = len(tokens) - 1 if first_item is None else first_item + added
        head = max(0, min(head, len(tokens) - 1))
        return TokenizedPrompt(
            tuple(tokens[:head]), tuple(tokens[head:]), self._after_special(tokens)
        )

    def _after_special(self, tokens: list[int]) -> bool:
        return not tokens or self._vocabulary.is_special(tokens[-1])

    def _settle_bos(self, tokens: list[int]) -> int:
        """Make the tokens begin with one begin-of-text at most; return how many were added."""
        bos = self._vocabulary.bos
        if bos is None:
            return 0
        length = len(tokens)
        if tokens[:1] == [bos]:
            while tokens[1:2] == [bos]:
                del tokens[0]
        elif self._vocabulary.adds_bos:
            tokens.insert(0, bos)
        return len(tokens) - length

    def _recall(self, text: str, special: bool, after_special: bool) -> tuple[int, ...]:
        key = (text, special, after_special)
        tokens = self._remembered.get(key)
        if tokens is None:
            if len(self._remembered) >= _REMEMBERED_TEXTS:
                self._remembered.clear()
            tokens = (
                self._tokenize(text, special=True, after_special=after_special)
                if special
                else self._plain(text, after_special)
            )
            self._remembered[key] = tokens
        return tokens

    def _plain(self, text: str, after_special: bool) -> tuple[int, ...]:
        tokens = self._tokenize(text, special=False, after_special=after_special)
        if not any(map(self._vocabulary.ends_or_controls, set(tokens))):
            return tokens
        # The text contains a turn mark that is an ordinary entry: cut it after its first
        # character, so that the rest cannot be recognized.
        starts = [text.find(mark) for mark in self._vocabulary.turn_marks if mark in text]
        if not starts:
            raise NotTextError("not_text: it is read as a special token")
        cut = min(starts) + 1
        left = self._plain(text[:cut], after_special)
        return left + self._plain(text[cut:], False)

    def _tokenize(self, text: str, *, special: bool, after_special: bool) -> tuple[int, ...]:
        if not text:
            return ()
        try:
            encoded = text.encode()
        except UnicodeEncodeError as error:
            raise NotTextError(f"not_text: character {error.start} is a lone surrogate") from None
        if self._vocabulary.adds_space and not after_special:
            # The tokenizer would add a space that is not in the text. Drop it before a line
            # feed, and remove both.
            margin = self._vocabulary.tokenize(b"\n", special=False)
            tokens = self._vocabulary.tokenize(b"\n" + encoded, special=special)
            if tokens[: len(margin)] == margin:
                return tokens[len(margin) :]
        return self._vocabulary.tokenize(encoded, special=special)
