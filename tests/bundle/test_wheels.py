"""The wheels of a bundle are those of the lock, for the machine that is named."""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.bundle import wheels
from localensemble.bundle.installer import platform_name
from localensemble.bundle.wheels import (
    COMPILED,
    LOCKS,
    PREBUILT,
    Target,
    gather_wheels,
    locked,
    needed_library,
    this_python,
)
from localensemble.core.errors import BundleError, InputError
from scripts import prebuilt_engine

LINUX = Target("3.12", "manylinux_2_28_x86_64")


def test_the_locks_are_those_of_all_extras_that_the_program_runs_with(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (everything,) = project["optional-dependencies"]["all"]
    assert everything == f"localensemble[{','.join(LOCKS)}]"


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("manylinux_2_28_x86_64", "linux-x86_64"),
        ("musllinux_1_2_aarch64", "linux-aarch64"),
        ("macosx_14_0_arm64", "darwin-arm64"),
        ("win_amd64", "windows-amd64"),
    ],
)
def test_a_platform_tag_names_a_machine(tag: str, name: str) -> None:
    target = Target("3.12", tag)
    assert target.name == name
    assert tag in target.tags()


def test_the_c_library_is_the_newest_that_a_wheel_needs(tmp_path: Path) -> None:
    (tmp_path / "any-1-py3-none-any.whl").write_bytes(b"")
    assert needed_library(tmp_path) == ""
    # It runs with either, so the older one is enough.
    both = "two-1-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"
    (tmp_path / both).write_bytes(b"")
    assert needed_library(tmp_path) == "glibc 2.17"
    with zipfile.ZipFile(tmp_path / "built-1-py3-none-linux_x86_64.whl", "w") as archive:
        archive.writestr("built/lib/libbuilt.so", b"\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.9\0")
        archive.writestr("built/notes.txt", b"GLIBC_2.99")
    assert needed_library(tmp_path) == "glibc 2.34"


def test_this_machine_is_the_default() -> None:
    target = Target(this_python())
    assert (target.name, target.tags()) == (platform_name(), ())


def test_wheels_for_an_older_c_library_run_on_a_newer_one() -> None:
    assert LINUX.tags()[:2] == ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64")
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64"} < set(LINUX.tags())


def test_a_platform_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match='"linux": unknown platform'):
        Target("3.12", "linux").name  # noqa: B018


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_package_is_pinned_once_for_the_python_that_is_named(
    repository: Path, python: str
) -> None:
    pins = locked(repository, target=Target(python, "manylinux_2_28_x86_64"))
    text = (repository / "requirements" / "llama-cpp.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"^([a-z0-9.-]+)==", text, flags=re.MULTILINE)) <= set(pins)
    numpy = re.findall(
        rf"^(numpy==\S+) ; python_full_version {'<' if python == '3.11' else '>='}",
        text,
        flags=re.MULTILINE,
    )
    assert pins["numpy"].startswith(f"{numpy[0]} \\\n    --hash=sha256:")
    assert all(pin.count("==") == 1 and "--hash" in pin for pin in pins.values())


def test_a_lock_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"Cannot read .*llama-cpp\.txt"):
        locked(tmp_path, target=LINUX)


def test_the_engine_for_another_machine_must_be_brought(repository: Path, tmp_path: Path) -> None:
    target = Target("3.12", "manylinux_2_28_riscv64")
    with pytest.raises(InputError, match="linux-riscv64 here: llama-cpp-python must be built"):
        gather_wheels(tmp_path, checkout=repository, target=target, compiled=None)


@pytest.mark.parametrize(
    "name",
    [
        "{name}-{version}-py3-none-win_amd64.whl",
        "{name}-{version}-py3-none-linux_aarch64.whl",
        "{name}-0.0.1-py3-none-linux_x86_64.whl",
        "other-{version}-py3-none-linux_x86_64.whl",
        "no-wheel.zip",
    ],
)
def test_an_engine_that_does_not_fit_is_refused(
    repository: Path, tmp_path: Path, name: str
) -> None:
    version = locked(repository, target=LINUX)[COMPILED].split()[0].split("==")[1]
    wheel = tmp_path / name.format(name="llama_cpp_python", version=version)
    wheel.write_bytes(b"wheel")
    with pytest.raises(InputError, match="Cannot use"):
        gather_wheels(tmp_path / "out", checkout=repository, target=LINUX, compiled=wheel)


def test_the_machines_that_people_name_have_a_prebuilt_library() -> None:
    tags = {platform.runs_on for platform in prebuilt_engine.PLATFORMS.values()}
    assert set(PREBUILT.values()) == tags
    windows = Target.named("windows-x64", python="3.12")
    assert (windows.name, windows.tag) == ("windows-amd64", "win_amd64")
    assert windows.has_prebuilt_library
    assert Target.named("manylinux_2_28_aarch64", python="3.12").name == "linux-aarch64"
    assert not Target.named(None, python="3.12").has_prebuilt_library


@pytest.mark.parametrize("name", sorted(PREBUILT))
def test_the_engine_for_a_named_machine_is_made_here_after_the_packages(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    steps: list[tuple[str, Sequence[str]]] = []

    def run(title: str, command: Sequence[str], **_: object) -> None:
        steps.append((title.split()[0], command))

    monkeypatch.setattr(wheels, "_run", run)
    target = Target.named(name, python="3.12")
    gather_wheels(tmp_path, checkout=repository, target=target, compiled=None)
    assert [title for title, _ in steps] == ["fetch", "make", "build"]
    assert steps[1][1][-4:] == ["--wheel-to", str(tmp_path), "--for", PREBUILT[name]]
