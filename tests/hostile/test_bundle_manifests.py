"""Whatever a bundle says of itself, it is taken in or refused clearly, and then nothing is written.

Every hash of the bundle is right: whoever made it meant it so.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localensemble.api.bundle import unbundle_models
from localensemble.catalog.installed import ModelsFolder
from localensemble.core.errors import LocalEnsembleError
from tests.bundles import bundled_model, digits_of, written_bundle
from tests.hostile.test_fuzzing import EDITS, FUZZ, edited

pytestmark = pytest.mark.slow  # writes hundreds of small bundles

WORDS = st.sampled_from(
    (
        *("", "small", "../up", "/etc/passwd", "a\0b", "\x1b[2J", "\u202e", "x" * 5000, "models"),
        *(
            "manifest.json",
            "CON",
            "linux-x64",
            "3.12",
            "0" * 64,
            "small.gguf",
            "\ud800",
            "apache-2.0",
        ),
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(WORDS, one, max_size=3),
    max_leaves=8,
)
MANIFEST_KEYS = ("platform", "library", "python", "built_on", "models")
MODEL_KEYS = (
    *("name", "path", "sha256", "size_bytes", "architecture", "chat_template_sha256"),
    *("license", "origin", "verified_at", "consent"),
)
TERMS_KEYS = ("name", "title", "url", "needs_consent", "terms")
PLACES = st.sampled_from(
    (
        *(("manifest", key) for key in (*MANIFEST_KEYS, "new", "")),
        *(("model", key) for key in (*MODEL_KEYS, "new")),
        *(("terms", key) for key in (*TERMS_KEYS, "new")),
        *(("entry", key) for key in ("model", "terms", "source", "new")),
    )
)
CHANGES = st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=3)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its models: nothing yet."""
    monkeypatch.setenv("LOCALENSEMBLE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def bundle(folder: Path, changes: list[tuple[tuple[str, str], Any]]) -> Path:
    """Write a bundle of one model with values changed, and all its hashes right."""
    model, files = bundled_model("small")
    entry: dict[str, Any] = json.loads(files["catalog/small.json"])
    manifest: dict[str, Any] = {}
    for (part, key), value in changes:
        if part == "manifest":
            manifest[key] = value
        elif part == "entry":
            entry[key] = value
        elif isinstance(entry[part], dict):
            entry[part][key] = value
    files["catalog/small.json"] = json.dumps(entry).encode()
    written_bundle(folder, files, models=[model])
    says = json.loads((folder / "manifest.json").read_bytes())
    rewrite(folder, "manifest.json", json.dumps(says | manifest).encode())
    return folder


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Give a file of a bundle another content, and the list of hashes its new one."""
    path, sums = folder / name, folder / "SHA256SUMS"
    old = sha256(path.read_bytes()).hexdigest()
    path.write_bytes(content)
    if path != sums:
        new = sha256(content).hexdigest()
        sums.write_bytes(sums.read_bytes().replace(old.encode(), new.encode()))


def taken_in(folder: Path, output: Path) -> str:
    """Take a bundle in; return the message of a refusal, empty if it was taken in."""
    try:
        unbundle_models(folder, sha256=digits_of(folder), agree=lambda terms: True, output=output)
    except LocalEnsembleError as refused:
        return f"{refused.message} {refused.hint}"
    return ""


def written_in(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


FOLDERS = iter(range(10**9))


@FUZZ
@given(changes=CHANGES)
@example(changes=[(("model", "size_bytes"), "x")])
@example(changes=[(("manifest", "models"), [{"name": "small"}, {"name": "small"}])])
@example(changes=[(("terms", "title"), "\x1b[2J")])
def test_values_of_any_kind_are_taken_in_or_refused_and_then_nothing_is_written(
    changes: list[tuple[tuple[str, str], Any]], tmp_path: Path, models: Path
) -> None:
    root = tmp_path / str(next(FOLDERS))
    before = written_in(models)
    refused = taken_in(bundle(root / "bundle", changes), root / "out")
    if refused:
        assert "\x1b" not in refused
        assert written_in(models, root / "out") == before
        return
    # A bundle may have no model at all.
    for installed in ModelsFolder().installed():
        assert installed.name == "small"
        assert installed.size_bytes == (models / installed.path).stat().st_size
    for path in written_in(models):
        path.unlink()


@FUZZ
@given(edits=EDITS, name=st.sampled_from(("manifest.json", "catalog/small.json", "SHA256SUMS")))
def test_files_of_any_bytes_are_taken_in_or_refused(
    edits: list[tuple[float, int, bytes]], name: str, tmp_path: Path, models: Path
) -> None:
    root = tmp_path / str(next(FOLDERS))
    folder = bundle(root / "bundle", [])
    rewrite(folder, name, edited((folder / name).read_bytes(), edits))
    before = written_in(models)
    if taken_in(folder, root / "out"):
        assert written_in(models, root / "out") == before
    for one in written_in(models):
        one.unlink()
