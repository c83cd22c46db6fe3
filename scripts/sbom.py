"""Write the software bill of materials: everything that is pinned, with its hashes.

    python scripts/sbom.py [-o sbom.json]

Reads requirements/*.txt and models/catalog.toml, and writes CycloneDX 1.6 as JSON. A component is
one release of a package, with the SHA-256 of each of its files, or one embedded model. Its scope
says whether the program needs it always (required), for an extra (optional), or only to build
and test (excluded). The same pins give the same bytes. Uses only the standard library.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# The requirement files that each kind of user installs; all others are for extras.
_REQUIRED = ("core",)
_EXCLUDED = ("build", "llama-cpp-build", "reference", "test")
_SCOPES = ("required", "optional", "excluded")
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)"
    r"(?:\s*;\s*(?P<marker>[^\\\n]+?))?\s*\\?\n"
    r"(?P<hashes>(?:[ \t]+--hash=sha256:[0-9a-f]{64}\s*\\?\n?)+)",
    flags=re.MULTILINE,
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_ANY_PIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*==", flags=re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill of materials; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the software bill of materials.")
    parser.add_argument(
        "-o", "--output", type=Path, help="the file to write (default: standard output)"
    )
    options = parser.parse_args(arguments)
    text = json.dumps(bill_of_materials(ROOT), indent=2) + "\n"
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, encoding="utf-8", newline="\n")
    return 0


def bill_of_materials(root: Path) -> dict[str, Any]:
    """Return the bill of materials of a checkout as CycloneDX JSON."""
    program = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = [*_packages(root / "requirements"), *_models(root / "models" / "catalog.toml")]
    version = _version(root)
    # A serial number of the content: the same pins give the same bytes.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([version, components]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": program["name"],
                "name": program["name"],
                "version": version,
            }
        },
        "components": components,
        "dependencies": [
            {"ref": program["name"], "dependsOn": [one["bom-ref"] for one in components]},
        ],
    }


def _version(root: Path) -> str:
    source = (root / "localensemble" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', source, flags=re.MULTILINE)
    if found is None:
        raise SystemExit("localensemble/__init__.py: cannot find __version__.")
    return found[1]


def _packages(folder: Path) -> list[dict[str, Any]]:
    files: dict[tuple[str, str], dict[str, set[str]]] = {}
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        pins = list(_PIN.finditer(text))
        if len(pins) != len(_ANY_PIN.findall(text)):
            raise SystemExit(f"{path}: a pin without a hash, or of an unknown form.")
        for pin in pins:
            found = files.setdefault(
                (pin["name"], pin["version"]), {"files": set(), "markers": set(), "hashes": set()}
            )
            found["files"].add(path.stem)
            found["hashes"].update(_HASH.findall(pin["hashes"]))
            if pin["marker"]:
                found["markers"].add(pin["marker"].strip())
    return [_package(name, version, found) for (name, version), found in sorted(files.items())]


def _package(name: str, version: str, found: dict[str, set[str]]) -> dict[str, Any]:
    address = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    properties = [("requirements", name) for name in sorted(found["files"])]
    properties += [("marker", marker) for marker in sorted(found["markers"])]
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "scope": min(map(_scope, found["files"]), key=_SCOPES.index),
        "hashes": [{"alg": "SHA-256", "content": one} for one in sorted(found["hashes"])],
        "purl": address,
        "properties": [
            {"name": f"localensemble:{name}", "value": value} for name, value in properties
        ],
    }


def _scope(name: str) -> str:
    if name in _REQUIRED:
        return "required"
    return "excluded" if name in _EXCLUDED else "optional"


def _models(catalog: Path) -> list[dict[str, Any]]:
    models = tomllib.loads(catalog.read_text(encoding="utf-8"))["models"]
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{model['name']}",
            "name": model["name"],
            "version": model["sha256"][:12],
            "scope": "required",
            "hashes": [{"alg": "SHA-256", "content": model["sha256"]}],
            "licenses": [{"license": {"id": model["license"]}}],
            "properties": [
                {"name": f"localensemble:{key}", "value": str(model[key])}
                for key in ("file", "bytes", "architecture", "quantization")
            ],
        }
        for model in models
    ]


if __name__ == "__main__":
    sys.exit(main())
