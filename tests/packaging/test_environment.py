"""The environment installs what was pinned, and a kept wheel only where it belongs."""

from __future__ import annotations

import platform
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts import environment

PINNED = """\
llama-cpp-python==0.3.35 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
"""
LOCK = f"""\
# Written by scripts/lock; do not edit.
diskcache==5.6.3 \\
    --hash=sha256:aa
{PINNED}llama-cpp-python-extras==1 \\
    --hash=sha256:dd
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock of llama-cpp-python, in a folder that belongs to the test."""
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    return tmp_path / "llama-cpp.txt"


@pytest.mark.parametrize("text", [LOCK, PINNED, PINNED.rstrip("\n")])
def test_the_compiled_package_is_cut_out_with_all_its_hashes(lock: Path, text: str) -> None:
    lock.write_text(text)
    assert environment.engine_pin().rstrip("\n") == PINNED.rstrip("\n")


def test_a_package_that_is_not_pinned_is_refused(lock: Path) -> None:
    lock.write_text(LOCK.replace(PINNED, ""))
    with pytest.raises(environment.StepError, match=r"llama-cpp-python is not pinned"):
        environment.engine_pin()


def test_a_fingerprint_keeps_its_parts_apart() -> None:
    assert environment.fingerprint("ab", "c") != environment.fingerprint("a", "bc")
    assert environment.fingerprint("a") != environment.fingerprint("a", "")


@pytest.mark.parametrize("change", ["release", "settings", "processor", "platform"])
def test_another_build_has_another_key(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.wheel_key(PINNED, {})
    pinned, variables = PINNED, {}
    if change == "release":
        pinned = PINNED.replace("0.3.35", "0.3.36")
    elif change == "settings":
        variables = {"CMAKE_ARGS": "-DGGML_CUDA=on"}
    elif change == "processor":
        monkeypatch.setattr(environment, "_processor", lambda: "avx999")
    else:
        monkeypatch.setattr(sysconfig, "get_platform", lambda: "plan9-mips")
    assert environment.wheel_key(pinned, variables) != before


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with one file."""
    path = tmp_path / "llama_cpp_python-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("llama_cpp/__init__.py", "x = 1")
    return path


def test_a_kept_wheel_is_found_again(wheel: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "thing-1-0123"
    assert environment.kept_wheel(kept) is None
    environment.keep_wheel(wheel, kept)
    assert environment.kept_wheel(kept) == kept / wheel.name
    assert [path.name for path in kept.iterdir()] == [wheel.name]


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_damaged_wheel_is_not_used_and_the_next_one_replaces_it(
    wheel: Path, tmp_path: Path, damage: str
) -> None:
    kept = tmp_path / "cache"
    environment.keep_wheel(wheel, kept)
    content = wheel.read_bytes()
    changed = {"flipped": content.replace(b"x = 1", b"x = 2"), "cut": content[:-9], "emptied": b""}
    (kept / wheel.name).write_bytes(changed[damage])
    assert environment.kept_wheel(kept) is None
    environment.keep_wheel(wheel, kept)
    assert environment.kept_wheel(kept) is not None


def test_a_cache_that_cannot_be_written_is_not_needed(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    environment.keep_wheel(wheel, tmp_path / "file" / "thing-1-0123")
    assert "was not kept" in capsys.readouterr().out


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment folder that belongs to the test."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr("scripts.environment.prebuilt_engine.this_platform", lambda: None)
    monkeypatch.setattr(environment.Packages, "begin", lambda _: None)
    for name in ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_build_settings_of_the_last_build_are_remembered(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.build_variables(venv) == {}
    monkeypatch.setattr(environment, "install_requirements", lambda *_: None)
    monkeypatch.setattr(environment, "_run_pip", lambda *_, **__: None)
    monkeypatch.setattr(environment, "_importable_version", lambda _: _pinned_version())
    monkeypatch.setattr(environment, "_build", lambda *_: venv)
    monkeypatch.setattr(environment, "keep_wheel", lambda *_: None)
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_CUDA=on")
    environment.prepare(venv, test=False)
    monkeypatch.delenv("CMAKE_ARGS")
    assert environment.build_variables(venv) == {"CMAKE_ARGS": "-DGGML_CUDA=on"}
    monkeypatch.setenv("CMAKE_ARGS", "")
    assert environment.build_variables(venv) == {"CMAKE_ARGS": ""}


@pytest.mark.parametrize(("imported", "built"), [(True, 0), (False, 1)])
def test_the_kept_wheel_is_built_anew_only_where_it_does_not_run(
    venv: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, imported: bool, built: int
) -> None:
    versions = [None, _pinned_version() if imported else None, _pinned_version()]
    monkeypatch.setattr(environment, "_importable_version", lambda _: versions.pop(0))
    monkeypatch.setattr(environment, "kept_wheel", lambda _: wheel)
    wheels = [wheel]
    monkeypatch.setattr(environment, "_run_pip", lambda *_, **__: None)
    monkeypatch.setattr(environment, "_build", lambda *_: wheels.pop())
    pin = environment.engine_pin()
    environment.install_compiled(venv, pin, {})
    assert len(wheels) == 1 - built
    versions[:] = []
    environment.install_compiled(venv, pin, {})  # nothing is left to do


def test_a_build_takes_the_pinned_source_and_the_settings_of_the_caller(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (venv / "built").mkdir()
    (venv / "built" / "old.whl").write_bytes(b"left by an interrupted build")
    given: dict[str, str] = {}

    def run_pip(_: Path, title: str, arguments: list[str], **options: dict[str, str]) -> None:
        if arguments[0] == "download":
            assert "--require-hashes" in arguments
            assert Path(arguments[-1]).read_text(encoding="utf-8") == environment.engine_pin()
            Path(arguments[arguments.index("--dest") + 1], "new.tar.gz").write_bytes(b"")
        if arguments[0] == "wheel":
            assert Path(arguments[-1]).name == "new.tar.gz"
            Path(arguments[arguments.index("--wheel-dir") + 1], "new.whl").write_bytes(b"")
            given.update(options["variables"])

    monkeypatch.setattr(environment, "_run_pip", run_pip)
    variables = {"CMAKE_ARGS": "-DGGML_CUDA=on", "CC": "clang"}
    wheel = environment._build(venv, environment.engine_pin(), variables)
    assert (wheel.name, given["CC"]) == ("new.whl", "clang")
    assert str(environment.BUILD_SETTINGS.as_posix()) in given["CMAKE_ARGS"]
    assert given["CMAKE_ARGS"].endswith(" -DGGML_CUDA=on")


def _pinned_version() -> str:
    return environment.engine_pin().split()[0].split("==")[1]


def test_no_step_runs_when_every_stamp_fits(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(environment, "_run_pip", lambda _, title, *__, **___: steps.append(title))
    monkeypatch.setattr(environment, "_importable_version", lambda _: _pinned_version())
    environment.prepare(venv, test=True)
    assert len(steps) == 2
    steps.clear()
    environment.prepare(venv, test=True)
    environment.prepare(venv, test=False)
    assert steps == []


def test_only_what_is_new_is_installed_for_the_tests(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[str] = []
    monkeypatch.setattr(
        environment,
        "_run_pip",
        lambda _, __, arguments, **___: files.extend(
            Path(argument).name for argument in arguments if argument.endswith(".txt")
        ),
    )
    monkeypatch.setattr(environment, "install_engine", lambda *_, **__: None)
    monkeypatch.setattr(environment, "makes_wheel", lambda *_, **__: True)
    environment.prepare(venv, test=False)
    # The build tools come first, because a wheel must be made.
    assert files == ["llama-cpp-build.txt", "build.txt", "llama-cpp.txt", "learn.txt", "review.txt"]
    files.clear()
    environment.prepare(venv, test=True)
    assert files == ["test.txt"]


class Steps:
    """What a setup does, with a program that ends at once in place of pip."""

    def __init__(self, venv: Path, monkeypatch: pytest.MonkeyPatch, *, code: int = 0) -> None:
        self.done: list[str] = []

        def start(folder: Path, title: str, _: object, **__: object) -> object:
            self.done.append(f"began: {title}")
            process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
            (folder / "log").write_text("why\n", encoding="utf-8")
            return environment._Running(process, folder / "log", 0.0, title, "hint")

        def finish(running: environment._Running) -> None:
            self.done.append(f"waited for: {running.title}")
            really(running)

        monkeypatch.undo()
        monkeypatch.setattr(environment, "cache_folder", lambda: venv / "cache")
        monkeypatch.setattr("scripts.environment.prebuilt_engine.this_platform", lambda: None)
        monkeypatch.setattr(environment, "_install_tools", lambda _: self.done.append("tools"))
        really = environment._finish_pip
        monkeypatch.setattr(environment, "_start_pip", start)
        monkeypatch.setattr(environment, "_finish_pip", finish)


def test_the_packages_are_installed_while_the_library_is_compiled(
    venv: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(venv, monkeypatch)
    versions = [None, _pinned_version()]
    monkeypatch.setattr(environment, "_importable_version", lambda _: versions.pop())
    versions[:] = [_pinned_version(), None, None]

    def build(*_: object) -> Path:
        steps.done.append("built")
        return wheel

    monkeypatch.setattr(environment, "_build", build)
    environment.prepare(venv, test=False)
    packages = "Installing the pinned packages"
    assert steps.done[:4] == ["tools", f"began: {packages}", "built", f"waited for: {packages}"]
    assert environment._stamps(venv)["llama-cpp"]


def test_packages_that_fail_meanwhile_stop_the_setup_and_leave_no_stamp(
    venv: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Steps(venv, monkeypatch, code=7)
    monkeypatch.setattr(environment, "_importable_version", lambda _: None)
    monkeypatch.setattr(environment, "_build", lambda *_: wheel)
    with pytest.raises(environment.StepError, match=r"(?s)why.*code 7.*hint"):
        environment.prepare(venv, test=False)
    assert "llama-cpp" not in environment._stamps(venv)


def test_a_library_that_cannot_be_built_ends_what_was_begun(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Steps(venv, monkeypatch)
    begun: list[subprocess.Popen[bytes]] = []
    started = environment._start_pip

    def start(*given: Any, **named: Any) -> Any:
        running = started(*given, **named)
        running.process.wait()
        begun.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
        return replace(running, process=begun[0])

    def build(*_: object) -> Path:
        raise environment.StepError("No compiler.")

    monkeypatch.setattr(environment, "_start_pip", start)
    monkeypatch.setattr(environment, "_importable_version", lambda _: None)
    monkeypatch.setattr(environment, "_build", build)
    with pytest.raises(environment.StepError, match="No compiler"):
        environment.prepare(venv, test=False)
    assert begun[0].poll() is not None


def test_the_reference_environment_holds_its_own_packages_alone(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(
        environment, "_run_pip", lambda _, __, arguments, **___: steps.append(arguments)
    )
    environment.install_requirements(venv, ["reference"])
    environment.install_requirements(venv, ["reference"])
    ((*_, file),) = steps
    assert Path(file).name == "reference.txt"


def test_the_reference_environment_is_not_made_for_a_python_without_its_wheels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.0")
    assert environment.main(["--reference"]) == environment.NO_SUITABLE_PYTHON
    printed = capsys.readouterr().out
    assert printed.startswith("No .venv-reference")
    assert "3.11 or 3.12" in printed
    assert "3.13.0" in printed


def test_a_failing_step_shows_the_end_of_the_output_and_leaves_no_stamp(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_python", lambda _: Path(sys.executable))
    with pytest.raises(environment.StepError, match=r"(?s)no such option.*Trying: pip ended with"):
        environment._run_pip(venv, "Trying", ["install", "--no-such-option"])
    assert [path.name for path in venv.iterdir()] == ["install.log"]


def test_the_count_of_build_steps_is_read_from_the_log(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text("  [9/210] Building\n  [10/210] Building CXX object [3/4]\nnoise\n")
    assert environment.build_step(log) == "step 10 of 210"


def test_setup_names_the_missing_python(tmp_path: Path, repository: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("scripts/setup is for bash")
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "setup").write_bytes((repository / "scripts" / "setup").read_bytes())
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname"):
        found = next(
            path for path in (Path("/bin") / name, Path("/usr/bin") / name) if path.exists()
        )
        (tools / name).symlink_to(found)
    ended = subprocess.run(
        [tools / "bash", scripts / "setup"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 4
    assert "no Python 3.11 or newer" in ended.stderr


def test_the_wheel_that_was_built_here_is_copied_for_a_bundle(wheel: Path, tmp_path: Path) -> None:
    pin = environment.engine_pin()
    key = environment.wheel_key(pin, environment.build_variables(tmp_path))
    environment.keep_wheel(wheel, environment._kept_folder(pin, key))
    (tmp_path / "usb").mkdir()
    environment.copy_wheel(tmp_path / "no-environment", tmp_path / "usb")
    assert (tmp_path / "usb" / wheel.name).read_bytes() == wheel.read_bytes()
