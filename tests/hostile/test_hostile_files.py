"""Every hostile file ends in a result or a clear error: no traceback, no fault, no item's text."""

from __future__ import annotations

import csv
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Run, run
from tests.hostile.hostile_files import (
    CANARY,
    CODEBOOK,
    ENSEMBLE,
    TABLE,
    write_hostile_files,
)

__all__ = ["run"]

pytestmark = pytest.mark.slow  # about 200 files and 300 commands

MOST_SECONDS = 30.0
MOST_GROWTH_BYTES = 1 << 30
KNOWN_CODES = {0, 1, 2, 3, 4, 5, 6}


@dataclass(frozen=True, slots=True)
class Ground:
    """The hostile files, and sound ones beside them."""

    folder: Path
    files: dict[str, list[Path]]

    def sound(self, name: str, content: str) -> Path:
        path = self.folder / name
        if not path.exists():
            path.write_text(content, encoding="utf-8")
        return path

    @property
    def items(self) -> Path:
        return self.sound("items.csv", TABLE)

    @property
    def codebook(self) -> Path:
        return self.sound("codebook.yaml", CODEBOOK)

    @property
    def ensemble(self) -> Path:
        return self.sound("ensemble.yaml", ENSEMBLE)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("hostile")
    return Ground(folder, write_hostile_files(folder / "files"))


def problem(ended: Ended, *, seconds: float, grown: int) -> str:
    """Say what a command did that it must never do; empty if nothing."""
    printed = ended.out + ended.err
    for found, what in (
        ("Traceback" in printed, "a traceback"),
        ("fault in the program" in printed, "a fault"),
        (CANARY in printed, "the text of an item"),
        ("\x1b" in printed, "an escape character"),
        (ended.code not in KNOWN_CODES, f"exit code {ended.code}"),
        (ended.code != 0 and not ended.err.strip(), "no error"),
        (seconds > MOST_SECONDS, f"{seconds:.0f} seconds"),
        (grown > MOST_GROWTH_BYTES, f"{grown >> 20} MiB more"),
    ):
        if found:
            return f"{what}: {printed[-300:]!r}"
    return ""


def attack(run: Run, paths: Sequence[Path], *commands: Sequence[object]) -> list[str]:
    """Run commands on every file, which stands where a command has None."""
    found = []
    for path in paths:
        for command in commands:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.monotonic()
            ended = run(*(path if part is None else part for part in command))
            seen = problem(
                ended,
                seconds=time.monotonic() - began,
                grown=1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory),
            )
            if seen:
                found.append(f"{path.name}, {command[0]}: {seen}")
    return found


@pytest.fixture
def study(run: Run, ground: Ground) -> Path:
    path = ground.folder / "study"
    if not path.exists():
        ended = run(
            *("label", ground.items, "-c", ground.codebook, "-e", ground.ensemble, "-o", path)
        )
        assert ended.code in {0, 3}, ended.err
    return path


def test_there_are_about_two_hundred_files(ground: Ground) -> None:
    assert sum(map(len, ground.files.values())) >= 200


def test_hostile_tables(run: Run, ground: Ground, tmp_path: Path) -> None:
    assert (
        attack(
            run,
            ground.files["table"],
            ("agree", None, "--level", "nominal", "--bootstrap", "0"),
            ("init", None, "-o", tmp_path / "started"),
        )
        == []
    )


def test_hostile_codebooks(run: Run, ground: Ground, tmp_path: Path) -> None:
    assert attack(run, ground.files["codebook"], ("check", None)) == []
    assert (
        attack(run, ground.files["qdc"], ("init", ground.items, "--codebook", None, "-o", tmp_path))
        == []
    )


def test_hostile_ensembles(run: Run, ground: Ground, tmp_path: Path) -> None:
    assert (
        attack(
            run,
            ground.files["ensemble"],
            ("label", ground.items, "-c", ground.codebook, "-e", None, "-o", tmp_path / "study"),
        )
        == []
    )


def test_hostile_templates(run: Run, ground: Ground) -> None:
    ensemble = ground.folder / "with_template.yaml"
    found = []
    for path in ground.files["template"]:
        ensemble.write_text(
            f"raters:\n  - {{model: first, engine: scripted, prompt: {path}}}\n", encoding="utf-8"
        )
        found += [
            f"{path.name}: {one}"
            for one in attack(
                run, [ensemble], ("prompt", "show", "-c", ground.codebook, "-e", None)
            )
        ]
    assert found == []


def test_hostile_certificates(run: Run, ground: Ground, study: Path) -> None:
    assert (
        attack(
            run,
            ground.files["certificate"],
            ("consensus", study, "--certificate", None),
            ("consensus", study, "--calibration", None),
        )
        == []
    )


def test_hostile_decisions(run: Run, ground: Ground, study: Path) -> None:
    paths = [*ground.files["decisions"], *ground.files["table"]]
    assert attack(run, paths, ("review", "import", study, None, "--reviewer", "A")) == []


def test_hostile_models(run: Run, ground: Ground) -> None:
    assert attack(run, ground.files["gguf"], ("models", "add", None)) == []


def test_hostile_texts(run: Run, ground: Ground, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text"))
        for number, path in enumerate(ground.files["text"]):
            writer.writerow((f"h{number}", path.read_text(encoding="utf-8")))
    labeled = tmp_path / "study"
    assert (
        attack(
            run,
            [table],
            ("label", None, "-c", ground.codebook, "-e", ground.ensemble, "-o", labeled),
            ("report", labeled),
            ("agree", labeled),
        )
        == []
    )
