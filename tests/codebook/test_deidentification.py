"""A codebook says what to replace in texts, and refuses what cannot be searched for."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.codebook.deidentification import Deidentification, TextPattern
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import CodebookError
from tests.studies import CODEBOOK


def loaded(folder: Path, deidentify: str) -> Deidentification | None:
    path = folder / "codebook.yaml"
    path.write_text(CODEBOOK + deidentify, encoding="utf-8")
    return load_codebook(path).deidentify


def test_patterns_are_read_with_their_names(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "deidentify:\n  patterns:\n    - {name: study number, pattern: 'ST-\\d{4}'}\n"
    )
    assert found == Deidentification("built_in", (TextPattern("study number", r"ST-\d{4}"),))
    assert found.patterns[0].placeholder == "[STUDY NUMBER]"


def test_without_the_key_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{identifiers: presido}", "presidio"),
        ("{identifers: none}", "identifiers"),
        ("{identifiers: none}", "nothing would be replaced"),
        ("{patterns: [a]}", "name, pattern"),
        ("{patterns: {a: b}}", "list"),
        ("{patterns: [{name: a, pattern: '('}]}", "character 1"),
        ("{patterns: [{name: a, pattern: 'x*'}]}", "empty text"),
        ("{patterns: [{name: a, pattern: ' '}]}", "empty"),
        ("{patterns: [{name: '[a]', pattern: b}]}", "letters"),
        ("{patterns: [{name: a, pattern: b}, {name: A, pattern: c}]}", "same name"),
        (f"{{patterns: [{{name: a, pattern: '{'b' * 1001}'}}]}}", "1,001"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(
    tmp_path: Path, content: str, words: str
) -> None:
    with pytest.raises(CodebookError) as refused:
        loaded(tmp_path, f"deidentify: {content}\n")
    assert "deidentify" in refused.value.message
    assert words in f"{refused.value.message} {refused.value.hint}"


def test_it_stays_outside_of_what_is_recorded_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    plain = load_codebook(path)
    path.write_text(CODEBOOK + "deidentify: {}\n", encoding="utf-8")
    other = load_codebook(path)
    assert other.deidentify is not None
    assert load_codebook(other) == other
    assert (other.sha256, other.as_json()) == (plain.sha256, plain.as_json())


def test_a_pattern_is_not_shown_in_a_traceback() -> None:
    assert "Miller" not in repr(Deidentification("none", (TextPattern("staff", "Miller"),)))
