"""Words that people and programs write for a missing value."""

from __future__ import annotations

from localensemble.tables.doubts.lookalikes import plain_form

# How R, pandas, spreadsheets and people write it.
_WORDS = frozenset(
    {"na", "n/a", "n.a.", "#n/a", "#nv", "<na>", "nan", "null", "(null)", "\\n", "?", "."}
    | {"-", "--", "---", "..", "...", "(blank)", "(empty)", "(leer)", "(none)", "missing"}
    | {"not rated", "not coded", "no rating", "no label", "unrated", "uncoded", "unlabeled"}
    | {"k.a.", "k. a.", "keine angabe", "#null!", "#value!", "#ref!", "#name?", "#div/0!"}
    | {"#n/v", "#nd", "#leer!", "nat", "undefined", "(missing)", "<missing>", "missing value"}
    | {"<not asked>"}
    | {
        "nd",
        "n.d.",
        "n. d.",
        "nr",
        "n.r.",
        "nsp",
        "_",
        "*",
        "#",
        "??",
        "???",
        "\u2205",
        "tbd",
        "todo",
    }
    | {"blank", "empty", "leer", "vide", "leeg", "fehlt", "fehlend", "skip", "skipped"}
    | {"no answer", "no response", "not annotated", "not labeled", "not labelled", "unlabelled"}
    | {"not answered", "unannotated", "nicht bewertet", "nicht kodiert", "nicht beurteilt"}
    | {"keine antwort", "ohne angabe", "o.a.", "o. a.", "sans r\u00e9ponse", "pas de r\u00e9ponse"}
    | {"non renseign\u00e9", "non cod\u00e9", "manquant", "geen antwoord", "niet ingevuld"}
    | {"niet gecodeerd", "ontbreekt", "sin respuesta", "sin dato", "nessuna risposta"}
)
# These may also be an answer, so they are only asked about.
_DOUBTFUL_TEXTS = frozenset(
    {"none", "nil", "n.v.", "no comment", "no comments", "unknown", "xxx", "nothing", "idk"}
    | {"nothing to add", "don't know", "dunno", "kein kommentar", "nichts", "keine", "keiner"}
    | {"keine anmerkung", "keine anmerkungen", "wei\u00df nicht", "weiss nicht", "rien", "ras"}
    | {"rien \u00e0 signaler", "aucun", "aucune", "ne sait pas", "sans commentaire", "niets"}
    | {"geen", "geen opmerkingen", "weet niet", "nada", "ninguno", "ninguna", "niente"}
)
_LONGEST = 20
_NARROW = 2


def is_missing_word(word: str) -> bool:
    """Tell whether a word stands for a missing value in many tables."""
    plain = plain_form(word).casefold()
    # A spreadsheet shows number signs where a column is too narrow.
    return plain in _WORDS or (len(plain) > _NARROW and not plain.strip("#"))


def may_answer_nothing(text: str) -> bool:
    """Tell whether a whole text is a word that people write instead of an answer."""
    if len(text) > _LONGEST:
        return False
    word = plain_form(text).casefold().rstrip("?!") or text.strip()
    return is_missing_word(text) or is_missing_word(word) or word in _DOUBTFUL_TEXTS
