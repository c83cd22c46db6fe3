"""A trained probe: what it knows, which texts it saw, and the file it is kept in.

A probe holds one linear classifier per fold and variable, and one of all gold labels. A text that
it was trained on is judged by the fold that did not see it, wherever the text turns up, so
no text is ever judged by a classifier that saw it. Texts with the same words are one text: a
classifier that saw a copy with another space or in capitals would know the answer.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import ModelFileError
from localensemble.core.files import replaced_binary_file
from localensemble.core.foreign_json import read_json
from localensemble.core.identity import sha256_words
from localensemble.probes.word_features import WordFeatures

Features = Literal["vectors", "words"]
"""What a probe sees of a text: the vector of an encoder, or its words."""

FORMAT = "localensemble probe 2"
_HEADER = "header.json"
# What reading bytes that are no probe can raise: RuntimeError by encryption, or nesting too deep.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, eq=False)
class VariableProbe:
    """The classifiers of one variable with K categories over F features.

    Attributes:
        categories: the names of the categories, in codebook order.
        gold: how many gold labels of each category were used.
        weights: (folds + 1, K, F); the last classifier saw all gold labels.
        biases: (folds + 1, K).
        temperatures: (folds + 1,) what the scores are divided by, so that the probabilities of
            texts that a classifier did not see fit their gold labels best.
    """

    categories: tuple[str, ...]
    gold: tuple[int, ...]
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    temperatures: NDArray[np.float64]

    def log_probabilities(
        self, features: NDArray[np.float64], *, fold: int | None
    ) -> NDArray[np.float64]:
        """Return the natural logarithm of each category's probability.

        Args:
            features: (F,) the features of a text.
            fold: the fold that the text was in; None if it is no training text.
        """
        which = -1 if fold is None else fold
        scores = self.weights[which].astype(np.float64) @ features + self.biases[which]
        scaled = scores / self.temperatures[which]
        scaled -= scaled.max()
        return np.asarray(scaled - np.log(np.exp(scaled).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A probe for some variables of a codebook.

    Attributes:
        features: what it sees of a text.
        encoder_sha256: hash of the encoder's weights; empty if it sees words.
        variables: variable name -> its classifiers.
        folds: sha256 of the words of each training text -> the fold it was in.
        held_out: sha256 of the words of the texts set aside for certificates.
        words: the words it knows; None if it sees vectors.
        settings: how it was trained, in words.
    """

    features: Features
    encoder_sha256: str
    variables: Mapping[str, VariableProbe]
    folds: Mapping[str, int]
    held_out: frozenset[str]
    words: WordFeatures | None
    settings: Mapping[str, str]

    def fold_of(self, text: str) -> int | None:
        """Return the fold that a text was in; None if the probe was not trained on it."""
        return self.folds.get(sha256_words(text))

    def write(self, path: Path) -> None:
        """Write the file, readable only by its owner; the same probe gives the same bytes.

        Raises:
            LocalEnsembleError: the folder is not writable, or the disk is full.
        """
        header = {
            "format": FORMAT,
            "features": self.features,
            "encoder_sha256": self.encoder_sha256,
            "variables": {
                name: {
                    "categories": list(one.categories),
                    "gold": list(one.gold),
                    "temperatures": one.temperatures.tolist(),
                }
                for name, one in self.variables.items()
            },
            "folds": dict(sorted(self.folds.items())),
            "held_out": sorted(self.held_out),
            "settings": dict(self.settings),
        }
        arrays: dict[str, NDArray[np.generic]] = {}
        for number, one in enumerate(self.variables.values()):
            arrays[f"weights_{number}"] = one.weights
            arrays[f"biases_{number}"] = one.biases
        if self.words is not None:
            arrays["word_hashes"] = self.words.hashes
            arrays["word_rarity"] = self.words.rarity
        with (
            replaced_binary_file(path) as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            _put(archive, _HEADER, json.dumps(header, ensure_ascii=False).encode())
            for name, array in arrays.items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                _put(archive, f"{name}.npy", buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> Probe:
        """Read the file of a probe.

        Raises:
            ModelFileError: the file is missing or is not a probe.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                header = read_json(archive.read(_HEADER))
                if header["format"] != FORMAT:
                    raise ValueError(header["format"])
                return _probe(archive, header)
        except OSError as error:
            raise ModelFileError(
                f'Cannot read probe "{path}": {error.strerror or type(error).__name__}.',
                hint="Give the path of a file that `localensemble probe` wrote.",
            ) from error
        except _DAMAGED as error:
            raise ModelFileError(
                f'Cannot use "{path}" as a probe: it is damaged, or not a file of this version '
                "of the program.",
                hint="Train it again with `localensemble probe`.",
            ) from error


def _probe(archive: zipfile.ZipFile, header: Mapping[str, Any]) -> Probe:
    variables = {
        name: VariableProbe(
            categories=tuple(one["categories"]),
            gold=tuple(one["gold"]),
            weights=_array(archive, f"weights_{number}"),
            biases=_array(archive, f"biases_{number}"),
            temperatures=np.array(one["temperatures"], dtype=np.float64),
        )
        for number, (name, one) in enumerate(header["variables"].items())
    }
    features: Features = "vectors" if header["features"] == "vectors" else "words"
    words = None
    if features == "words":
        words = WordFeatures(_array(archive, "word_hashes"), _array(archive, "word_rarity"))
    read = Probe(
        features=features,
        encoder_sha256=str(header["encoder_sha256"]),
        variables=variables,
        folds=dict(header["folds"]),
        held_out=frozenset(header["held_out"]),
        words=words,
        settings=dict(header["settings"]),
    )
    _check_shapes(read)
    return read


def _check_shapes(probe: Probe) -> None:
    """Refuse parts that do not fit together, which would fail or mislead only while labeling."""
    variables = list(probe.variables.values())
    count, _, width = variables[0].weights.shape
    words = probe.words
    fits = words is None or words.hashes.shape == words.rarity.shape == (width,)
    for one in variables:
        known = len(set(one.categories))
        fits &= known == len(one.categories) == len(one.gold)
        fits &= one.weights.shape == (count, known, width)
        fits &= one.biases.shape == (count, known)
        fits &= one.temperatures.shape == (count,) and bool((one.temperatures > 0).all())
        numbers = (one.weights, one.biases, one.temperatures)
        fits &= all(bool(np.isfinite(array).all()) for array in numbers)
    # The last classifier belongs to no fold.
    fits &= all(fold in range(count - 1) for fold in probe.folds.values())
    if not fits:
        raise ValueError("The parts of the probe do not fit together.")


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    loaded: NDArray[Any] = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return loaded


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # ZipInfo's time is always the same, so that equal probes have equal hashes.
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
