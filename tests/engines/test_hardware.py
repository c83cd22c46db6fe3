"""What the system says of itself is read, and what it does not say is not invented."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from localensemble.engines import hardware
from localensemble.engines.hardware import (
    GraphicsDevice,
    graphics_devices,
    processor_features,
    usable_cores,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")


def test_a_quota_can_be_less_than_the_cores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(hardware, "_QUOTA", quota)
    without = usable_cores()
    quota.write_text("max 100000\n", encoding="ascii")
    assert usable_cores() == without >= 1
    quota.write_text("50000 100000\n", encoding="ascii")
    assert usable_cores() == 0.5


@pytest.mark.parametrize("name", ["flags\t\t", "Features\t"])
def test_processor_features_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{name}: fpu avx2 avx512f\n\nflags: x\n", encoding="utf-8")
    monkeypatch.setattr(hardware, "_CPUINFO", cpuinfo)
    assert processor_features() == frozenset({"fpu", "avx2", "avx512f"})
    cpuinfo.unlink()
    assert processor_features() is None


def plant_program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(hardware, "_AMD_DRIVER", folder / "none")


@posix
def test_devices_are_told_with_driver_and_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant_program(tmp_path, "echo 'NVIDIA H200, 570.1, 143771, 90000'", monkeypatch)
    found = graphics_devices()
    assert GraphicsDevice("NVIDIA H200", "CUDA", "570.1", 143771, 90000) in found


@posix
@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'"])
def test_a_driver_that_does_not_answer_is_no_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    plant_program(tmp_path, script, monkeypatch)
    assert all(device.built_with != "CUDA" for device in graphics_devices())
