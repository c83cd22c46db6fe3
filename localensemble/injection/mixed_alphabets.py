"""Find words that mix Latin letters with letters of other alphabets that look the same.

Greek letters in names of substances (TNFα, NFκB, μmol) are no sign, and a few wrong letters in a
Cyrillic text are typing mistakes.
"""

from __future__ import annotations

import re

# Cyrillic, Greek, Armenian and Cherokee letters, each followed by the Latin one it looks like.
_PAIRS = (
    "аaеeоoрpсcуyхxіiјjѕsԁdһhӏlԛqԝwАAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSкkмmтtвbнhгrпnѵvьb"
    "οoιiνvρpτtυuχxΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX"
    "օoսuոnհhցgսuԱUՕO"
    "ᎪAᏴBᏟCᎠDᎬEᎻHᎫJᏦKᏞLᎷMᏀGᏢPᎡRᏚSᎢTᏙVᎳWᏃZ"
)
_TO_LATIN = str.maketrans(dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)))
_ALIKE = re.compile("[" + "".join(sorted(set(_PAIRS[::2]))) + "]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
# Alone beside Latin letters, these are names of substances and units, or subscripts.
_SUBSTANCES = frozenset("ινρτυχ")
_LEAST_AMONG_OTHERS = 3


def has_mixed(text: str) -> bool:
    """Tell whether words mix look-alike letters with Latin ones."""
    if text.isascii():
        return False
    mixed = 0
    foreign = 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        alike = set(_ALIKE.findall(word))
        if not _LATIN.search(word):
            foreign += bool(alike)
        elif alike - _SUBSTANCES:
            mixed += 1
    # A text in another alphabet has wrong letters by mistake.
    return mixed >= (_LEAST_AMONG_OTHERS if foreign > mixed else 1)


def in_latin(text: str) -> str:
    """Return the text with look-alike letters replaced by the Latin ones."""
    return text if text.isascii() else text.translate(_TO_LATIN)
