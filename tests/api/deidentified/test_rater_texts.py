"""A rater that learned texts with identifiers is not shown them without: it would forget them."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.deidentified.rater_texts import RaterTexts, deidentification_messages
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_words
from localensemble.tables.item_file import ItemFile
from tests.studies import CODEBOOK, study_files

SEEN = frozenset({sha256_words("Mrs Zwicky smiled"), sha256_words("the food was cold")})


def opened(folder: Path, deidentify: str) -> tuple[RaterTexts, ItemFile]:
    texts = ("the food was cold", "Mrs Zwicky smiled", "Dr Other came")
    files = study_files(folder, texts, codebook=CODEBOOK + deidentify)
    return RaterTexts.of(load_codebook(files.codebook)), ItemFile.open(files.items)


def test_a_probe_that_was_trained_on_texts_with_identifiers_is_refused(tmp_path: Path) -> None:
    texts, items = opened(tmp_path, "deidentify: {}\n")
    with pytest.raises(InputError) as refused:
        texts.refuse_trained_on_others(items, rater="probe", trained_on=SEEN)
    assert "1 text" in refused.value.message
    assert "row 2" in refused.value.message
    assert "Zwicky" not in f"{refused.value.message}{refused.value.hint}"
    # Texts that look the same with and without, and those that it never saw, are no reason.
    texts.refuse_trained_on_others(
        items, rater="probe", trained_on=frozenset({sha256_words("the food was cold")})
    )
    texts.refuse_trained_on_others(items, rater="chat", trained_on=frozenset())


def test_without_the_key_nothing_is_replaced_or_refused(tmp_path: Path) -> None:
    texts, items = opened(tmp_path, "")
    texts.refuse_trained_on_others(items, rater="probe", trained_on=SEEN)
    assert texts.table(items) is items
    assert texts.recorded(items, limit=None) is None
    assert texts.text("Mrs Zwicky") == "Mrs Zwicky"


def test_only_the_items_to_label_are_counted(tmp_path: Path) -> None:
    texts, items = opened(tmp_path, "deidentify: {}\n")
    found = texts.recorded(items, limit=2)
    assert found is not None
    assert (found.texts, found.changed, dict(found.counts)) == (2, 1, {"NAME": 1})


@pytest.mark.parametrize("pattern", [r"'SX-\d{4}'", r"'(?=the food)'", r'"\bDr Other"'])
def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path, pattern: str) -> None:
    stated = f"deidentify:\n  patterns:\n    - {{name: wrong, pattern: {pattern}}}\n"
    texts, items = opened(tmp_path, f"{stated}    - {{name: meal, pattern: food}}\n")
    _, message = deidentification_messages(texts.recorded(items, limit=None))
    assert '"wrong"' in message
    assert "meal" not in message
