"""Bundles for tests: small ones, made by hand from what docs/models.md says of their format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from localensemble.bundle.installer import platform_name
from localensemble.bundle.wheels import this_python
from localensemble.catalog.installed import InstalledModel
from localensemble.catalog.known import licenses
from tests.catalog.file_server import gguf_bytes


def written_bundle(
    folder: Path,
    files: Mapping[str, bytes],
    /,
    *,
    models: Sequence[InstalledModel] = (),
    **manifest: object,
) -> Path:
    """Write a bundle of these files; ``manifest`` replaces what its manifest says."""
    says: dict[str, object] = {
        "platform": platform_name(),
        "library": "",
        "python": this_python(),
        "built_on": "a processor",
        "models": [{"name": model.name} for model in models],
    }
    files = {**files, "manifest.json": json.dumps(says | manifest).encode()}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    lines = [f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")
    return folder


def digits_of(folder: Path) -> str:
    """Return what the maker of the bundle would have been shown."""
    return sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def bundled_model(
    name: str,
    *,
    license: str = "apache-2.0",
    weights: bytes | None = None,
    path: str | None = None,
) -> tuple[InstalledModel, dict[str, bytes]]:
    """Make up a model of a bundle, and the files it has there."""
    weights = gguf_bytes(1000) if weights is None else weights
    model = InstalledModel(
        name=name,
        path=path or f"{name}.gguf",
        sha256=sha256(weights).hexdigest(),
        size_bytes=len(weights),
        architecture="llama",
        chat_template_sha256=sha256(b"{{ messages }}").hexdigest(),
        license=license,
        origin="pulled",
        verified_at="2026-01-01T00:00:00+00:00",
        consent=None,
    )
    terms = licenses().get(license)
    entry = {"model": asdict(model), "terms": terms and asdict(terms), "source": None}
    return model, {
        f"models/{name}.gguf": weights,
        f"catalog/{name}.json": json.dumps(entry).encode(),
    }
