"""Show text of a foreign file so that a terminal neither obeys nor reorders it."""

from __future__ import annotations

import unicodedata

# Control characters, marks of direction and other invisible characters, halves of characters, and
# separators of lines and paragraphs.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Line ends and tabs only move on; scripts of Asia, and emoji, need the joiners.
_HARMLESS = frozenset("\n\t\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")


def shown(text: str) -> str:
    r"""Return the text with every character that is not drawn as an escape, such as ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def shown_json(text: str) -> str:
    """Return JSON of the same meaning in which every character that is not drawn is escaped."""
    return "".join(map(_shown_in_json, text))


def _shown_in_json(character: str) -> str:
    if _shown(character) == character or character in _HARMLESS:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _shown(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HIDDEN:
        return character
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")
