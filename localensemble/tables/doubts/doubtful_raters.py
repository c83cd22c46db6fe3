"""Find names among raters that suggest something else: a curator, a consensus, a time.

A label that was made from the labels of others, or is no label at all, gives a believable wrong
agreement. Decides by words in the names alone, and only where some names have such a word and
others do not: ``time_1`` beside ``time_2`` are two rounds. Refuses to count doubtful raters
unless they are named.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

from localensemble.core.command_lines import command_word
from localensemble.core.errors import TableError
from localensemble.tables.item_columns import plain_name

# Labels that settle those of others, or were made from them.
_SETTLED = frozenset(
    {"gold", "goldlabel", "goldstandard", "goldenlabel", "truth", "groundtruth", "reference"}
    | {"curator", "curation", "curated", "initialcas", "consensus", "consolidated"}
    | {"adjudicated", "adjudicator", "adjudication", "arbiter", "arbitrator", "arbitrated"}
    | {"final", "finallabel", "finalcode", "majority", "majorityvote", "mode", "resolved"}
    | {"reconciled", "reconciliation", "merged", "agreed", "tiebreaker", "tiebreak", "referee"}
    | {"aggregate", "aggregated", "harmonized", "official"}
    | {"konsens", "kurator", "kuratorin", "mehrheit", "referenz", "goldstandard", "endgültig"}
    | {"musterlösung", "schiedsrichter", "konsensus", "einigung", "mehrheitsentscheid"}
    | {"mehrheitsvotum", "mehrheitsurteil", "endurteil", "endergebnis"}
    | {"ytrue", "adjudicate", "adj", "référence", "vérité", "majorité", "arbitre", "consensuel"}
    | {"curateur", "curador", "consenso", "mayoría", "eindoordeel", "meerderheid", "gouden"}
)
# As above, if only one rater is called so: several experts are raters like any others.
_SETTLED_IF_ONE = frozenset(
    {"expert", "experte", "expertin", "admin", "administrator", "root"}
    | {"supervisor", "superannotator", "master", "both", "all", "team", "together"}
    | {"joint", "jointly", "beide", "alle", "gemeinsam", "tous", "samen"}
)
# A column that is called just so, beside columns of raters, may be what they agreed on.
_DECIDED = frozenset(
    {"label", "decision", "outcome", "result", "verdict", "category", "code", "answer", "class"}
    | {"target", "ergebnis", "entscheidung", "urteil", "décision", "résultat", "besluit"}
    | {"same", "flag", "flagged", "reviewed", "complete", "completed", "test", "istest"}
)
# What programs store beside a label, and figures made from labels.
_BESIDE = frozenset(
    {"confidence", "certainty", "sure", "conf", "time", "times", "timestamp", "datetime", "date"}
    | {"seconds", "secs", "sec", "minutes", "duration", "elapsed", "leadtime", "createdat"}
    | {"updatedat", "start", "startdate", "started", "starttime", "end", "enddate", "ended"}
    | {"endtime", "finish", "finished", "submitted", "submittedat", "recordeddate", "progress"}
    | {"comment", "comments", "note", "notes", "remark", "remarks", "rationale", "reason"}
    | {"explanation", "justification", "feedback", "ip", "ipaddress", "status", "channel"}
    | {"userlanguage", "latitude", "longitude", "locationlatitude", "locationlongitude"}
    | {
        "email",
        "device",
        "browser",
        "url",
        "difficulty",
        "agreement",
        "agree",
        "total",
        "totals",
        "sum",
    }
    | {"correct", "match", "matches", "disagreement", "conflict", "concordant", "concordance"}
    | {"discordant", "discordance", "discrepancy", "discrepant", "identical", "needsreview"}
    | {"wascancelled", "cancelled", "canceled", "approve", "approved", "reject", "rejected"}
    | {"übereinstimmung", "abweichung", "accord", "désaccord", "overeenstemming", "décisionfinale"}
    | {"count", "mean", "average", "median", "probability", "prob", "support"}
    | {"konfidenz", "sicherheit", "zeit", "zeitstempel", "dauer", "sekunden", "beginn", "ende"}
    | {"datum", "kommentar", "bemerkung", "bemerkungen", "notiz", "notizen", "anmerkung"}
    | {"begründung", "gesamt", "summe"}
)

_LEAST_IDS = 8
# People may be called Gold or Master.
_TITLE = re.compile(r"(dr|prof|mr|mrs|ms|herr|frau|mme|dhr|mevr)\b[. ]", re.IGNORECASE)
# Both of two raters, as in "ann+ben" and "Ann and Ben".
_TOGETHER = re.compile(r"\s*[+&,;/|_-]\s*|\s+(?:and|und|et|en|y|with|mit)\s+")


def doubtful_raters(names: Collection[str], *, columns: bool) -> list[str]:
    """Find the names that may not be raters.

    Args:
        columns: whether the names are those of columns, which may hold what is no label.
    """
    words = {name: frozenset() if _TITLE.match(name) else _words(name) for name in names}
    doubted = _SETTLED | _BESIDE if columns else _SETTLED
    doubtful = {
        name
        for word in doubted
        for name in names
        if word in words[name] and not _all_have(word, words)
    }
    if columns and len(names) > 1:
        doubtful.update(name for name in names if plain_name(name) in _DECIDED)
    for word in _SETTLED_IF_ONE:
        found = [name for name in names if word in words[name]]
        if len(found) == 1 < len(names):
            doubtful.update(found)
    doubtful.update(_named_after_others(names))
    return [name for name in names if name in doubtful]


def tells_rows_apart(filled: int, seen: Collection[str], *, beside: int) -> bool:
    """Tell whether every cell is another one, as ids are, beside columns with few labels."""
    return filled >= _LEAST_IDS and len(seen) == filled > 2 * beside > 0


def _named_after_others(names: Collection[str]) -> list[str]:
    """Find names such as ``ann+ben`` beside ``ann`` and ``ben``: what both decided together."""
    alone = {name.casefold().strip() for name in names}
    parts = {name: [*map(str.strip, _TOGETHER.split(name.casefold()))] for name in names}
    return [name for name, found in parts.items() if len(found) > 1 and alone.issuperset(found)]


def check_long_raters(
    path: Path,
    seen: Sequence[str],
    *,
    column: str,
    kept: Sequence[str],
    without: Sequence[str],
) -> None:
    """Check the rater names of a long table.

    Args:
        seen: all rater names of the column ``column``.
        kept: the only raters to count; empty for all.
        without: raters that do not count.

    Raises:
        TableError: a named rater does not occur, or a name that nobody decided about suggests
            something other than a rater.
    """
    for option, named in (("--raters", kept), ("--without-raters", without)):
        for name in named:
            if name not in seen:
                near = get_close_matches(name, seen, n=1, cutoff=0.6)
                raise TableError(
                    f'{path.name}, column "{column}": there is no rater "{name}" (`{option}`).',
                    hint=f'Did you mean "{near[0]}"?' if near else "Name raters of this column.",
                )
    doubtful = [name for name in doubtful_raters(seen, columns=False) if name not in without]
    if doubtful and not kept:
        raise doubtful_long_error(path, doubtful, seen=seen, column=column)


def doubtful_long_error(
    path: Path, doubtful: Sequence[str], *, seen: Sequence[str], column: str
) -> TableError:
    """Return the error that asks what doubtful names in a rater column are."""
    which = " and ".join(f'"{name}"' for name in doubtful)
    return TableError(
        f'{path.name}, column "{column}": {which} may hold labels made from those of others, '
        "such as a consensus, a curator's choice or gold labels.",
        hint=f"Leave {'it' if len(doubtful) == 1 else 'them'} out: "
        f"`--without-raters {as_option(doubtful)}`. To count every rater: "
        f"`--raters {as_option(seen)}`.",
    )


def as_option(names: Sequence[str]) -> str:
    """Write names as the value of an option that is split at commas."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return command_word(line.getvalue())


def _all_have(word: str, words: dict[str, frozenset[str]]) -> bool:
    return len(words) > 1 and all(word in found for found in words.values())


def _words(name: str) -> frozenset[str]:
    """Split a name into words: ``GoldLabel_2`` into gold, label; and both joined."""
    spaced = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", name)
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", spaced)]
    return frozenset({*words, *map("".join, itertools.pairwise(words)), "".join(words)})
