"""Check a bundle, and install its contents on a machine without a network.

Decides whether a bundle is exactly the one that was made: its list of hashes has the SHA-256
that the user received separately, and every file is on that list with its hash. Every bundle
contains this file, unchanged, as ``install.py``. It uses only the Python standard library and
opens no connection.
"""

import sys

if __name__ == "__main__" and not sys.flags.isolated:
    # Without -I, Python would import modules from this folder before anything was checked.
    sys.exit("Cannot start like this: run `python3 -I install.py`, or use install.sh.")
if sys.version_info < (3, 11):  # noqa: UP036 - the user's Python, not ours
    sys.exit("Cannot install: localensemble needs Python 3.11 or newer.")

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
WHEELS = "wheels"
PYTHON_ARCHIVE = "python/python.tar.gz"
# Marks an environment made by this installer; any other must not be cleared.
_MARK = "made-by-localensemble"
# What the installer compares or shows; other fields are for people who read the file.
_MANIFEST_TEXTS = ("platform", "library", "python", "built_on")
_LONGEST_LINE = 200

# A line that `sha256sum -c` reads, with a name that every file system accepts.
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_+.-]+(?:/[A-Za-z0-9_+.-]+)*)\n")


class DamagedBundleError(Exception):
    """A folder is not the bundle that was made; ``problems`` lists each file and its problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InstallError(Exception):
    """A step failed; the text is shown to the user."""


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """A bundle whose files match its list of hashes.

    Attributes:
        folder: the bundle's folder.
        manifest: the content of ``manifest.json``.
        files: the SHA-256 of each file by name, without ``SHA256SUMS`` itself.
        sha256: the SHA-256 of ``SHA256SUMS``.
    """

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, str]
    sha256: str


def check_bundle(folder: Path, *, sha256: str, read_files: bool = True) -> CheckedBundle:
    """Check the list of hashes of a bundle, then every file on it.

    Args:
        sha256: the SHA-256 of ``SHA256SUMS``, as shown when the bundle was made.
        read_files: False if ``sha256sum -c`` has just read all files. Then this checks only
            their names, and that each is a plain file.

    Raises:
        DamagedBundleError: files are changed, missing or unexpected; lists each.
    """
    if not _is_plain(folder / SUMS):
        # Never open anything but a plain file: reading it may never end.
        exists = os.path.lexists(folder / SUMS)
        raise DamagedBundleError([f"{SUMS}: {'not a plain file' if exists else 'missing'}"])
    content = _read(folder, SUMS)
    found, wanted = hashlib.sha256(content).hexdigest(), _digits(sha256)
    if found != wanted:
        raise DamagedBundleError([f"{SUMS}: changed; SHA-256 {found}, expected {wanted}"])
    files = _listed(content)
    problems = _file_problems(folder, files, read_files=read_files)
    if problems:
        raise DamagedBundleError(problems)
    manifest = _read(folder, MANIFEST)
    if hashlib.sha256(manifest).hexdigest() != files[MANIFEST]:
        raise DamagedBundleError([f"{MANIFEST}: changed"])
    return CheckedBundle(folder, _read_manifest(manifest, files), files, found)


def _read_manifest(content: bytes, files: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the manifest; its maker may be anybody, so every value is checked before use."""
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        raise DamagedBundleError([f"{MANIFEST}: not JSON, or nested too deeply"]) from None
    if not isinstance(manifest, dict):
        raise DamagedBundleError([f"{MANIFEST}: not an object with fields"])
    problems = [
        f"{MANIFEST}: {key} is missing, or is not one line of text"
        for key in _MANIFEST_TEXTS
        if not _is_line(manifest.get(key))
    ]
    models = manifest.get("models")
    if not isinstance(models, list):
        problems.append(f"{MANIFEST}: models is missing, or is not a list")
        models = []
    names = []
    for place, model in enumerate(models):
        name = model.get("name") if isinstance(model, dict) else None
        if not _is_line(name) or f"models/{name}.gguf" not in files:
            problems.append(f"{MANIFEST}: models[{place}] does not name a model of this bundle")
        elif name in names:
            problems.append(f"{MANIFEST}: models[{place}] repeats a model")
        names.append(name)
    if problems:
        raise DamagedBundleError(problems)
    return manifest


def _is_line(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_LINE and value.isprintable()


def _digits(sha256: str) -> str:
    """Remove what people put between the digits."""
    return re.sub(r"[\s:-]", "", sha256).lower()


def _listed(content: bytes) -> dict[str, str]:
    lines = content.decode("ascii", "replace").splitlines(keepends=True)
    found = [line for text in lines if (line := _LINE.fullmatch(text))]
    files = {line[2]: line[1] for line in found}
    if len(files) < len(lines) or MANIFEST not in files:
        raise DamagedBundleError(
            [f"{SUMS}: not the list of a bundle; a line is malformed, or repeats a file"]
        )
    return files


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise DamagedBundleError([f"{name}: cannot be read ({error.strerror})"]) from error


def _file_problems(folder: Path, expected: Mapping[str, str], *, read_files: bool) -> list[str]:
    """Compare the files in the folder with those in the list."""
    problems = []
    found = set()
    for path in _everything(folder):
        name = path.relative_to(folder).as_posix()
        # A terminal must not interpret the name or show it as several lines.
        shown = name if name.isprintable() else ascii(name)
        found.add(name)
        if not _is_plain(path):
            problems.append(f"{shown}: not a plain file")
        elif name in expected:
            problems += _content_problems(path, name, expected[name]) if read_files else []
        elif name != SUMS:
            problems.append(f"{shown}: does not belong to the bundle; remove it")
    return sorted([*problems, *(f"{name}: missing" for name in expected if name not in found)])


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _everything(folder: Path) -> list[Path]:
    paths = []
    for place, folders, files in os.walk(folder):
        paths += [Path(place, name) for name in files]
        # os.walk does not enter a link to a folder, but the link must be reported.
        paths += [path for name in folders if (path := Path(place, name)).is_symlink()]
    return paths


def _content_problems(path: Path, name: str, expected: str) -> list[str]:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return [f"{name}: cannot be read ({error.strerror})"]
    return [] if found == expected else [f"{name}: changed; SHA-256 {found}, expected {expected}"]


def platform_name() -> str:
    """Return this system and its kind of processor, for example ``linux-x86_64``."""
    return f"{platform.system()}-{platform.machine()}".lower()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that contains this file and install it; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="install",
        description="Check this bundle and install it. Needs no network.",
        allow_abbrev=False,  # install.sh also looks for --sha256
    )
    parser.add_argument(
        "--sha256",
        required=True,
        metavar="DIGITS",
        help="SHA-256 of the file SHA256SUMS, as shown when the bundle was made",
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=Path.home() / "localensemble-offline",
        metavar="FOLDER",
        help="where to install (default: %(default)s)",
    )
    parser.add_argument(
        "--agree",
        action="append",
        default=[],
        metavar="LICENSE",
        help="agree to a model's terms in advance; may be repeated",
    )
    parser.add_argument("--check", action="store_true", help="check the bundle; install nothing")
    # Passed by install.sh, which has had sha256sum read every file.
    parser.add_argument("--files-were-read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parent
    try:
        bundle = check_bundle(folder, sha256=options.sha256, read_files=not options.files_were_read)
        _say(f"All {len(bundle.files)} files match {SUMS}.")
        if not options.check:
            _install(bundle, options.to.expanduser().resolve(), options.agree)
    except DamagedBundleError as error:
        _say("This is not the bundle that was made. Nothing was installed.", *error.problems)
        _say("Compare the digits, copy the bundle from its source again, or make it again.")
        return 1
    except InstallError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Interrupted. Run the same command again.")
        return 130
    return 0


def _install(bundle: CheckedBundle, target: Path, agreed: Sequence[str]) -> None:
    _refuse_other_machine(bundle.manifest)
    environment = target / ".venv"
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python, program = scripts / "python", scripts / "localensemble"
    if target.is_relative_to(bundle.folder):
        raise InstallError(
            f"Cannot install into {target}: this folder is inside the bundle, whose files must "
            "not change.\nChoose another folder with --to."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(
            f"Cannot create the folder {target}: {error.strerror}.\n"
            "Choose another folder with --to."
        ) from error
    ours = environment / _MARK
    if environment.exists() and not ours.exists():
        raise InstallError(
            f"Cannot install into {target}: {environment} was not made by this installer, or was "
            "not completed.\nChoose another folder with --to, or delete it."
        )
    if not _runs_here(python):
        _run(
            "Making an environment",
            [sys.executable, "-I", "-m", "venv", "--clear", environment],
            hint="On Debian and Ubuntu, install the package python3-venv first.",
        )
        ours.touch()
    wheels = bundle.folder / WHEELS
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(requirements_of(bundle.files), encoding="utf-8")
        _run(
            "Installing the packages",
            [
                *(python, "-I", "-m", "pip", "install", "--no-index", "--find-links", wheels),
                *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--force-reinstall"),
                *("--no-cache-dir", "--requirement", wanted),
            ],
            hint=f"The wheels were gathered for {_made_for(bundle.manifest)}.",
        )
    terms = [part for license in agreed for part in ("--agree", license)]
    command = [program, "models", "unbundle", bundle.folder, "-o", target]
    ended = subprocess.run(
        [str(part) for part in [*command, "--sha256", bundle.sha256, *terms]],
        env=_environment(),
        check=False,
    )
    if ended.returncode != 0:
        raise InstallError(
            "The program is installed, but the bundle's models and files are not; see above."
        )
    with tempfile.TemporaryDirectory() as scratch:
        _run(
            "Trying it on five texts",
            [program, "demo", "--limit", "5", "-o", Path(scratch, "study")],
            hint="The program is installed, but its engine does not run here. It was built on: "
            f"{bundle.manifest['built_on']}. A machine without that processor's instructions "
            "needs a bundle with an engine built for it.",
        )
    _say("", "Installed. Next:", f"  {program} demo")


def requirements_of(files: Mapping[str, str]) -> str:
    """Return pip requirements that name the wheels by their checked hashes.

    Uses the hashes in memory: a list on the drive could have changed when it is read again.
    """
    lines = []
    for path, sha256 in files.items():
        folder, _, wheel = path.rpartition("/")
        if folder == WHEELS:
            name, version = wheel.split("-")[:2]
            lines.append(f"{name}=={version} --hash=sha256:{sha256}\n")
    return "".join(lines)


def _refuse_other_machine(manifest: Mapping[str, Any]) -> None:
    python, library = platform.python_implementation(), " ".join(platform.libc_ver()).strip()
    fits = (
        platform_name() == manifest["platform"]
        and python == "CPython"
        and "{}.{}".format(*sys.version_info) == manifest["python"]
        and _is_enough(library, manifest["library"])
    )
    if not fits:
        found = f"{platform_name()} with {python} {sys.version.split()[0]}"
        raise InstallError(
            f"Cannot install here: the bundle is for {_made_for(manifest)}, but this is {found}"
            f"{f' and {library}' if library else ''}.\n"
            "Name a matching Python with `PYTHON=/path/to/python3 sh install.sh`, or make a "
            "bundle for this machine."
        )


def _is_enough(found: str, needed: str) -> bool:
    """Compare glibc versions; for other libraries Python does not know the version."""
    here, there = (re.fullmatch(r"glibc (\d+)\.(\d+)", name) for name in (found, needed))
    if here is None or there is None:
        return True
    return [int(part) for part in here.groups()] >= [int(part) for part in there.groups()]


def _made_for(manifest: Mapping[str, Any]) -> str:
    wanted = f"{manifest['platform']} with CPython {manifest['python']}"
    return f"{wanted} and {manifest['library']} or newer" if manifest["library"] else wanted


def _runs_here(python: Path) -> bool:
    code = "import pip, sys; print(sys.version_info[:2])"
    try:
        command = [str(python), "-I", "-c", code]
        ended = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return ended.stdout.strip() == str(sys.version_info[:2]).encode()


def _run(title: str, command: Sequence[str | Path], *, hint: str) -> None:
    _say(f"{title} ...")
    ended = subprocess.run(
        [str(part) for part in command],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        lines = [*ended.stdout.splitlines()[-15:], f"{title}: ended with {ended.returncode}.", hint]
        raise InstallError("\n".join(lines))


def _environment() -> dict[str, str]:
    """Return the environment without this machine's settings for pip and Python."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))
    }
    return kept | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
