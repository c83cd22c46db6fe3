"""Check a bundle, and install what is in it on a machine without a network.

Decides whether a bundle is, to the last byte and the last file, the one that was signed. This
file travels in every bundle as ``install.py``, unchanged: it is the only code that runs before
everything was checked. That is why it uses nothing but Python itself, and why it verifies an
Ed25519 signature with its own few lines. Opens no connection.
"""

import sys

if __name__ == "__main__" and not sys.flags.isolated:
    # Without -I Python would import what lies beside this file, before anything was checked.
    sys.exit("Cannot start like this: run it as `python3 -I install.py`, or use install.sh.")
if sys.version_info < (3, 11):  # noqa: UP036 - somebody's Python, not ours
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
SIGNATURE = "manifest.json.sig"
WHEELS = "wheels"
# In an environment that was made here: one of somebody else's must not be cleared.
_MARK = "made-by-localensemble"

_SIGNATURE_FILE = re.compile(rb"key ([0-9a-f]{64})\nsignature ([0-9a-f]{128})\n")
_CHUNK_BYTES = 1 << 20

# The numbers of RFC 8032, section 5.1.
_FIELD = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _FIELD) % _FIELD
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)

Point = tuple[int, int]


class DamagedBundleError(Exception):
    """A folder is not the bundle that was signed; ``problems`` names each file and what it is."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InstallError(Exception):
    """A step failed; the text is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """A bundle every byte of which was checked.

    Attributes:
        folder: where it lies.
        manifest: what ``manifest.json`` says.
        fingerprint: of the key that signed it.
    """

    folder: Path
    manifest: Mapping[str, Any]
    fingerprint: str

    def sha256_of(self, name: str) -> str:
        """Give the sha256 that was signed for a file; ``KeyError`` if there is none."""
        found: dict[str, str] = {one["name"]: one["sha256"] for one in self.manifest["files"]}
        return found[name]


def check_bundle(folder: Path, *, fingerprint: str | None = None) -> CheckedBundle:
    """Check the signature of a bundle, then every file of it.

    Args:
        fingerprint: of the key that must have signed it; None takes any key. Then the check
            finds damage, but nobody who made a new bundle with a key of their own.

    Raises:
        DamagedBundleError: anything is changed, missing or too much, or the key is another.
    """
    # What is no plain file is not opened: reading it may never come to an end.
    problems = [
        f"{name}: {'no plain file' if os.path.lexists(folder / name) else 'missing'}"
        for name in (MANIFEST, SIGNATURE)
        if not _is_plain(folder / name)
    ]
    if problems:
        raise DamagedBundleError(problems)
    manifest = _read(folder, MANIFEST)
    written = _SIGNATURE_FILE.fullmatch(_read(folder, SIGNATURE))
    if written is None:
        raise DamagedBundleError([f"{SIGNATURE}: changed; it holds no key and signature"])
    key, signature = (bytes.fromhex(part.decode()) for part in written.groups())
    if not signature_fits(signature, manifest, key=key):
        raise DamagedBundleError(
            [f"{MANIFEST} or {SIGNATURE}: changed; the signature does not fit"]
        )
    found = fingerprint_of(key)
    if fingerprint is not None and found != _plain(fingerprint):
        raise DamagedBundleError(
            [
                f"{SIGNATURE}: signed by another key; its fingerprint is {found}, "
                f"expected {_plain(fingerprint)}"
            ]
        )
    content = json.loads(manifest)
    expected = {one["name"]: one for one in content["files"]}
    problems = _file_problems(folder, expected)
    if len(expected) < len(content["files"]):
        problems.append(f"{MANIFEST}: names a file twice")
    if problems:
        raise DamagedBundleError(problems)
    return CheckedBundle(folder, content, found)


def fingerprint_of(key: bytes) -> str:
    """Name a public key by the 64 hexadecimal digits of its sha256."""
    return hashlib.sha256(key).hexdigest()


def signature_fits(signature: bytes, message: bytes, *, key: bytes) -> bool:
    """Verify an Ed25519 signature (RFC 8032, section 5.1.7); 32 bytes of key, 64 of signature.

    Only what is public is computed with, so the time it takes gives nothing away.
    """
    public = _decoded(key)
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or len(signature) != 64 or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    negative = (_FIELD - public[0], public[1])
    x, y = _sum(_times(scalar, _BASE), _times(challenge, negative))
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def _decoded(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(encoded) != 32 or y >= _FIELD:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _FIELD) % _FIELD
    x = pow(square, (_FIELD + 3) // 8, _FIELD)
    if x * x % _FIELD != square:
        x = x * pow(2, (_FIELD - 1) // 4, _FIELD) % _FIELD
    if x * x % _FIELD != square or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else _FIELD - x, y)


def _sum(first: Point, second: Point) -> Point:
    (a, b), (c, d) = first, second
    product = _D * a * b * c * d
    return (
        (a * d + b * c) * pow(1 + product, -1, _FIELD) % _FIELD,
        (b * d + a * c) * pow(1 - product, -1, _FIELD) % _FIELD,
    )


def _times(factor: int, point: Point) -> Point:
    total: Point = (0, 1)
    while factor:
        if factor & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        factor >>= 1
    return total


def _plain(fingerprint: str) -> str:
    """Take out what people put between the digits."""
    return re.sub(r"[\s:-]", "", fingerprint).lower()


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise DamagedBundleError([f"{name}: cannot be read ({error.strerror})"]) from error


def _file_problems(folder: Path, expected: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare the files that are there with those of the manifest; read each of them."""
    problems = []
    found = set()
    for path in _everything(folder):
        name = path.relative_to(folder).as_posix()
        # A terminal must not obey it, nor take it for several lines.
        shown = name if name.isprintable() else ascii(name)
        found.add(name)
        if not _is_plain(path):
            problems.append(f"{shown}: no plain file")
        elif name in expected:
            problems += _content_problems(path, expected[name])
        elif name not in (MANIFEST, SIGNATURE):
            problems.append(f"{shown}: does not belong to the bundle; take it away")
    return sorted([*problems, *(f"{name}: missing" for name in expected if name not in found)])


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _everything(folder: Path) -> list[Path]:
    paths = []
    for place, folders, files in os.walk(folder):
        paths += [Path(place, name) for name in files]
        # A link to a folder is not walked into, and must not be overlooked.
        paths += [path for name in folders if (path := Path(place, name)).is_symlink()]
    return paths


def _content_problems(path: Path, expected: Mapping[str, Any]) -> list[str]:
    name, digest, size = expected["name"], hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                size += len(chunk)
                digest.update(chunk)
    except OSError as error:
        return [f"{name}: cannot be read ({error.strerror})"]
    if size != expected["size_bytes"]:
        return [f"{name}: changed; {size:,} bytes, expected {expected['size_bytes']:,}"]
    if digest.hexdigest() != expected["sha256"]:
        return [f"{name}: changed; sha256 {digest.hexdigest()}, expected {expected['sha256']}"]
    return []


def platform_name() -> str:
    """Name this system and its kind of processor, for example ``linux-x86_64``."""
    return f"{platform.system()}-{platform.machine()}".lower()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle in which this file lies and install it; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="install.sh", description="Check this bundle and install it. Needs no network."
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=Path.home() / "localensemble-offline",
        metavar="FOLDER",
        help="where to install (default: %(default)s)",
    )
    parser.add_argument(
        "--fingerprint",
        metavar="DIGITS",
        help="of the key that must have signed the bundle, as shown when it was made",
    )
    parser.add_argument(
        "--agree",
        action="append",
        default=[],
        metavar="LICENSE",
        help="agree to these terms of a model without being asked; may be repeated",
    )
    parser.add_argument("--check", action="store_true", help="check the bundle; install nothing")
    options = parser.parse_args(arguments)
    try:
        bundle = check_bundle(Path(__file__).resolve().parent, fingerprint=options.fingerprint)
        _say(_found_whole(bundle, known=options.fingerprint is not None))
        if not options.check:
            _install(bundle, options.to.expanduser().resolve(), options.agree)
    except DamagedBundleError as error:
        _say("This is not the bundle that was signed. Nothing was installed.", *error.problems)
        _say("Make the bundle again, or copy it again from where it was made.")
        return 1
    except InstallError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Interrupted. Run the same command again.")
        return 130
    return 0


def _found_whole(bundle: CheckedBundle, *, known: bool) -> str:
    files = bundle.manifest["files"]
    size = sum(one["size_bytes"] for one in files)
    whole = f"All {len(files)} files ({size / 1e6:,.0f} MB) are as they were signed.\n"
    if known:
        return f"{whole}The key is the one you named."
    return (
        f"{whole}Fingerprint of the key: {bundle.fingerprint}\n"
        "Compare it with the one shown when the bundle was made, which must have reached you by\n"
        "another way than this bundle: anybody can sign a bundle with a key of their own."
    )


def _install(bundle: CheckedBundle, target: Path, agreed: Sequence[str]) -> None:
    _refuse_other_machine(bundle.manifest)
    environment = target / ".venv"
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python, program = scripts / "python", scripts / "localensemble"
    if target.is_relative_to(bundle.folder):
        raise InstallError(
            f"Cannot install into {target}: it lies in the bundle, which would then hold what does "
            "not belong to it.\nChoose another folder with --to."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(f"Cannot make the folder {target}: {error.strerror}.") from error
    ours = environment / _MARK
    if environment.exists() and not ours.exists():
        raise InstallError(
            f"Cannot install into {target}: {environment} was not made by this installer, or not "
            "finished.\nChoose another folder with --to, or delete it."
        )
    if not _runs_here(python):
        _run(
            "Making an environment",
            [sys.executable, "-I", "-m", "venv", "--clear", environment],
            hint="On Debian and Ubuntu install what it needs: the package python3-venv.",
        )
        ours.touch()
    wheels = bundle.folder / WHEELS
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(requirements_of(bundle.manifest), encoding="utf-8")
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
        [str(part) for part in [*command, "--fingerprint", bundle.fingerprint, *terms]],
        env=_environment(),
        check=False,
    )
    if ended.returncode != 0:
        raise InstallError("The program is installed, but not what the bundle brings for it.")
    with tempfile.TemporaryDirectory() as scratch:
        _run(
            "Trying it on five texts",
            [program, "demo", "--limit", "5", "-o", Path(scratch, "study")],
            hint="The program is installed, but its engine does not run here. It was built on: "
            f"{bundle.manifest['built_on']}. A machine without the instructions of that processor "
            "needs a bundle with an engine built for it.",
        )
    _say("", "Installed. Next:", f"  {program} demo")


def requirements_of(manifest: Mapping[str, Any]) -> str:
    """Name the wheels for pip by the hashes that were signed.

    They are in memory. A list on the drive could be another one when it is read again.
    """
    lines = []
    for one in manifest["files"]:
        folder, _, wheel = one["name"].rpartition("/")
        if folder == WHEELS:
            name, version = wheel.split("-")[:2]
            lines.append(f"{name}=={version} --hash=sha256:{one['sha256']}\n")
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
            f"Cannot install here: the bundle is for {_made_for(manifest)}, and this is {found}"
            f"{f' and {library}' if library else ''}.\n"
            "Name a fitting Python as `PYTHON=/path/to/python3 sh install.sh`, or make a bundle "
            "for this machine."
        )


def _is_enough(found: str, needed: str) -> bool:
    """Compare glibc with glibc; of another library Python does not know the version."""
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
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ended.stdout.strip() == str(sys.version_info[:2])


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
    """Keep settings of this machine out: no index, no packages of other places."""
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
