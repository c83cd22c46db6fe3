"""A probe's file is the same for the same probe, and a damaged one is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_words
from localensemble.probes.probe import Probe, VariableProbe
from localensemble.probes.word_features import WordFeatures

TEXTS = ("the ward was clean", "waiting, waiting", "clean staff")


def probe() -> Probe:
    words = WordFeatures.of(TEXTS)
    generator = np.random.default_rng(0)
    count = len(words.hashes)
    trained = VariableProbe(
        categories=("good", "bad"),
        gold=(2, 1),
        weights=generator.normal(size=(6, 2, count)).astype(np.float32),
        biases=generator.normal(size=(6, 2)).astype(np.float32),
        temperatures=np.linspace(0.5, 1.5, 6),
    )
    return Probe(
        features="words",
        encoder_sha256="",
        variables={"tone": trained},
        folds={sha256_words(text): fold for fold, text in enumerate(TEXTS)},
        held_out=frozenset({sha256_words("set aside")}),
        words=words,
        settings={"class_weight": "balanced"},
    )


def test_a_probe_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = probe()
    written.write(tmp_path / "one.probe")
    read = Probe.read(tmp_path / "one.probe")
    read.write(tmp_path / "again.probe")
    assert (tmp_path / "one.probe").read_bytes() == (tmp_path / "again.probe").read_bytes()
    assert read.held_out == written.held_out
    row = written.words.row(TEXTS[0]) if written.words else np.zeros(0)
    for fold in (None, 0, 1):
        assert (
            read.variables["tone"].log_probabilities(row, fold=fold).tolist()
            == written.variables["tone"].log_probabilities(row, fold=fold).tolist()
        )


def test_a_text_of_the_training_belongs_to_its_fold() -> None:
    assert [probe().fold_of(text) for text in (*TEXTS, "another")] == [0, 1, 2, None]


def test_the_file_holds_no_word_of_the_texts(tmp_path: Path) -> None:
    probe().write(tmp_path / "one.probe")
    with zipfile.ZipFile(tmp_path / "one.probe") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"tone" in content
    assert not any(word in content for word in (b"clean", b"waiting", b"staff"))


@pytest.mark.parametrize("content", [b"", b"not a zip file", None])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "one.probe"
    probe().write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ModelFileError, match="damaged"):
        Probe.read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Cannot read probe"):
        Probe.read(tmp_path / "none.probe")


def test_words_that_were_not_in_the_training_count_nothing() -> None:
    words = WordFeatures.of(TEXTS)
    assert not words.row("zebra").any()
    assert words.row("clean zebra").tolist() == words.row("CLEAN").tolist()
    assert np.linalg.norm(words.row("the ward, waiting")) == pytest.approx(1.0)


def test_a_rare_word_weighs_more_than_a_frequent_one() -> None:
    words = WordFeatures.of(["ward clean", "ward", "ward staff"])
    row = words.row("ward staff")
    ward, staff = (float(row[np.flatnonzero(words.row(word))[0]]) for word in ("ward", "staff"))
    assert ward / staff == pytest.approx(1.0 / (np.log(2) + 1.0))
