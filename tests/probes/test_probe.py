"""A probe's file is the same for the same probe, and a damaged one is refused."""

from __future__ import annotations

import contextlib
import json
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localensemble.core.errors import LocalEnsembleError, ModelFileError
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


@pytest.mark.slow  # reads hundreds of changed files
def test_bytes_that_changed_anywhere_are_refused_or_make_no_difference(tmp_path: Path) -> None:
    path, again = tmp_path / "one.probe", tmp_path / "again.probe"
    probe().write(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        path.write_bytes(bytes(changed))
        with contextlib.suppress(ModelFileError):
            Probe.read(path).write(again)
            assert again.read_bytes() == whole, place


def _fewer_categories(header: dict[str, Any]) -> None:
    header["variables"]["tone"]["categories"] = ["good"]


def _twice_a_category(header: dict[str, Any]) -> None:
    header["variables"]["tone"]["categories"] = ["good", "good"]


def _cold(header: dict[str, Any]) -> None:
    header["variables"]["tone"]["temperatures"] = [0.0] * 6


def _one_temperature(header: dict[str, Any]) -> None:
    header["variables"]["tone"]["temperatures"] = [1.0]


def _unknown_folds(header: dict[str, Any]) -> None:
    header["folds"] = dict.fromkeys(header["folds"], 5)


def _no_variable(header: dict[str, Any]) -> None:
    header["variables"] = {}


@pytest.mark.parametrize(
    "change",
    [
        _fewer_categories,
        _twice_a_category,
        _cold,
        _one_temperature,
        _unknown_folds,
        _no_variable,
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path, other = tmp_path / "one.probe", tmp_path / "other.probe"
    probe().write(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "header.json":
                header = json.loads(content)
                change(header)
                content = json.dumps(header).encode()
            target.writestr(name, content)
    with pytest.raises(ModelFileError, match="damaged"):
        Probe.read(other)


def test_a_folder_that_is_missing_is_named_and_an_old_probe_kept(tmp_path: Path) -> None:
    with pytest.raises(LocalEnsembleError, match="Cannot write"):
        probe().write(tmp_path / "none" / "one.probe")
    path = tmp_path / "one.probe"
    probe().write(path)
    probe().write(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_owner_can_read_a_probe(tmp_path: Path) -> None:
    probe().write(tmp_path / "one.probe")
    assert stat.S_IMODE((tmp_path / "one.probe").stat().st_mode) == 0o600


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
