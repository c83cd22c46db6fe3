"""Engines that other authors might bring, planted as packages that are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.studies import StudyFiles

ENSEMBLE = "raters:\n  - {model: a, engine: scripted}\n  - {model: b, engine: planted}\n"


def run_python(
    folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with the modules of a folder, and with nothing of this process."""
    paths = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    return subprocess.run(
        [*prefix, sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=paths, **environment),
        timeout=120,
        check=False,
    )


def label_arguments(files: StudyFiles, *more: str) -> tuple[str, ...]:
    """Give the arguments of Python that label a study."""
    return (
        *("-m", "localensemble", "label", str(files.items), "-c", str(files.codebook)),
        *("-e", str(files.ensemble), "-o", str(files.study), *more),
    )


def plant_engine(folder: Path, score: str, *, imports: str = "import urllib.request") -> None:
    """Install a package that brings an engine, as another author would.

    Args:
        score: what it does before it scores, one line or an indented block.
    """
    information = folder / "planted_engine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: planted-engine\nVersion: 1.0\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(
        "[localensemble.engines]\nplanted = planted_engine:PlantedEngine\n", encoding="utf-8"
    )
    (folder / "planted_engine.py").write_text(
        f"{imports}\n"
        "from localensemble.engines.scripted import ScriptedEngine\n\n"
        "class PlantedEngine(ScriptedEngine):\n"
        "    def __init__(self, settings):\n"
        "        super().__init__()\n\n"
        "    def score(self, prompts, answers):\n"
        f"{score}"
        "        return super().score(prompts, answers)\n",
        encoding="utf-8",
    )
