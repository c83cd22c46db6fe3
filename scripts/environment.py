"""Make a virtual environment for this checkout, or bring it up to date.

Installs ``requirements/*.txt`` into ``.venv``, or the oldest supported packages into
``.venv-reference``: every package by version and hash, and as a wheel. Only llama-cpp-python has
no wheel. It gets a prebuilt library where one fits (`prebuilt_engine.py`), and is compiled
otherwise; its wheel is kept for other checkouts. Each step leaves a stamp of all it depended on,
so that the next run finds nothing to do and needs no network.

Uses only the standard library, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
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
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A script's own folder is on the path; the tests import this module as part of a package.
sys.path.insert(0, str(Path(__file__).resolve().parent))
import prebuilt_engine

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
BUILD_SETTINGS = ROOT / "scripts" / "llama-cpp-build.cmake"

OLDEST_PYTHON = (3, 11)
# irrCAC pins scipy 1.12.0, which has no wheels for a newer Python.
REFERENCE_PYTHONS = ((3, 11), (3, 12))
NO_SUITABLE_PYTHON = 4  # as in scripts/setup
ENGINE = "llama-cpp-python"
_ENGINE_PIN = re.compile(rf"^{ENGINE}==.*(?:\n[ \t]+.*)*\n?", flags=re.MULTILINE)
# Variables that change how it is compiled, for example for a GPU.
_BUILD_VARIABLES = ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS")
_BUILDS = ("prebuilt", "native")
# Wheels only: compiling another package would fetch build tools that are not pinned.
_PINNED = ("install", "--require-hashes", "--no-deps", "--only-binary", ":all:")


class StepError(Exception):
    """A step failed; the text is shown to the user."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A call of pip that was started: its process, its log, and what to show of it."""

    process: subprocess.Popen[bytes]
    log: Path
    started: float
    title: str
    hint: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the environment up to date; return the exit code."""
    parser = argparse.ArgumentParser(description="Make .venv, or bring it up to date.")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--test", action="store_true", help="also install what the tests need")
    kinds.add_argument(
        "--reference",
        action="store_true",
        help="make .venv-reference: the oldest supported packages, irrCAC and krippendorff",
    )
    kinds.add_argument(
        "--wheel-to",
        type=Path,
        metavar="FOLDER",
        help="copy the wheel of llama-cpp-python to FOLDER; build it first if necessary",
    )
    parser.add_argument(
        "--for",
        dest="target",
        metavar="TAG",
        choices=[there.runs_on for there in prebuilt_engine.PLATFORMS.values()],
        help="with --wheel-to: the wheel for another platform, for example win_amd64",
    )
    parser.add_argument(
        "--build",
        choices=_BUILDS,
        help="the library of llama-cpp-python: prebuilt takes one made for common processors and "
        "needs no compiler; native compiles one for this processor, and with CMAKE_ARGS for a "
        "graphics device; default: as last time, else prebuilt where one fits",
    )
    options = parser.parse_args(arguments)
    if options.reference and sys.version_info[:2] not in REFERENCE_PYTHONS:
        print(
            "No .venv-reference: irrCAC needs Python 3.11 or 3.12, "
            f"but this is {platform.python_version()}."
        )
        return NO_SUITABLE_PYTHON
    folder = ROOT / (".venv-reference" if options.reference else ".venv")
    try:
        make_environment(folder)
        if options.reference:
            install_requirements(folder, ["reference"])
        elif options.wheel_to:
            copy_wheel(folder, options.wheel_to, target=options.target)
        else:
            prepare(folder, test=options.test, build=options.build)
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to continue.", file=sys.stderr)
        return 130
    return 0


def make_environment(folder: Path) -> None:
    """Make the environment, unless there is already one that runs."""
    code = f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    with contextlib.suppress(OSError):
        if subprocess.run([_python(folder), "-c", code], capture_output=True).returncode == 0:
            return
    if sys.version_info < OLDEST_PYTHON:
        raise StepError(
            f"This is Python {platform.python_version()}, but localensemble needs 3.11 or newer.\n"
            "Set PYTHON to a newer one."
        )
    print(f"Making {folder.name} with Python {platform.python_version()} ...", flush=True)
    # --clear: the existing environment does not run, for example because its Python was removed.
    if subprocess.run([sys.executable, "-m", "venv", "--clear", folder]).returncode != 0:
        raise StepError(
            "Python could not make a virtual environment.\n"
            "On Debian and Ubuntu, run: apt install python3-venv"
        )


def prepare(folder: Path, *, test: bool, build: str | None = None) -> None:
    """Run every step whose stamp is missing or out of date."""
    names = ["build", "llama-cpp", "learn", "review", *(["test"] if test else [])]
    packages = Packages(folder, names)
    try:
        if makes_wheel(folder, build=build):
            # Before both: two calls of pip must not install the same package at once.
            _install_tools(folder)
            packages.begin()
        else:
            packages.finish()
        install_engine(folder, build=build, packages=packages.finish)
        packages.finish()
    except BaseException:
        packages.stop()
        raise
    # The stamp includes the folder: the environment points at this checkout.
    project = fingerprint(_text(ROOT / "pyproject.toml"), str(ROOT))
    if _stamps(folder).get("project") != project:
        command = ["install", "--no-deps", "--no-index", "--no-build-isolation", "--editable"]
        _run_pip(folder, "Installing localensemble from this checkout", [*command, str(ROOT)])
        _stamp(folder, project=project)


class Packages:
    """The pinned packages, which can be installed while the wheel of llama-cpp-python is made."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names
        self._running: _Running | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def begin(self) -> None:
        """Begin to install them; what pip prints goes to a log of its own."""
        self._scratch = tempfile.TemporaryDirectory()
        files = _outdated(self._folder, self._names, scratch=Path(self._scratch.name))
        if files:
            self._running = _start_pip(
                self._folder, "Installing the pinned packages", [*_PINNED, *files], log="packages"
            )

    def finish(self) -> None:
        """Wait until they are installed; begin now if that was not done before."""
        if self._running is None:
            install_requirements(self._folder, self._names)
            return
        running, self._running = self._running, None
        _finish_pip(running)
        _stamp_requirements(self._folder, self._names)
        if self._scratch is not None:
            self._scratch.cleanup()

    def stop(self) -> None:
        """End what was begun."""
        if self._running is not None:
            self._running.process.terminate()
            self._running.process.wait()
        if self._scratch is not None:
            self._scratch.cleanup()


def install_requirements(folder: Path, names: Sequence[str]) -> None:
    """Install the requirement files that are new or have changed."""
    with tempfile.TemporaryDirectory() as scratch:
        files = _outdated(folder, names, scratch=Path(scratch))
        if files:
            _run_pip(folder, "Installing the pinned packages", [*_PINNED, *files])
            _stamp_requirements(folder, names)


def _outdated(folder: Path, names: Sequence[str], *, scratch: Path) -> list[str]:
    """Return pip's arguments for the requirement files that are new or have changed."""
    files = []
    for name in names:
        text = _text(REQUIREMENTS / f"{name}.txt")
        if _stamps(folder).get(name) != fingerprint(text):
            file = scratch / f"{name}.txt"
            # The compiled package has its own step.
            file.write_text(_ENGINE_PIN.sub("", text), encoding="utf-8")
            files += ["--requirement", str(file)]
    return files


def _stamp_requirements(folder: Path, names: Sequence[str]) -> None:
    _stamp(folder, **{name: fingerprint(_text(REQUIREMENTS / f"{name}.txt")) for name in names})


def makes_wheel(folder: Path, *, build: str | None = None) -> bool:
    """Tell whether `install_engine` will have to make the wheel of llama-cpp-python."""
    pin, variables = engine_pin(), build_variables(folder)
    build = build or chosen_build(folder, variables)
    fits = prebuilt_engine.this_platform() is not None
    key = prebuilt_key(pin) if build == "prebuilt" and fits else wheel_key(pin, variables)
    if _stamps(folder).get(ENGINE) == key or kept_wheel(_kept_folder(pin, key)) is not None:
        return False
    by_hand = not variables and ENGINE not in _stamps(folder)
    return not (by_hand and _importable_version(folder) == engine_version(pin))


def _nothing() -> None:
    """Install no packages: they are there."""


def install_engine(
    folder: Path, *, build: str | None = None, packages: Callable[[], None] = _nothing
) -> None:
    """Install llama-cpp-python with a prebuilt library, or compiled for this machine.

    Args:
        folder: the environment.
        build: prebuilt or native; None chooses.
        packages: installs the packages that it needs to run; called when they are needed.
    """
    pin, variables = engine_pin(), build_variables(folder)
    build = build or chosen_build(folder, variables)
    if build == "prebuilt" and _install_prebuilt(folder, pin, packages):
        return
    if build == "native" or prebuilt_engine.this_platform() is None:
        _stamp(folder, **{"engine-build": "native"})
    install_compiled(folder, pin, variables, packages)


def chosen_build(folder: Path, variables: Mapping[str, str]) -> str:
    """Return the build that was asked for last; else the one that needs no compiler, if it fits.

    Build settings, such as those for a GPU, ask for a build of one's own.
    """
    if variables:
        return "native"
    kept = _stamps(folder).get("engine-build")
    return kept or ("prebuilt" if prebuilt_engine.this_platform() else "native")


def _install_prebuilt(folder: Path, pin: str, packages: Callable[[], None]) -> bool:
    """Install the prebuilt library; return whether it works here."""
    platform_here = prebuilt_engine.this_platform()
    if platform_here is None:
        raise StepError(
            f"No prebuilt library fits {platform.platform()}.\n"
            "Run without --build prebuilt to compile it, which needs a C and C++ compiler."
        )
    key = prebuilt_key(pin)
    if _stamps(folder).get(ENGINE) == key:
        return True
    version = engine_version(pin)
    kept = _kept_folder(pin, key)
    try:
        wheel = kept_wheel(kept)
        if wheel is None:
            wheel = _join(folder, pin, platform_here, packages)
            keep_wheel(wheel, kept)
        packages()
        found = _runs(folder, wheel, version) and _computes(folder)
    except StepError as error:
        found = False
        print(error, file=sys.stderr)
    if not found:
        print(
            "The prebuilt library does not work on this machine, so llama.cpp is compiled.",
            flush=True,
        )
        return False
    _stamp(folder, **{ENGINE: key, "engine-build": "prebuilt"})
    return True


def _join(
    folder: Path,
    pin: str,
    there: prebuilt_engine.Platform,
    packages: Callable[[], None] = _nothing,
    *,
    beside: Path | None = None,
) -> Path:
    """Make the wheel of llama-cpp-python from its source without a library, and a library."""
    made = _emptied(folder / "built")
    _install_tools(folder)
    _build_wheel(
        folder,
        pin,
        made,
        f"Making the wheel of {ENGINE}",
        variables={"SKBUILD_WHEEL_CMAKE": "false"},
    )
    (source,) = made.glob("*.whl")
    library = made / "library"
    command = ["download", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    _run_pip(
        folder,
        "Getting the library of llama.cpp",
        [
            *(*command, "--platform", there.tag, "--dest", str(library)),
            *("--requirement", str(REQUIREMENTS / "llama-cpp-library.txt")),
        ],
    )
    (fetched,) = library.glob("*.whl")
    openmp = None
    if "linux" in there.runs_on:
        packages()
        openmp = prebuilt_engine.bundled_openmp(beside or _packages(folder))
    return prebuilt_engine.join(source, fetched, platform=there, openmp=openmp, folder=library)


def _computes(folder: Path) -> bool:
    """Return whether the installed library passes the test, and print why not."""
    command = [_python(folder), str(ROOT / "scripts" / "check_engine.py")]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if ended.returncode != 0:
        print(ended.stdout.strip() or f"Its test ended with code {ended.returncode}.")
    return ended.returncode == 0


def install_compiled(
    folder: Path,
    pin: str,
    variables: Mapping[str, str],
    packages: Callable[[], None] = _nothing,
) -> None:
    """Install llama-cpp-python, compiled for this machine with these settings."""
    key = wheel_key(pin, variables)
    if _stamps(folder).get(ENGINE) == key:
        return
    version = engine_version(pin)
    by_hand = not variables and ENGINE not in _stamps(folder)
    if by_hand and _importable_version(folder) == version:
        print(f"Keeping the {ENGINE} {version} that is already in {folder.name}.")
    else:
        kept = _kept_folder(pin, key)
        wheel = kept_wheel(kept)
        if wheel is not None:
            packages()
        if wheel is None or not _runs(folder, wheel, version):
            built = _build(folder, pin, variables)
            packages()
            if not _runs(folder, built, version):
                raise StepError(
                    f"{ENGINE} {version} was built, but Python cannot import it.\n"
                    "Check the build settings, such as CMAKE_ARGS."
                )
            keep_wheel(built, kept)
    _stamp(folder, **{ENGINE: key, "build-variables": json.dumps(variables)})


def copy_wheel(folder: Path, destination: Path, *, target: str | None = None) -> None:
    """Copy the wheel of llama-cpp-python that this machine uses, or one for another platform.

    Makes the wheel if none is kept. A library for Linux comes with the OpenMP library of the
    wheel of scikit-learn in the destination, if there is one.
    """
    pin, variables = engine_pin(), build_variables(folder)
    if target is not None:
        (there,) = (
            known for known in prebuilt_engine.PLATFORMS.values() if known.runs_on == target
        )
        shutil.copy(_join(folder, pin, there, beside=destination), destination)
        return
    here = prebuilt_engine.this_platform()
    if here is not None and chosen_build(folder, variables) == "prebuilt":
        kept = _kept_folder(pin, prebuilt_key(pin))
        wheel = kept_wheel(kept) or _join(folder, pin, here)
    else:
        kept = _kept_folder(pin, wheel_key(pin, variables))
        wheel = kept_wheel(kept) or _build(folder, pin, variables)
    if wheel.parent != kept:
        keep_wheel(wheel, kept)
    shutil.copy(wheel, destination)


def prebuilt_key(pin: str) -> str:
    """Return a key for the wheel with the prebuilt library."""
    return fingerprint("prebuilt", pin, _text(REQUIREMENTS / "llama-cpp-library.txt"))


def fingerprint(*parts: str) -> str:
    """Hash a list of texts so that different lists give different hashes."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()


def engine_pin() -> str:
    """Return the lines that pin llama-cpp-python, with its hashes."""
    found = _ENGINE_PIN.search(_text(REQUIREMENTS / "llama-cpp.txt"))
    if found is None:
        raise StepError(f"requirements: {ENGINE} is not pinned.\nRun scripts/lock.")
    return found.group()


def engine_version(pin: str) -> str:
    """Return the version in the lines that pin llama-cpp-python."""
    return pin.split()[0].removeprefix(f"{ENGINE}==")


def wheel_key(pin: str, variables: Mapping[str, str]) -> str:
    """Return a key for the wheel that this machine would build from the pinned source.

    The key covers the processor: a home folder shared by two machines must not give one of them
    instructions that it does not have. It leaves out the Python version: the wheel fits all.
    """
    return fingerprint(
        pin,
        _text(REQUIREMENTS / "llama-cpp-build.txt"),
        _text(BUILD_SETTINGS),
        json.dumps(dict(sorted(variables.items()))),
        sysconfig.get_platform(),
        " ".join(platform.libc_ver()),
        _processor(),
    )


def build_variables(folder: Path) -> dict[str, str]:
    """Return the build settings of this call, or else those of the last build.

    Remembering them keeps a build for a GPU when a later call does not repeat its settings.
    """
    remembered: dict[str, str] = json.loads(_stamps(folder).get("build-variables", "{}"))
    return remembered | {name: os.environ[name] for name in _BUILD_VARIABLES if name in os.environ}


def kept_wheel(folder: Path) -> Path | None:
    """Return the wheel in a cache folder; None if it is missing or damaged."""
    for wheel in folder.glob("*.whl"):
        damage = contextlib.suppress(OSError, zipfile.BadZipFile, zlib.error)
        with damage, zipfile.ZipFile(wheel) as archive:
            if archive.testzip() is None:
                return wheel
    return None


def keep_wheel(wheel: Path, folder: Path) -> None:
    """Keep a wheel for other checkouts, or only say so if the cache cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(shutil.copy(wheel, folder / f".{os.getpid()}"))
        draft.replace(folder / wheel.name)
    except OSError as error:
        print(f"The built wheel was not kept: {error.strerror}.")


def cache_folder() -> Path:
    """Return the folder of kept wheels; it need not exist."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localensemble" / "wheels"


def _kept_folder(pin: str, key: str) -> Path:
    return cache_folder() / f"{pin.split()[0].replace('==', '-')}-{key[:16]}"


def _runs(folder: Path, wheel: Path, version: str) -> bool:
    """Install a wheel, and return whether Python can import its package."""
    command = ["install", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    _run_pip(folder, f"Installing {ENGINE} {version}", command)
    return _importable_version(folder) == version


def _importable_version(folder: Path) -> str | None:
    code = f"import importlib.metadata as m, llama_cpp; print(m.version('{ENGINE}'))"
    # A wheel built for another processor kills the process that imports it: use a child.
    ended = subprocess.run([_python(folder), "-c", code], capture_output=True)
    return ended.stdout.decode().strip() if ended.returncode == 0 else None


def _install_tools(folder: Path) -> None:
    text = _text(REQUIREMENTS / "llama-cpp-build.txt")
    if _stamps(folder).get("tools") != fingerprint(text):
        tools = ["--requirement", str(REQUIREMENTS / "llama-cpp-build.txt")]
        _run_pip(folder, "Installing the build tools", [*_PINNED, *tools])
        _stamp(folder, tools=fingerprint(text))


def _build(folder: Path, pin: str, variables: Mapping[str, str]) -> Path:
    _install_tools(folder)
    # The backend splits the variable as a shell does, and a folder name may contain a space.
    settings = shlex.quote(f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={BUILD_SETTINGS.as_posix()}")
    made = _emptied(folder / "built")
    _build_wheel(
        folder,
        pin,
        made,
        f"Building {ENGINE} from source, once: this takes minutes (about 5 on two cores)",
        variables={**variables, "CMAKE_ARGS": f"{settings} {variables.get('CMAKE_ARGS', '')}"},
        hint="Install a C and C++ compiler. Debian and Ubuntu: apt install build-essential; "
        "macOS: xcode-select --install; Windows: Visual Studio Build Tools with C++.",
    )
    (wheel,) = made.glob("*.whl")
    return wheel


def _build_wheel(
    folder: Path,
    pin: str,
    made: Path,
    title: str,
    *,
    variables: Mapping[str, str] | None = None,
    hint: str = "",
) -> None:
    """Build the wheel of llama-cpp-python from its pinned source, into a folder."""
    source = made / "source.txt"
    source.write_text(pin, encoding="utf-8")
    _run_pip(
        folder,
        f"Getting {ENGINE}",
        [
            "download", "--require-hashes", "--no-deps", "--no-build-isolation",
            "--no-binary", ENGINE, "--dest", str(made), "--requirement", str(source),
        ],
        variables=variables,
    )  # fmt: skip
    (archive,) = made.glob("*.tar.gz")
    _run_pip(
        folder,
        title,
        [
            # pip's own cache does not know for which processor and options a wheel was built.
            "wheel", "--no-cache-dir", "--no-index", "--no-deps", "--no-build-isolation",
            "--verbose", "--wheel-dir", str(made), str(archive),
        ],
        variables=variables,
        hint=hint,
    )  # fmt: skip
    archive.unlink()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _run_pip(
    folder: Path,
    title: str,
    arguments: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    hint: str = "",
) -> None:
    """Run pip with its output in a log file, and show the time while it runs."""
    _finish_pip(_start_pip(folder, title, arguments, variables=variables, hint=hint))


def _start_pip(
    folder: Path,
    title: str,
    arguments: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    hint: str = "",
    log: str = "install",
) -> _Running:
    if not hint and "--no-index" not in arguments:
        hint = "This step needs the network, once."
    path, started = folder / f"{log}.log", time.monotonic()
    with path.open("wb") as output:
        process = subprocess.Popen(
            [_python(folder), "-m", "pip", "--disable-pip-version-check", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})},
            cwd=ROOT,
        )
    return _Running(process, path, started, title, hint)


def _finish_pip(running: _Running) -> None:
    print(f"{running.title} ...", flush=True)
    process = running.process
    try:
        _wait(process, running.log, running.started)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode != 0:
        ending = _text(running.log).splitlines()[-25:]
        code = f"{running.title}: pip ended with code {process.returncode}."
        end = f"The complete output is in {running.log}."
        raise StepError("\n".join([*ending, "", code, running.hint, end]))
    print(f"  done in {_clock(running.started)}", flush=True)


def _wait(process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    live = sys.stdout.isatty()
    while True:
        try:
            # A terminal shows a running clock; a log file gets a line every 30 seconds.
            process.wait(timeout=1 if live else 30)
        except subprocess.TimeoutExpired:
            line = f"  {_clock(started)} {build_step(log)}"
            print(f"\r{line:<40}" if live else line, end="" if live else "\n", flush=True)
        else:
            print("\r" if live else "", end="")
            return


def build_step(log: Path) -> str:
    """Return the progress of a compilation, if the log shows it: ninja counts its steps."""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 65536))
        steps = re.findall(rb"^ *\[(\d+)/(\d+)\]", lines.read(), flags=re.MULTILINE)
    return f"step {int(steps[-1][0])} of {int(steps[-1][1])}" if steps else ""


def _clock(started: float) -> str:
    seconds = int(time.monotonic() - started)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _processor() -> str:
    """Return this processor's instruction flags, or its name if the system does not list them."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True).stdout.decode().strip()
    with contextlib.suppress(OSError):
        for line in _text(Path("/proc/cpuinfo")).splitlines():
            if line.startswith(("flags", "Features")):
                return " ".join(sorted(line.partition(":")[2].split()))
    return platform.processor()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _packages(folder: Path) -> Path:
    """Return the folder of an environment's packages."""
    if sys.platform == "win32":
        return folder / "Lib" / "site-packages"
    return next(folder.glob("lib/python3.*/site-packages"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _stamps(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads(_text(folder / "stamps.json")))
    except (OSError, ValueError):
        return {}


def _stamp(folder: Path, **stamps: str) -> None:
    content = json.dumps(_stamps(folder) | stamps, indent=2)
    (folder / "stamps.json").write_text(f"{content}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
