"""Score categories with a trained probe: what people's labels taught about vectors or words.

A text that the probe was trained on is judged by the classifier that did not see it. The
prompt's wording plays no part. A probe knows the variables and categories of its training and
refuses others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import EngineError, ModelFileError
from localensemble.core.identity import sha256_file, sha256_text
from localensemble.core.prompts import Prompt
from localensemble.engines.llama_cpp.embedding import LlamaEmbedder
from localensemble.engines.process_memory import peak_memory_bytes
from localensemble.engines.protocol import (
    EngineDescription,
    OnScored,
    ScoreFailure,
    Scores,
    Usage,
    score_all,
)
from localensemble.engines.settings import EngineSettings
from localensemble.engines.text_scoring import refused_text, score_by_text
from localensemble.probes.probe import Probe
from localensemble.probes.text_vector import mean_vector

_DEFAULT_CONTEXT = 4096
_WORD = re.compile(r"\w+")


class ProbeEngine:
    """A trained probe, with its encoder if it sees vectors, in this process.

    Args:
        settings: ``model_path`` is the probe's file, ``encoder_path`` that of the encoder;
            ``context_tokens`` is the most tokens (or words) of a text.

    Raises:
        EngineUnavailableError: llama-cpp-python is not installed.
        ModelFileError: a file is missing or damaged, or the encoder is not that of the training.
    """

    def __init__(self, settings: EngineSettings) -> None:
        if settings.model_path is None:
            raise ModelFileError(
                "Cannot open engine probe: no file is given.",
                hint="Give the path of a file that `localensemble probe` wrote.",
            )
        self._path = settings.model_path
        self._probe = Probe.read(self._path)
        self._encoder = _encoder(self._probe, settings)
        self._context = settings.context_tokens or _DEFAULT_CONTEXT
        self._closed = False
        self._prompt_tokens = 0

    def describe(self) -> EngineDescription:
        """Describe what runs here."""
        self._refuse_when_closed()
        probe, version, settings = self._probe, "1", dict(self._probe.settings)
        if self._encoder is not None:
            encoder = self._encoder.describe()
            version = f"1, {encoder.engine_version}"
            settings |= {
                "encoder_sha256": encoder.model_sha256,
                "long_texts": "mean of the parts' vectors",
                **dict(encoder.settings),
            }
        settings["features"] = probe.features
        return EngineDescription(
            engine="probe",
            engine_version=version,
            model_name=self._path.stem,
            model_sha256=sha256_file(self._path),
            architecture="",
            chat_template_sha256=sha256_text(""),
            context_tokens=self._context,
            settings=tuple(sorted(settings.items())),
        )

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the encoder's tokens of each text, or its words."""
        self._refuse_when_closed()
        return tuple(map(self._count, texts))

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's categories by the item in it.

        Every text gets one of the categories, so nothing is off the codebook.

        A prompt fails on its own, with one of the reasons ``too_long``, ``not_text``,
        ``unknown_words`` and ``answers`` (the probe was not trained for them).
        """
        return score_all(self, prompts, answers)

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some of the prompts, and report each text with all its variables at once."""
        self._refuse_when_closed()
        score_by_text(
            prompts,
            answers,
            wanted,
            read=self._features,
            score=self._scored,
            on_scored=on_scored,
        )

    def usage(self) -> Usage:
        """Report the work done so far."""
        if self._encoder is not None and not self._closed:
            work = self._encoder.usage()
            return Usage(
                self._prompt_tokens, work.evaluated_tokens, work.seconds, work.peak_memory_bytes
            )
        return Usage(self._prompt_tokens, self._prompt_tokens, 0.0, peak_memory_bytes())

    def close(self) -> None:
        """Release the encoder."""
        self._closed = True
        if self._encoder is not None:
            self._encoder.close()

    def _count(self, text: str) -> int:
        return self._encoder.count(text) if self._encoder else len(_WORD.findall(text))

    def _features(self, text: str) -> NDArray[np.float64] | ScoreFailure:
        refused = refused_text(text, count=self._count, most=self._context)
        if refused is not None:
            return refused
        if self._encoder is None:
            words = self._probe.words
            if words is None:
                raise TypeError("A probe without vectors has words.")
            return words.row(text)
        (parts,) = self._encoder.embed_parts([text])
        if parts is None:
            return ScoreFailure(f"unknown_words: all {self._count(text)}")
        return mean_vector(parts, width=self._encoder.width)

    def _scored(
        self, prompt: Prompt, names: tuple[str, ...], features: NDArray[np.float64] | ScoreFailure
    ) -> Scores | ScoreFailure:
        trained = self._probe.variables.get(prompt.variable)
        if trained is None or sorted(trained.categories) != sorted(names):
            return ScoreFailure("answers: the probe was not trained for these categories")
        if isinstance(features, ScoreFailure):
            return features
        text = prompt.item
        logs = trained.log_probabilities(features, fold=self._probe.fold_of(text))
        by_name = dict(zip(trained.categories, logs.tolist(), strict=True))
        tokens = max(1, self._count(text))
        self._prompt_tokens += tokens
        return Scores(
            log_probabilities=tuple(min(0.0, by_name[name]) for name in names),
            off_codebook_mass=0.0,
            prompt_tokens=tokens,
        )

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise EngineError(
                f'Cannot use probe "{self._path.name}": its engine is closed.',
                hint="Open the engine again.",
            )


def _encoder(probe: Probe, settings: EngineSettings) -> LlamaEmbedder | None:
    if probe.features == "words":
        return None
    if settings.encoder_path is None:
        raise ModelFileError(
            "Cannot open engine probe: the encoder that it was trained with is not here.",
            hint="Run `localensemble models pull all-minilm-l6-v2`.",
        )
    found = sha256_file(settings.encoder_path)
    if found != probe.encoder_sha256:
        raise ModelFileError(
            f"Cannot open engine probe: it was trained with the encoder "
            f"{probe.encoder_sha256[:12]}, but {found[:12]} is here.",
            hint="Train it again with `localensemble probe` on this machine, or bring that file.",
        )
    return LlamaEmbedder(
        EngineSettings(
            model_path=settings.encoder_path,
            threads=settings.threads,
            gpu_layers=settings.gpu_layers,
            launcher=settings.launcher,
        )
    )
