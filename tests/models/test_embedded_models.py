"""Promises about the files in `models/` and about the data they were trained and tested on."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import gguf
import pytest

from localensemble.codebook.load import load_codebook
from localensemble.prompting.template import load_template
from models.training.corpus import SALT, Split, read_splits, text_key

pytestmark = pytest.mark.slow  # reads the embedded models

LARGEST = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def models(repository: Path) -> Path:
    return repository / "models"


@pytest.fixture(scope="module")
def catalog(models: Path) -> dict[str, Any]:
    return tomllib.loads((models / "catalog.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def readers(models: Path, catalog: dict[str, Any]) -> dict[str, gguf.GGUFReader]:
    return {entry["name"]: gguf.GGUFReader(models / entry["file"]) for entry in catalog["models"]}


@pytest.fixture(scope="module")
def splits(shared: Path) -> dict[str, Split]:
    return read_splits(shared / "data")


def field(reader: gguf.GGUFReader, key: str) -> Any:
    found = reader.get_field(key)
    assert found is not None, key
    return found.contents()


def test_the_catalog_pins_the_bytes_of_every_model_file(
    models: Path, catalog: dict[str, Any]
) -> None:
    assert sorted(entry["file"] for entry in catalog["models"]) == sorted(
        path.name for path in models.glob("*.gguf")
    )
    for entry in catalog["models"]:
        content = (models / entry["file"]).read_bytes()
        assert len(content) == entry["bytes"] <= LARGEST
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_the_catalog_says_what_the_files_hold(
    catalog: dict[str, Any], readers: dict[str, gguf.GGUFReader]
) -> None:
    for entry in catalog["models"]:
        reader = readers[entry["name"]]
        assert field(reader, "general.architecture") == entry["architecture"]
        assert field(reader, f"{entry['architecture']}.context_length") == entry["context_tokens"]
        assert sum(int(tensor.n_elements) for tensor in reader.tensors) == entry["parameters"]
        assert field(reader, "general.license") == "apache-2.0"


def test_no_two_models_share_architecture_vocabulary_or_chat_template(
    readers: dict[str, gguf.GGUFReader],
) -> None:
    keys = ("general.architecture", "tokenizer.chat_template", "tokenizer.ggml.tokens")
    for key in keys:
        values = {json.dumps(field(reader, key)) for reader in readers.values()}
        assert len(values) == len(readers) == 3, key


def test_every_model_has_a_card_that_says_what_it_is_not_for(
    models: Path, catalog: dict[str, Any]
) -> None:
    for entry in catalog["models"]:
        card = (models / entry["card"]).read_text(encoding="utf-8")
        assert entry["sha256"] in card
        assert "Not for clinical use" in card


def test_the_prompt_the_models_were_trained_under_is_the_one_that_is_asked(
    repository: Path, catalog: dict[str, Any]
) -> None:
    training = catalog["training"]
    template = load_template(training["prompt_template"], training["prompt_template_version"])
    assert template.sha256 == training["prompt_template_sha256"]
    variables = {
        variable.name: variable.sha256
        for name in ("patient_feedback", "negation", "abstract_roles")
        for variable in load_codebook(repository / "examples" / f"{name}.yaml").variables
    }
    assert variables == training["variable_sha256"]


def test_no_text_stands_in_both_training_and_test(splits: dict[str, Split]) -> None:
    for split in splits.values():
        test = {text_key(item.text) for item in split.test}
        assert not test & {text_key(item.text) for item in (*split.train, *split.validation)}


def test_the_split_is_the_one_that_was_recorded(models: Path, splits: dict[str, Split]) -> None:
    record = json.loads((models / "split.json").read_text(encoding="utf-8"))
    assert record["salt"] == SALT
    for name, split in splits.items():
        recorded = record["sources"][name]
        assert recorded["left_out"] == split.left_out
        for part in ("train", "validation", "test"):
            items = getattr(split, part)
            ids = "\n".join(sorted(item.identifier for item in items))
            assert recorded[part] == {
                "items": len(items),
                "ids_sha256": hashlib.sha256(ids.encode()).hexdigest(),
            }


@pytest.mark.parametrize(
    ("file", "source", "variables"),
    [
        ("patient_feedback.csv", "nhs_feedback", ("theme", "sentiment")),
        ("negation.csv", "negex", ("negation",)),
    ],
)
def test_the_example_texts_are_test_items_with_their_gold_labels(
    repository: Path,
    splits: dict[str, Split],
    file: str,
    source: str,
    variables: tuple[str, ...],
) -> None:
    test = {item.identifier: item for item in splits[source].test}
    with (repository / "examples" / file).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == {"patient_feedback.csv": 300, "negation.csv": 100}[file]
    for row in rows:
        assert row["text"] == test[row["id"]].text
        for variable in variables:
            assert row[f"gold_{variable}"] == test[row["id"]].gold[variable]
