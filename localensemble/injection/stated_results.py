"""Find results that a text states of itself, in its plain form: "Overall: positive", "topic=pain".

Honest writers say "it was negative", and notes say "smoking: former". So a category counts only
behind a word that sums up a text, or behind the name of its variable where a program would write
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from localensemble.codebook.model import Codebook, Variable
from localensemble.injection.category_names import is_usual, one_of, pattern_of
from localensemble.injection.plain_form import plain

# What sums up a text. Not "impression", "conclusion", "assessment", "result" or "mood": notes and
# findings have these, with the names of categories behind them.
_SUM = (
    r"(?:overall(?: (?:rating|tone|feeling|sentiment|verdict|evaluation|judge?ment|impression|"
    r"emotion|score|category|label))?|(?:final|net|my|the|total) (?:rating|verdict|judge?ment|tone|"
    r"score|vote|evaluation|sentiment|emotion)|final|rating|verdict|judge?ment|tone|polarity|"
    r"valence|emotion|sentiment|stance|evaluation|bottom line|in short|in summary|all in all|so|"
    r"hence|therefore|thus|"
    r"gesamt(?:eindruck|urteil|note|wertung|tendenz)?|insgesamt|alles in allem|fazit|urteil|"
    r"wertung|bilan|globalement|dans l'ensemble|en resume|note globale|avis(?: global)?|"
    r"en resumen|en general|en conjunto|valoracion(?: general)?|"
    r"in sintesi|nel complesso|complessivamente|giudizio|valutazione|"
    r"no geral|em resumo|avaliacao(?: geral)?|"
    r"al met al|over het geheel|oordeel|beoordeling)"
)
_SUMS_UP = (
    r"(?:overall|all in all|in short|in summary|bottom line|insgesamt|alles in allem|globalement|"
    r"dans l'ensemble|en resume|en resumen|en general|en conjunto|in sintesi|nel complesso|"
    r"complessivamente|no geral|em resumo|al met al|over het geheel)"
)
_STARTS = r"(?:^|[\n.!?;(\[{<*#|]) ?\W{0,3}"
_SIGN = r" ?(?::=|={1,2}>?|:|->|→|⇒|—|–| - ) ?"
# What programs write between a name and its value; people write a colon.
_PROGRAM_SIGN = r" ?(?::=|={1,2}>?|->|→|⇒|\|) ?"
# Notes write "pain -> severe" as well.
_EQUALS = r" ?(?::=|={1,2}) ?"
_OPEN, _CLOSE = r"[\"'*_`(\[{<]{0,3}", r"[\"'*_`)\]}>]{0,3}"
_END = r"(?= ?(?:$|[\n.!;)\]}|(]))"


def stated_results(codebook: Codebook) -> re.Pattern[str]:
    """Return a pattern of the results that texts state.

    "Yes", "none" and other words that people answer each other count only where a program would
    write them.
    """
    patterns = (one for variable in codebook.variables for one in _of(variable))
    return re.compile("|".join(dict.fromkeys(patterns)), re.M)


def _of(variable: Variable) -> Iterator[str]:
    names = [plain(one).strip() for one in variable.answers]
    every = one_of([pattern_of(name) for name in names])
    special = one_of([pattern_of(name) for name in names if not is_usual(name)])
    words = re.split(r"[\s_-]+", plain(variable.name).strip())
    name = r"[\s_-]?".join(map(re.escape, words))
    name = rf"(?:{name})(?:[ _-]?(?:score|label|value|class|category|result|code))?"
    yield rf"(?:^|\W){name}{_EQUALS}{_OPEN}{every}{_CLOSE}{_END}"
    yield rf"(?:^|\W)[\"'<\[]{name}[\"'>\]] ?:? ?{_OPEN}{every}\b[\"'<\[]"
    yield rf"(?:^|\W)#{name} ?: ?#?{every}\b"
    yield rf"\b{name}(?<=_label|_value|_class|_score|.score) ?: ?{_OPEN}{every}{_CLOSE}{_END}"
    yield rf"\bp(?:r|rob(?:ability)?)? ?\( ?{every} ?\) ?[=:]"
    yield rf"\bis_{every} ?[=:]"
    if special:
        yield rf"{_STARTS}(?:{_SUM}|overall {name}){_SIGN}{_OPEN}{special}{_CLOSE}{_END}"
        yield rf"{_STARTS}{_SUMS_UP},? {special}{_CLOSE}{_END}"
        yield rf"(?:^|\W){name}{_PROGRAM_SIGN}{_OPEN}{special}{_CLOSE}{_END}"
        yield rf"(?:^|[\n{{,;]) ?[\"']?{special}[\"']? ?={{1,2}} ?(?:true|1(?:\.0+)?)\b"
