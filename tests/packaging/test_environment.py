"""The environment installs what was pinned, and a kept wheel only where it belongs."""

from __future__ import annotations

import platform
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import environment

LOCK = """\
# Written by scripts/lock; do not edit.
diskcache==5.6.3 \\
    --hash=sha256:aa
llama-cpp-python==0.3.35 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
llama-cpp-python-extras==1 \\
    --hash=sha256:dd
"""
PINNED = """\
llama-cpp-python==0.3.35 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
"""


def test_the_compiled_package_is_cut_out_with_all_its_hashes() -> None:
    assert environment.requirement_block(LOCK, "llama-cpp-python") == PINNED


def test_a_package_at_the_end_without_a_line_break_is_found() -> None:
    assert environment.requirement_block(PINNED.rstrip("\n"), "llama-cpp-python").endswith("cc")


def test_a_package_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(environment.StepError, match=r"scipy is not pinned\.\nRun scripts/lock"):
        environment.requirement_block(LOCK, "scipy")


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
def kept(tmp_path: Path) -> Path:
    """A cache folder that holds one wheel."""
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    folder = tmp_path / "cache" / "thing-1-0123"
    environment.keep_wheel(wheel, folder)
    return folder


def test_a_kept_wheel_is_found_again(kept: Path) -> None:
    assert environment.cached_wheel(kept) == kept / "thing-1-py3-none-any.whl"
    assert sorted(path.name for path in kept.parent.iterdir()) == ["thing-1-0123"]


def _alter(folder: Path) -> None:
    (folder / "thing-1-py3-none-any.whl").write_bytes(b"other")


def _forget_hash(folder: Path) -> None:
    (folder / "sha256").unlink()


def _garble_hash(folder: Path) -> None:
    (folder / "sha256").write_bytes(b"\xff")


def _lose_wheel(folder: Path) -> None:
    (folder / "thing-1-py3-none-any.whl").unlink()


def _add_wheel(folder: Path) -> None:
    (folder / "another-1-py3-none-any.whl").write_bytes(b"wheel")


@pytest.mark.parametrize(
    "damage",
    [_alter, _forget_hash, _garble_hash, _lose_wheel, _add_wheel],
    ids=lambda d: d.__name__,
)
def test_a_damaged_cache_folder_is_not_used(kept: Path, damage: Callable[[Path], None]) -> None:
    damage(kept)
    assert environment.cached_wheel(kept) is None


def test_keeping_a_wheel_replaces_a_damaged_one(kept: Path, tmp_path: Path) -> None:
    _alter(kept)
    environment.keep_wheel(tmp_path / "thing-1-py3-none-any.whl", kept)
    assert environment.cached_wheel(kept) is not None


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    (tmp_path / "file").write_text("in the way")
    environment.keep_wheel(wheel, tmp_path / "file" / "thing-1-0123")
    assert "was not kept" in capsys.readouterr().out


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment folder that belongs to the test."""
    folder = tmp_path / ".venv"
    (folder / "stamps").mkdir(parents=True)
    for name in ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_build_settings_of_the_last_build_are_remembered(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (venv / "stamps" / "build-variables").write_text('{"CMAKE_ARGS": "-DGGML_CUDA=on"}')
    assert environment._build_variables(venv) == {"CMAKE_ARGS": "-DGGML_CUDA=on"}
    monkeypatch.setenv("CMAKE_ARGS", "")
    assert environment._build_variables(venv) == {"CMAKE_ARGS": ""}


def test_no_step_runs_when_every_stamp_fits(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(environment, "_run_pip", lambda _, title, *__, **___: steps.append(title))
    monkeypatch.setattr(environment, "_install_compiled", lambda *_: steps.append("compiled"))
    environment.prepare(venv, test=True)
    assert len(steps) == 3
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
    monkeypatch.setattr(environment, "_install_compiled", lambda *_: None)
    environment.prepare(venv, test=False)
    assert files == ["build.txt", "llama-cpp.txt"]
    files.clear()
    environment.prepare(venv, test=True)
    assert files == ["test.txt"]


def test_the_reference_environment_holds_its_own_packages_alone(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(
        environment, "_run_pip", lambda _, __, arguments, **___: steps.append(arguments)
    )
    environment.prepare_reference(venv)
    environment.prepare_reference(venv)
    ((*_, file),) = steps
    assert Path(file).name == "reference.txt"


def test_the_reference_environment_is_not_made_for_a_python_without_its_wheels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.0")
    assert environment.main(["--reference"]) == environment.NO_SUITABLE_PYTHON
    printed = capsys.readouterr().out
    assert printed == "No .venv-reference: irrCAC needs Python 3.11 or 3.12, and this is 3.13.0.\n"


def test_a_failing_step_shows_the_end_of_the_output_and_leaves_no_stamp(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_python", lambda _: Path(sys.executable))
    with pytest.raises(environment.StepError, match=r"(?s)no such option.*Trying: pip ended with"):
        environment._run_pip(venv, "Trying", ["install", "--no-such-option"])
    assert list((venv / "stamps").iterdir()) == []


def test_the_count_of_build_steps_is_read_from_the_log(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text("  [9/210] Building\n  [10/210] Building CXX object [3/4]\nnoise\n")
    assert environment._build_step(log) == "step 10 of 210"


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
    assert "No Python 3.11 or newer was found." in ended.stderr


def test_the_wheel_that_was_built_here_is_copied_for_a_bundle(
    tmp_path: Path, repository: Path
) -> None:
    lock = (repository / "requirements" / "llama-cpp.txt").read_text(encoding="utf-8")
    pinned = environment.requirement_block(lock, environment.COMPILED)
    wheel = tmp_path / "llama_cpp_python-1-py3-none-any.whl"
    wheel.write_bytes(b"built here")
    release = pinned.split()[0].replace("==", "-")
    key = environment.wheel_key(pinned, environment._build_variables(tmp_path))
    environment.keep_wheel(wheel, environment.cache_folder() / f"{release}-{key[:16]}")
    (tmp_path / "usb").mkdir()
    environment.copy_wheel(tmp_path / "no-environment", tmp_path / "usb")
    assert (tmp_path / "usb" / wheel.name).read_bytes() == b"built here"
