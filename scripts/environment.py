"""Make a virtual environment of this checkout, or bring it up to date.

Decides what goes into ``.venv``, and into ``.venv-reference`` with the oldest packages that are
supported, and when it is there already. Every package comes from
``requirements/*.txt`` by version and hash. A step that was done leaves a stamp of all it
depended on, so that the next run finds nothing to do and needs no network.

Refuses packages without a hash, and to compile anything but llama-cpp-python. Uses the
standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
REFERENCE_ENVIRONMENT = ROOT / ".venv-reference"
REQUIREMENTS = ROOT / "requirements"

OLDEST_PYTHON = (3, 11)
# irrCAC fixes scipy 1.12.0, which has no wheels for a newer Python.
REFERENCE_PYTHONS = ((3, 11), (3, 12))
NO_SUITABLE_PYTHON = 4  # as in scripts/setup
COMPILED = "llama-cpp-python"
# What a caller can set to change what is compiled, for example for a GPU.
_BUILD_VARIABLES = ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS")
BUILD_SETTINGS = ROOT / "scripts" / "llama-cpp-build.cmake"


class StepError(Exception):
    """A step failed; the text is for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the environment up to date; return the exit code."""
    parser = argparse.ArgumentParser(description="Make .venv, or bring it up to date.")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--test", action="store_true", help="install what the tests need, too")
    kinds.add_argument(
        "--reference",
        action="store_true",
        help="make .venv-reference: the oldest supported packages, irrCAC and krippendorff",
    )
    kinds.add_argument(
        "--wheel-to",
        type=Path,
        metavar="FOLDER",
        help="put the built llama-cpp-python wheel there; build it if none is kept",
    )
    options = parser.parse_args(arguments)
    if options.reference and sys.version_info[:2] not in REFERENCE_PYTHONS:
        print(
            "No .venv-reference: irrCAC needs Python 3.11 or 3.12, "
            f"and this is {platform.python_version()}."
        )
        return NO_SUITABLE_PYTHON
    folder = REFERENCE_ENVIRONMENT if options.reference else ENVIRONMENT
    try:
        if Path(sys.prefix).resolve() != folder.resolve():
            return _continue_inside(folder, sys.argv[1:] if arguments is None else arguments)
        if options.reference:
            prepare_reference(folder)
        elif options.wheel_to:
            copy_wheel(folder, options.wheel_to)
        else:
            prepare(folder, test=options.test)
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def prepare(folder: Path, *, test: bool) -> None:
    """Run every step whose stamp is missing or out of date."""
    _install_outdated(folder, ["build", "llama-cpp", *(["test"] if test else [])])

    pinned = requirement_block(
        (REQUIREMENTS / "llama-cpp.txt").read_text(encoding="utf-8"), COMPILED
    )
    variables = _build_variables(folder)
    key = wheel_key(pinned, variables)
    if not _is_stamped(folder, COMPILED, key):
        _install_compiled(folder, pinned, key, variables)
        _write_stamp(folder, COMPILED, key)
        _write_stamp(folder, "build-variables", json.dumps(variables))

    # The folder belongs to it: the environment points at this checkout.
    project = fingerprint(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"), str(ROOT), _python_identity()
    )
    if not _is_stamped(folder, "project", project):
        _run_pip(
            folder,
            "Installing localensemble from this checkout",
            ["install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT)],
            hint="",
        )
        _write_stamp(folder, "project", project)


def prepare_reference(folder: Path) -> None:
    """Install the oldest supported packages; the tests run from the checkout itself."""
    _install_outdated(folder, ["reference"])


def copy_wheel(folder: Path, destination: Path) -> None:
    """Copy the wheel that was built on this machine; build it where none is kept."""
    pinned = requirement_block(
        (REQUIREMENTS / "llama-cpp.txt").read_text(encoding="utf-8"), COMPILED
    )
    variables = _build_variables(folder)
    kept = _kept_folder(pinned, wheel_key(pinned, variables))
    wheel = cached_wheel(kept)
    if wheel is not None:
        shutil.copy(wheel, destination)
        return
    with tempfile.TemporaryDirectory() as scratch:
        built = _build_compiled(folder, pinned, Path(scratch), COMPILED, variables=variables)
        shutil.copy(built, destination)
        keep_wheel(built, kept)


def fingerprint(*parts: str) -> str:
    """Hash texts so that no two different lists of texts give the same hash."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()


def requirement_block(text: str, package: str) -> str:
    """Cut the lines of one package, its hashes included, out of a requirement file."""
    found = re.search(rf"^{re.escape(package)}==.*(?:\n[ \t]+.*)*\n?", text, flags=re.MULTILINE)
    if found is None:
        raise StepError(f"requirements: {package} is not pinned.\nRun scripts/lock.")
    return found.group()


def wheel_key(pinned: str, variables: Mapping[str, str]) -> str:
    """Identify the wheel that this machine would build from the pinned source.

    It covers the processor: a home folder shared by two machines must not hand one of them
    instructions that it does not have. It leaves out the Python version: the wheel serves all.
    """
    return fingerprint(
        pinned,
        (REQUIREMENTS / "llama-cpp-build.txt").read_text(encoding="utf-8"),
        BUILD_SETTINGS.read_text(encoding="utf-8"),
        json.dumps(dict(sorted(variables.items()))),
        sysconfig.get_platform(),
        " ".join(platform.libc_ver()),
        _processor(),
    )


def cached_wheel(folder: Path) -> Path | None:
    """Find the wheel kept in a cache folder, if its content is what was put there."""
    try:
        expected = (folder / "sha256").read_text(encoding="ascii").split()
        (wheel,) = folder.glob("*.whl")
        if expected == [hashlib.sha256(wheel.read_bytes()).hexdigest()]:
            return wheel
    except (OSError, UnicodeDecodeError, ValueError):
        pass
    return None


def keep_wheel(wheel: Path, folder: Path) -> None:
    """Keep a wheel for other checkouts; a cache that cannot be written is done without."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
        try:
            kept = Path(shutil.copy(wheel, draft))
            digest = hashlib.sha256(kept.read_bytes()).hexdigest()
            (draft / "sha256").write_text(f"{digest}\n", encoding="ascii")
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        print(f"The built wheel was not kept: {error.strerror}.")


def cache_folder() -> Path:
    """Name the folder of kept wheels; it need not exist."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localensemble" / "wheels"


def _continue_inside(folder: Path, arguments: Sequence[str]) -> int:
    """Run this file again with the environment's own Python, which is made if need be."""
    if not _works(_python(folder)):
        _make_environment(folder)
    return subprocess.run([str(_python(folder)), __file__, *arguments], check=False).returncode


def _make_environment(folder: Path) -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise StepError(
            f"This is Python {platform.python_version()}; localensemble needs 3.11 or newer."
        )
    print(f"Making {folder.name} with Python {platform.python_version()} ...", flush=True)
    # --clear: what is there does not run, for example because its Python was removed.
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(command, check=False).returncode != 0:
        raise StepError(
            "Python could not make a virtual environment.\n"
            "On Debian and Ubuntu install what it needs with: apt install python3-venv"
        )


def _install_outdated(folder: Path, names: Sequence[str]) -> None:
    """Install the requirement files that are not installed as they are now."""
    stamps = {}
    for name in names:
        text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
        stamps[name] = fingerprint(text, _python_identity())
    outdated = [name for name in names if not _is_stamped(folder, name, stamps[name])]
    if outdated:
        _install_packages(folder, outdated)
        for name in outdated:
            _write_stamp(folder, name, stamps[name])


def _install_packages(folder: Path, names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = []
        for name in names:
            text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
            if name == "llama-cpp":
                # What is compiled has a step of its own.
                text = text.replace(requirement_block(text, COMPILED), "")
            file = Path(scratch) / f"{name}.txt"
            file.write_text(text, encoding="utf-8")
            files += ["--requirement", str(file)]
        _run_pip(
            folder,
            "Installing the pinned packages",
            # Wheels only: compiling one of these would fetch build tools that nobody pinned.
            ["install", "--require-hashes", "--no-deps", "--only-binary", ":all:", *files],
        )


def _install_compiled(folder: Path, pinned: str, key: str, variables: Mapping[str, str]) -> None:
    name, version = pinned.split()[0].split("==")
    by_hand = not variables and not (folder / "stamps" / COMPILED).exists()
    if by_hand and _installed_compiled_version(folder) == version:
        print(f"Keeping the {name} {version} that is in {folder.name} already.")
        return
    kept = _kept_folder(pinned, key)
    wheel = cached_wheel(kept)
    if wheel is not None:
        _install_wheel(folder, f"Installing {name} {version} as built before", wheel)
        if _installed_compiled_version(folder) == version:
            return
        print("It does not run here, so it is built anew.")
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _build_compiled(
            folder, pinned, Path(scratch), f"{name} {version}", variables=variables
        )
        _install_wheel(folder, f"Installing {name} {version}", wheel)
        if _installed_compiled_version(folder) != version:
            raise StepError(f"{name} {version} was built, but Python cannot import it.")
        keep_wheel(wheel, kept)


def _build_compiled(
    folder: Path, pinned: str, scratch: Path, title: str, *, variables: Mapping[str, str]
) -> Path:
    _run_pip(
        folder,
        "Installing the build tools",
        [
            "install", "--require-hashes", "--no-deps", "--only-binary", ":all:",
            "--requirement", str(REQUIREMENTS / "llama-cpp-build.txt"),
        ],
    )  # fmt: skip
    source = scratch / "source.txt"
    source.write_text(pinned, encoding="utf-8")
    # The backend splits the variable as a shell does, and a folder may have a blank in it.
    settings = shlex.quote(f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={BUILD_SETTINGS.as_posix()}")
    _run_pip(
        folder,
        f"Building {title} from source, once: this takes minutes (about 5 on two cores)",
        [
            # pip's own cache does not know for which processor and options a wheel was built.
            "wheel", "--no-cache-dir", "--require-hashes", "--no-deps", "--no-build-isolation",
            "--no-binary", COMPILED, "--verbose", "--wheel-dir", str(scratch),
            "--requirement", str(source),
        ],
        variables={**variables, "CMAKE_ARGS": f"{settings} {variables.get('CMAKE_ARGS', '')}"},
        hint=(
            "A C and C++ compiler is needed. Debian and Ubuntu: apt install build-essential; "
            "macOS: xcode-select --install; Windows: Visual Studio Build Tools with C++."
        ),
    )  # fmt: skip
    (wheel,) = scratch.glob("*.whl")
    return wheel


def _build_variables(folder: Path) -> dict[str, str]:
    """Collect the build settings: those of this call, else those of the last build.

    Remembering them keeps a build for a GPU when a later call does not name it again.
    """
    try:
        stamp = (folder / "stamps" / "build-variables").read_text(encoding="utf-8")
        remembered = dict(json.loads(stamp))
    except (OSError, ValueError, TypeError):
        remembered = {}
    return remembered | {name: os.environ[name] for name in _BUILD_VARIABLES if name in os.environ}


def _kept_folder(pinned: str, key: str) -> Path:
    name, version = pinned.split()[0].split("==")
    return cache_folder() / f"{name}-{version}-{key[:16]}"


def _install_wheel(folder: Path, title: str, wheel: Path) -> None:
    _run_pip(
        folder,
        title,
        ["install", "--no-deps", "--no-index", "--force-reinstall", str(wheel)],
        hint="",
    )


def _installed_compiled_version(folder: Path) -> str | None:
    code = f"import importlib.metadata as m, llama_cpp; print(m.version('{COMPILED}'))"
    # A wheel built for another processor ends the process with a signal: hence a child.
    ended = subprocess.run(
        [str(_python(folder)), "-c", code], capture_output=True, text=True, check=False
    )
    return ended.stdout.strip() if ended.returncode == 0 else None


def _run_pip(
    folder: Path,
    title: str,
    arguments: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    hint: str = "This step needs the network, once.",
) -> None:
    """Run pip with its output in a log file, and show the time while it runs."""
    log = folder / "install.log"
    command = [str(_python(folder)), "-m", "pip", "--disable-pip-version-check", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})}
    print(f"{title} ...", flush=True)
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=ROOT,
        )
        try:
            _wait(process, log, started)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        ending = log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
        raise StepError(
            "\n".join([*ending, "", f"{title}: pip ended with {process.returncode}.", hint])
            + f"\nThe whole output is in {log}."
        )
    print(f"  done in {_clock(time.monotonic() - started)}", flush=True)


def _wait(process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    live = sys.stdout.isatty()
    shown = started
    while True:
        try:
            process.wait(timeout=1 if live else 5)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            # A terminal shows a running clock; a log file gets a line now and then.
            if live or now - shown >= 30:
                shown = now
                line = f"  {_clock(now - started)} {_build_step(log)}"
                print(f"\r{line:<40}" if live else line, end="" if live else "\n", flush=True)
        else:
            if live:
                print("\r" + " " * 40, end="\r")
            return


def _build_step(log: Path) -> str:
    """Say how far a compilation is, where the log tells: ninja counts its steps."""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 65536))
        steps = re.findall(rb"^ *\[(\d+)/(\d+)\]", lines.read(), flags=re.MULTILINE)
    return f"step {int(steps[-1][0])} of {int(steps[-1][1])}" if steps else ""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _processor() -> str:
    """Describe what this processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(("flags", "Features")):
            return " ".join(sorted(line.partition(":")[2].split()))
    if sys.platform == "darwin":
        asked = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip()
    return platform.processor()


def _python(folder: Path) -> Path:
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return folder / inside


def _works(python: Path) -> bool:
    code = f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def _python_identity() -> str:
    """Name the Python that packages are installed for; they differ between its versions."""
    return f"{sys.implementation.cache_tag} {sysconfig.get_platform()}"


def _is_stamped(folder: Path, name: str, content: str) -> bool:
    try:
        return (folder / "stamps" / name).read_text(encoding="ascii").strip() == content
    except (OSError, UnicodeDecodeError):
        return False


def _write_stamp(folder: Path, name: str, content: str) -> None:
    stamps = folder / "stamps"
    stamps.mkdir(exist_ok=True)
    (stamps / name).write_text(f"{content}\n", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
