"""Put trained models into `models/` with their catalog and the record of the split.

python models/training/publish.py --data DATA --trained OUT --models models
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import gguf

from corpus import SALT, SOURCES, GoldItem, Split, read_splits
from localensemble.codebook.load import load_codebook
from localensemble.prompting.template import load_template
from specs import SPECS, ModelSpec

ROOT = Path(__file__).resolve().parents[2]
_HEADER = """\
# The models that ship with the program. Written by models/training/publish.py.
# For the demo, tests and learning the tool; pull a real model for real work.

# What the models were trained under. Another wording, even of one definition, is a prompt
# they have never seen.
[training]
prompt_template = "label"
prompt_template_version = 1
prompt_template_sha256 = "{template}"
layout = "codebook_first"
data_licenses = ["nhs_feedback: MIT", "negex: Apache-2.0", "csabstruct: Apache-2.0"]

[training.variable_sha256]
{variables}
"""
_ENTRY = """
[[models]]
name = "{name}"
file = "{file}"
sha256 = "{sha256}"
bytes = {size}
architecture = "{architecture}"
quantization = "Q8_0"
parameters = {parameters}
context_tokens = {context}
license = "Apache-2.0"
card = "{name}.md"
variables = ["theme", "sentiment", "negation", "role"]
"""


def main() -> None:
    """Copy, hash and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--data", "--trained", "--models"):
        parser.add_argument(option, required=True, type=Path)
    options = parser.parse_args()
    options.models.mkdir(exist_ok=True)
    catalog = _header()
    for spec in SPECS.values():
        path = options.models / f"{spec.name}.gguf"
        shutil.copyfile(options.trained / path.name, path)
        catalog += _entry(spec, path)
    (options.models / "catalog.toml").write_text(catalog, encoding="utf-8")
    record = {
        "salt": SALT,
        "sources": {name: _record(split) for name, split in read_splits(options.data).items()},
    }
    text = json.dumps(record, indent=2) + "\n"
    (options.models / "split.json").write_text(text, encoding="utf-8")


def ids_sha256(items: tuple[GoldItem, ...]) -> str:
    """Return the hash of a part's ids, sorted, one per line."""
    return hashlib.sha256("\n".join(sorted(i.identifier for i in items)).encode()).hexdigest()


def _header() -> str:
    variables = {
        variable.name: variable.sha256
        for path in sorted((ROOT / "examples").glob("*.yaml"))
        if path.stem != "ensemble"
        for variable in load_codebook(path).variables
        if variable.name in SOURCES
    }
    return _HEADER.format(
        template=load_template("label", 1).sha256,
        variables="\n".join(f'{name} = "{variables[name]}"' for name in SOURCES),
    )


def _entry(spec: ModelSpec, path: Path) -> str:
    tensors = gguf.GGUFReader(path).tensors
    return _ENTRY.format(
        name=spec.name,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        architecture=spec.architecture,
        parameters=sum(int(tensor.n_elements) for tensor in tensors),
        context=spec.context_tokens,
    )


def _record(split: Split) -> dict[str, object]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {
        "left_out": split.left_out,
        **{
            name: {"items": len(items), "ids_sha256": ids_sha256(items)}
            for name, items in parts.items()
        },
    }


if __name__ == "__main__":
    main()
