"""The record of a de-identification has counts and hashes, and says that patterns miss some."""

from __future__ import annotations

from dataclasses import replace

from localensemble.study.recorded_deidentification import RecordedDeidentification

ALL_MEANS = RecordedDeidentification(
    sha256="1" * 64,
    built_in_sha256="2" * 64,
    presidio="2.2.362",
    patterns={"ward": "3" * 64, "bed": "4" * 64},
    texts=1200,
    changed=2,
    counts={"DATE": 1, "NAME": 4, "WARD": 4},
)


def test_every_means_is_named_and_the_most_frequent_kind_comes_first() -> None:
    said = ALL_MEANS.sentence
    assert "9 identifiers (name 4, ward 4, date 1) in 2 of 1,200 texts were" in said
    assert all(one in said for one in ("Safe Harbor", "presidio-analyzer 2.2.362", "ward and bed"))
    assert "miss" in said


def test_a_single_identifier_is_said_in_the_singular_and_none_without_kinds() -> None:
    one = replace(ALL_MEANS, counts={"DATE": 1}, changed=1, built_in_sha256="", presidio="")
    assert "1 identifier (date 1) in 1 of 1,200 texts was" in one.sentence
    assert "Safe Harbor" not in one.sentence
    none = replace(one, counts={}, changed=0, patterns={}, built_in_sha256="2" * 64)
    assert "0 identifiers in 0 of 1,200 texts were" in none.sentence
    assert "codebook" not in none.means


def test_the_record_comes_back_as_it_was_written() -> None:
    assert RecordedDeidentification.from_json(ALL_MEANS.as_json()) == ALL_MEANS
    assert RecordedDeidentification.from_json(None) is None
