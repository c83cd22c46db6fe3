"""Gather the Python packages of a bundle: the program and its dependencies, for one platform.

Uses the releases in the lock, by hash. pip fetches them from the index it is configured for;
the program's own wheel is built from the checkout, and the wheel of llama-cpp-python holds a
prebuilt library or one that was compiled in advance. Refuses a package without a wheel: the
other machine compiles nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.bundle.installer import platform_name
from localensemble.core.errors import BundleError, InputError

COMPILED = "llama-cpp-python"
# The locks of the extras that the program runs with: `all` in pyproject.toml.
LOCKS = ("llama-cpp", "learn", "review", "tables")

# Platforms with a prebuilt library of llama.cpp, by the names that people type. Their
# tags are those of `PLATFORMS` in scripts/prebuilt_engine.py.
PREBUILT = {
    "linux-x86_64": "manylinux_2_38_x86_64",
    "macos-arm64": "macosx_14_0_arm64",
    "macos-x86_64": "macosx_14_0_x86_64",
    "windows-x64": "win_amd64",
}

_BLOCK = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))? \\\n"
    r"(?P<hashes>(?:[ \t]+--hash=.*\n?)+)",
    flags=re.MULTILINE,
)
_LINUX_TAG = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)")
_MAC_TAG = re.compile(r"macosx_\d+_\d+_(\w+)")
_OLDEST_GLIBC = 5
_GLIBC_SYMBOL = re.compile(rb"GLIBC_(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Target:
    """The machine that a bundle is for.

    Attributes:
        python: its version of Python, for example ``3.12``.
        tag: pip's name of its platform, for example ``manylinux_2_28_x86_64``; None for this
            machine.
    """

    python: str
    tag: str | None = None

    @classmethod
    def named(cls, name: str | None, *, python: str) -> Target:
        """Return the machine with a name such as ``windows-x64``, or with pip's name of it."""
        return cls(python, None if name is None else PREBUILT.get(name, name))

    @property
    def has_prebuilt_library(self) -> bool:
        """Whether the engine for it can be made on any machine, without a compiler."""
        return self.tag in PREBUILT.values()

    @property
    def name(self) -> str:
        """The installer's name of the platform.

        Raises:
            InputError: the tag is unknown.
        """
        if self.tag is None:
            return platform_name()
        if linux := _LINUX_TAG.fullmatch(self.tag):
            return f"linux-{linux[4]}"
        if mac := _MAC_TAG.fullmatch(self.tag):
            return f"darwin-{mac[1]}"
        if self.tag in ("win_amd64", "win_arm64"):
            return f"windows-{self.tag.removeprefix('win_')}"
        raise InputError(
            f'Cannot make a bundle for "{self.tag}": unknown platform.',
            hint=f"Name one of {', '.join(PREBUILT)}, or a platform as pip does, for example "
            "manylinux_2_28_aarch64 (Linux with glibc 2.28 or newer).",
        )

    def tags(self) -> tuple[str, ...]:
        """Return pip's platform tags of the wheels that run there; empty for this machine."""
        if self.tag is None:
            return ()
        linux = _LINUX_TAG.fullmatch(self.tag)
        if linux is None or linux[1] == "musllinux":
            return (self.tag,)
        machine = linux[4]
        tags = [
            f"manylinux_2_{minor}_{machine}"
            for minor in range(int(linux[3]), _OLDEST_GLIBC - 1, -1)
        ]
        # pip accepts the older names of the same platforms only if they are listed.
        return (*tags, *(f"manylinux{year}_{machine}" for year in (2014, 2010, 1)))


def this_python() -> str:
    """Return the version of Python that runs this program."""
    return "{}.{}".format(*sys.version_info)


def gather_wheels(folder: Path, *, checkout: Path, target: Target, compiled: Path | None) -> None:
    """Put every wheel for a machine into a folder.

    Args:
        checkout: the checkout of the program, whose lock is used.
        compiled: a wheel of llama-cpp-python for that machine. None makes one with a prebuilt
            library, or uses the one built on this machine, or builds it, which takes minutes.

    Raises:
        InputError: the wheel of llama-cpp-python is missing or not for that machine.
        BundleError: pip cannot fetch the wheels, or the program's own wheel cannot be built.
    """
    pins = locked(checkout, target=target)
    engine = pins.pop(COMPILED)
    if compiled is not None:
        _refuse_unfit(compiled, engine, target)
        (folder / compiled.name).write_bytes(compiled.read_bytes())
    elif not target.has_prebuilt_library:
        _built_here(folder, checkout=checkout, target=target)
    _fetch(folder, pins, target)
    if compiled is None and target.has_prebuilt_library:
        # After the fetch: a library for Linux takes the OpenMP library from a fetched wheel.
        _run(
            f"make the wheel of {COMPILED} for {target.name}",
            _environment_script(checkout, folder, "--for", str(target.tag)),
            hint="Prepare the checkout with scripts/setup; this step needs the network.",
            checkout=checkout,
        )
    _run(
        "build the program's own wheel",
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        hint="Prepare the checkout with scripts/setup, and run its .venv/bin/localensemble.",
        checkout=checkout,
    )


def needed_library(folder: Path) -> str:
    """Return the oldest C library these wheels run with, such as ``glibc 2.28``; empty if any.

    The name of a wheel built for one machine has no version; its libraries show what it needs.
    """
    from packaging.utils import parse_wheel_filename

    needed: dict[str, tuple[int, int]] = {}
    for wheel in folder.glob("*.whl"):
        platforms = {tag.platform for tag in parse_wheel_filename(wheel.name)[3]}
        found = [_LINUX_TAG.fullmatch(name) for name in platforms]
        named = [(tag[1], (int(tag[2]), int(tag[3]))) for tag in found if tag]
        if named:
            # It runs wherever one of its tags matches.
            library, version = min(named)
            needed[library] = max(version, needed.get(library, version))
        elif any(name.startswith("linux") for name in platforms):
            needed["manylinux"] = max(_glibc_of(wheel), needed.get("manylinux", (0, 0)))
    names = {"manylinux": "glibc", "musllinux": "musl"}
    return " and ".join(
        f"{names[library]} {version[0]}.{version[1]}"
        for library, version in sorted(needed.items())
        if version != (0, 0)
    )


def _glibc_of(wheel: Path) -> tuple[int, int]:
    with zipfile.ZipFile(wheel) as archive:
        libraries = [archive.read(name) for name in archive.namelist() if ".so" in name]
    found = {match for content in libraries for match in _GLIBC_SYMBOL.findall(content)}
    return max(((int(major), int(minor)) for major, minor in found), default=(0, 0))


def locked(checkout: Path, *, target: Target) -> dict[str, str]:
    """Read the lock for one machine: each package's pin with its hashes, by name.

    Raises:
        BundleError: the lock cannot be read.
    """
    from packaging.markers import Marker

    there = _markers(target)
    pins = {}
    for name in LOCKS:
        path = checkout / "requirements" / f"{name}.txt"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BundleError(
                f"Cannot read {path}: {error.strerror}.", hint="Get a complete checkout again."
            ) from error
        for pin in _BLOCK.finditer(text):
            if pin["marker"] is None or Marker(pin["marker"]).evaluate(there):
                hashes = pin["hashes"].rstrip()
                pins[pin["name"]] = f"{pin['name']}=={pin['version']} \\\n{hashes}\n"
    return pins


def _markers(target: Target) -> dict[str, str]:
    """Return the other machine's values for markers; pip would evaluate them for this one."""
    system, machine = target.name.split("-", 1)
    return {
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",
        "sys_platform": {"windows": "win32"}.get(system, system),
        "os_name": "nt" if system == "windows" else "posix",
        "platform_system": system.capitalize(),
        "platform_machine": machine.upper() if system == "windows" else machine,
    }


def _built_here(folder: Path, *, checkout: Path, target: Target) -> None:
    if target.name != platform_name():
        raise InputError(
            f"Cannot make a bundle for {target.name} here: {COMPILED} must be built on such a "
            f"machine, but this is {platform_name()}.",
            hint=f"For {', '.join(PREBUILT)}, no such machine is needed. Otherwise, run "
            "scripts/setup on one, and pass the wheel that it keeps in its cache folder "
            "localensemble/wheels with `--llama-cpp-wheel`.",
        )
    _run(
        f"get the wheel of {COMPILED}",
        _environment_script(checkout, folder),
        hint="Run scripts/setup in the checkout; it builds the wheel.",
        checkout=checkout,
    )


def _environment_script(checkout: Path, folder: Path, *more: str) -> list[str]:
    script = str(checkout / "scripts" / "environment.py")
    return [sys.executable, script, "--wheel-to", str(folder), *more]


def _refuse_unfit(wheel: Path, pin: str, target: Target) -> None:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    wanted = pin.split()[0]
    try:
        name, version, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise InputError(
            f"Cannot use {wheel} as the wheel of {COMPILED}: it does not have the name of a wheel.",
            hint="Pass the .whl file with its original name.",
        ) from error
    system, machine = target.name.split("-", 1)
    prefix = {"linux": ("linux", "manylinux", "musllinux"), "darwin": ("macosx",)}.get(
        system, ("win",)
    )
    fits = any(tag.platform.startswith(prefix) and tag.platform.endswith(machine) for tag in tags)
    if f"{name}=={version}" != wanted or not fits or not wheel.is_file():
        raise InputError(
            f"Cannot use {wheel} as the wheel of {COMPILED}: expected an existing wheel of "
            f"{wanted} for {target.name}.",
            hint="Build it on such a machine with scripts/setup of the same checkout.",
        )


def _fetch(folder: Path, pins: Mapping[str, str], target: Target) -> None:
    chosen: list[str] = []
    if target.tag is not None or target.python != this_python():
        chosen += ["--python-version", target.python, "--implementation", "cp"]
        chosen += [part for tag in target.tags() for part in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text("".join(pins.values()), encoding="utf-8")
        _run(
            f"fetch the wheels for {target.name} with Python {target.python}",
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download"),
                *("--require-hashes", "--no-deps", "--only-binary", ":all:", *chosen),
                *("--dest", str(folder), "--requirement", str(wanted)),
            ],
            hint="Check the connection to the package index that pip is configured for, or let "
            "pip take the wheels from a folder with PIP_NO_INDEX=1 and PIP_FIND_LINKS.",
        )


def _run(title: str, command: Sequence[str], *, hint: str, checkout: Path | None = None) -> None:
    ended = subprocess.run(
        command,
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        ending = "\n".join(ended.stdout.splitlines()[-15:])
        raise BundleError(
            f"{ending}\nCannot {title}: the command ended with code {ended.returncode}.", hint=hint
        )
