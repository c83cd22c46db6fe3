"""Patterns of the names of categories, as they stand in the plain form of a text."""

from __future__ import annotations

import re

from localensemble.codebook.model import Codebook
from localensemble.injection.plain_form import plain

# Ordinary words, beside which "answer" says little.
_PLAIN_NAMES = re.compile(
    r"yes|no|none|other|unknown|maybe|true|false|never|always|unsure|good|bad|neither|"
    r"both|not|ja|nein|nee|kein|keine|andere|sonstige|unbekannt|oui|non|aucun|aucune|"
    r"autre|inconnu|si|ninguno|ninguna|otro|otra|altro|nessuno|nessuna|sim|nao|nenhum|"
    r"outro|outra|geen|anders|onbekend|high|low|medium|mild|moderate|severe|normal|"
    r"abnormal|present|absent|male|female"
)
_BETWEEN = re.compile(r"(?:\\[ -]|_)+")
_LEAST_STEM = 5
_ENDING = 2


def plain_names(codebook: Codebook) -> list[str]:
    """Return the names of all categories in their plain form."""
    return [plain(name).strip() for one in codebook.variables for name in one.answers]


def is_usual(name: str) -> bool:
    """Tell whether a name is a word that people also give each other as an answer."""
    return _PLAIN_NAMES.fullmatch(name) is not None


def pattern_of(name: str) -> str:
    """Return a pattern of a name that its forms in other languages fit: negative, negativo."""
    if not name.isalpha() or not name.isascii() or len(name) < _LEAST_STEM + _ENDING:
        return _BETWEEN.sub(r"[\\s_-]+", re.escape(name))
    return re.escape(name[:-_ENDING]) + r"\w{1,3}"


def one_of(patterns: list[str]) -> str:
    """Return a pattern that any of these fits, the longest first; empty without any."""
    held = [one for one in patterns if one]
    return f"(?:{'|'.join(sorted(held, key=len, reverse=True))})" if held else ""
