"""Find lines that imitate the codebook or the prompt, in the plain form of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from localensemble.codebook.model import Codebook
from localensemble.injection.plain_form import plain

_HEADING = (
    r"(?:categor(?:y|ies)(?: list)?|possible (?:answers|categories|labels)|labels|rules|examples?|"
    r"codebook|definitions|answer options|allowed (?:answers|labels|categories)|options|"
    r"kategorien|regeln|beispiele?|codebuch|antwortmoglichkeiten|categories|regles|exemples?|"
    r"categorias?|reglas|ejemplos?|etiquetas|categorie|regole|esempi|etichette|regras|exemplos?|"
    r"categorieen|regels|voorbeelden|类别|分类|規則|规则|例|カテゴリ|категории|правила|примеры)"
)
_SHORTEST_COPY = 24


@dataclass(frozen=True, slots=True)
class ImitatedPrompts:
    """The patterns for one codebook."""

    codebook: Codebook
    _lines: re.Pattern[str] = field(init=False)
    _copied: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = {plain(name).strip() for one in self.codebook.variables for name in one.answers}
        category = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        lines = (
            # A heading, and under it a line that begins with a category.
            rf"^[\W_]{{0,9}}{_HEADING}[\W_]{{0,9}}:[\W_]{{0,9}}(?:.*\n){{0,8}}?"
            rf"[ \t]*(?:[-*•+]|\w{{1,2}}[.)])[ \t]*[\"'*_`]*(?:{category})[\"'*_`]*[ \t]*(?:[:=-]|"
            rf"$)",
            # A question about the text, as the prompt's last line.
            r"^[\W_]{0,9}question[\W_]{0,9}:.*\n(?:.*\n){0,3}?[\W_]{0,9}(?:categories|options|"
            r"labels)[\W_]{0,9}:",
            r"^[\W_]{0,9}text[\W_]{0,9}:.*(?:\n.*){0,4}?\n[\W_]{0,9}(?:label|category|answer|"
            r"classification|"
            r"sentiment|question)[\W_]{0,9}:",
            # Examples as the prompt shows them.
            rf"(?:^[ \t]*[-*•][ \t]*\"[^\"\n]+\"[ \t]*(?:is|->|=>|:|=)[ "
            rf"\t]*[\"'*_`]*(?:{category})\b)",
        )
        copied = [
            plain(one).strip()
            for variable in self.codebook.variables
            for one in (
                variable.question,
                *(category.definition for category in variable.categories),
                *variable.rules,
            )
        ]
        object.__setattr__(self, "_lines", re.compile("|".join(lines), re.M))
        object.__setattr__(
            self, "_copied", tuple(one for one in copied if len(one) >= _SHORTEST_COPY)
        )

    def are_in(self, text: str) -> bool:
        """Tell whether a text, in its plain form, imitates the codebook or the prompt."""
        return any(one in text for one in self._copied) or self._lines.search(text) is not None
