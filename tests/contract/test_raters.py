"""Every kind of rater is a rater like any other: one record, one agreement, one report.

What only probes promise is tested where they are: no item is judged by a classifier that saw it
(`tests/probes/test_training.py`, `tests/engines/probe/test_engine.py`), and no certificate rests
on gold labels that one saw (`tests/cli/test_probe.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from localensemble.api import bundle
from localensemble.api.agree import AgreeOptions, agree
from localensemble.api.label import LabelOptions, label
from localensemble.api.models import add_model
from localensemble.catalog.installed import ModelsFolder
from localensemble.core.encoder_name import ENCODER
from localensemble.labeling.tally import Progress
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import RaterRecord
from localensemble.ledger.verify import verify
from localensemble.probes.probe import Probe, VariableProbe
from localensemble.probes.word_features import WordFeatures
from tests.encoders import install_encoder
from tests.studies import StudyFiles, recorded, study_files

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from tests.embeddings.tiny_bert import TinyBert, convert_tiny
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.slow  # each kind of rater labels in a process of its own

CODEBOOK = """\
name: small
version: "1"
variables:
  - name: topic
    level: nominal
    question: What is the text about?
    categories:
      - {name: staff, definition: kind staff}
      - {name: ward, definition: the clean ward}
"""
# Words that the tiny encoder knows.
WORDS = ("the ward was clean", "kind staff", "long waiting", "the staff was kind", "dirty ward")
ITEMS = 70
OTHER = "  - {model: other, engine: scripted}\n"


def scripted(folder: Path, variant: str) -> str:
    return f"  - {{model: {variant or 'first'}, name: rater, engine: scripted}}\n"


def chat(folder: Path, variant: str) -> str:
    name = "other-weights" if variant == "weights" else "tiny"
    path = folder / f"{name}.gguf"
    write_tiny_gguf(path, seed=int(variant == "weights"))
    add_model(path, name=name, license="ours")
    readout = ", readout: option" if variant == "settings" else ""
    return f"  - {{model: {name}, name: rater{readout}}}\n"


def embedding(folder: Path, variant: str) -> str:
    place = folder / f"encoder {variant}"
    place.mkdir()
    install_encoder(convert_tiny(place, TinyBert.random(seed=1 if variant else 2)))
    return f"  - {{model: {ENCODER}, name: rater, engine: embedding}}\n"


def probe(folder: Path, variant: str) -> str:
    words = WordFeatures.of(WORDS)
    generator = np.random.default_rng(int(variant == "gold labels"))
    Probe(
        features="words",
        encoder_sha256="",
        variables={
            "topic": VariableProbe(
                ("staff", "ward"),
                (1, 1),
                generator.normal(size=(6, 2, len(words.hashes))).astype("f4"),
                generator.normal(size=(6, 2)).astype("f4"),
                np.ones(6),
            )
        },
        folds={},
        held_out=frozenset(),
        words=words,
        settings={"class_weight": "none" if variant == "settings" else "balanced"},
    ).write(folder / "topic.probe")
    return "  - {model: ./topic.probe, name: rater, engine: probe}\n"


Kind = Callable[[Path, str], str]
KINDS: dict[Kind, tuple[str, ...]] = {
    scripted: ("settings",),
    chat: ("weights", "settings"),
    embedding: ("weights",),
    probe: ("gold labels", "settings"),
}
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def files_of(folder: Path, kind: Kind, variant: str = "") -> StudyFiles:
    texts = [f"{WORDS[n % len(WORDS)]} {'long ' * (n % 7)}" for n in range(ITEMS)]
    files = study_files(folder, texts, codebook=CODEBOOK)
    # Random weights answer outside the codebook; that alone shall not keep labels back here.
    ensemble = f"raters:\n{kind(folder, variant)}{OTHER}escalation: []\n"
    files.ensemble.write_text(ensemble, encoding="utf-8")
    return files


def label_all(
    files: StudyFiles, on_progress: Callable[[Progress], None] = lambda progress: None
) -> None:
    options = LabelOptions(ensemble=files.ensemble, threads=1)
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=options,
        on_progress=on_progress,
    )


def rater_of(files: StudyFiles) -> RaterRecord:
    label_all(files)
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        (found,) = (one for one in reader.raters() if one.rater.name == "rater")
    return found


@every_kind
def test_a_change_of_what_it_labels_with_makes_another_rater(tmp_path: Path, kind: Kind) -> None:
    first = rater_of(files_of(tmp_path / "first", kind)).rater.identity
    again = rater_of(files_of(tmp_path / "again", kind)).rater.identity
    assert first.sha256 == again.sha256
    assert first.as_json() == again.as_json()
    found = {first.sha256}
    for variant in KINDS[kind]:
        other = rater_of(files_of(tmp_path / variant, kind, variant)).rater.identity
        found.add(other.sha256)
        changed = variant in {"weights", "gold labels"}
        assert (other.model_sha256 != first.model_sha256) or not changed
    reworded = files_of(tmp_path / "reworded", kind)
    words = reworded.codebook.read_text(encoding="utf-8")
    reworded.codebook.write_text(words.replace("kind staff", "staff"), encoding="utf-8")
    found.add(rater_of(reworded).rater.identity.sha256)
    assert len(found) == 2 + len(KINDS[kind])


@every_kind
def test_every_cell_has_one_row_in_a_ledger_whose_hashes_hold(tmp_path: Path, kind: Kind) -> None:
    files = files_of(tmp_path, kind)
    label_all(files)
    found = verify(files.study / "study.sqlite")
    assert (found.broken, found.counts["label"]) == (None, 2 * ITEMS)


@every_kind
def test_after_a_stop_nothing_is_computed_twice_and_the_labels_are_the_same(
    tmp_path: Path, kind: Kind
) -> None:
    files, undisturbed = files_of(tmp_path / "stopped", kind), files_of(tmp_path / "whole", kind)

    def stop(progress: Progress) -> None:
        if progress.rater == "rater" and progress.items_done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_all(files, stop)
    seen: list[Progress] = []
    label_all(files, seen.append)
    resumed = next(one for one in seen if one.rater == "rater")
    assert 0 < resumed.items_done == resumed.resumed < ITEMS
    label_all(undisturbed)
    assert recorded(files.study) == recorded(undisturbed.study)
    assert verify(files.study / "study.sqlite").counts["label"] == 2 * ITEMS


@every_kind
def test_it_agrees_decides_and_is_reported_beside_another_rater(tmp_path: Path, kind: Kind) -> None:
    files = files_of(tmp_path, kind)
    engine = rater_of(files).rater.identity.engine
    (measured,) = agree(files.study, options=AgreeOptions()).variables
    assert measured.agreement.coefficients[0].items_used > 0
    labeled = (files.study / "labels.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "topic.rater.rater" in labeled[0]
    assert any(",accepted," in row for row in labeled)
    report = (files.study / "report.html").read_text(encoding="utf-8")
    assert f'<td class="words">{engine}</td>' in report


@pytest.mark.parametrize("kind", [chat, embedding, probe], ids=lambda kind: kind.__name__)
def test_a_bundle_carries_what_it_needs(tmp_path: Path, kind: Kind) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text(f"raters:\n{kind(tmp_path, '')}", encoding="utf-8")
    carried = {model.name for model in bundle._chosen([], [ensemble])}
    beside = {path.name for path in bundle._beside([ensemble])}
    installed = {model.name for model in ModelsFolder().installed()}
    assert carried == installed
    assert carried | beside
