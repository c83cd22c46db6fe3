"""List what the native files of a bundle for Windows import, and where each import comes from.

    python scripts/check_windows_bundle.py FOLDER

Reads every DLL and extension module inside the wheels of a bundle. An import must come from the
same wheel, from another wheel, from Python itself, or from Windows. Prints every file with its
SHA-256 and its imports from outside the wheel, and ends with 1 if one comes from nowhere.
Needs the package pefile.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Parts of Windows 10 and newer that programs may rely on; the universal C runtime is one of them.
_WINDOWS = re.compile(
    r"(api-ms-win-[a-z0-9-]+|kernel32|advapi32|user32|gdi32|shell32|shlwapi|ole32|oleaut32|ws2_32|"
    r"bcrypt|crypt32|ntdll|rpcrt4|secur32|version|winmm|iphlpapi|dbghelp|psapi|msvcrt|ucrtbase|"
    r"comdlg32|comctl32|setupapi|wsock32|dnsapi|mswsock|userenv|powrprof|bcryptprimitives|ncrypt|"
    r"normaliz|winhttp|wininet|webservices|wldap32|netapi32)\.dll"
)
# Comes with every Python for Windows, beside its executable.
_PYTHON = re.compile(r"(python3\d*|vcruntime140(_1)?)\.dll")


@dataclass(frozen=True, slots=True)
class NativeFile:
    """A file of machine code in a wheel, with the names of the libraries that it imports."""

    wheel: str
    name: str
    sha256: str
    imports: tuple[str, ...]

    @property
    def base(self) -> str:
        return self.name.rpartition("/")[2].lower()


def native_files(wheels: Path) -> Iterator[NativeFile]:
    """Read every DLL and extension module of the wheels in a folder."""
    import pefile

    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.lower().endswith((".dll", ".pyd", ".exe")):
                    continue
                content = archive.read(name)
                image = pefile.PE(data=content, fast_load=True)
                image.parse_data_directories()
                entries = [
                    *getattr(image, "DIRECTORY_ENTRY_IMPORT", ()),
                    *getattr(image, "DIRECTORY_ENTRY_DELAY_IMPORT", ()),
                ]
                imports = sorted({entry.dll.decode().lower() for entry in entries})
                digest = hashlib.sha256(content).hexdigest()
                yield NativeFile(wheel.name, name, digest, tuple(imports))


def origin(imported: str, by: NativeFile, files: list[NativeFile]) -> str:
    """Name where an import comes from; empty if from nowhere."""
    holders = {file.wheel for file in files if file.base == imported}
    if by.wheel in holders:
        return "the same wheel"
    if _PYTHON.fullmatch(imported):
        return "Python"
    if _WINDOWS.fullmatch(imported):
        return "Windows"
    return min(holders, default="").partition("-")[0]


def main() -> int:
    """Print every native file of a bundle and its imports."""
    parser = argparse.ArgumentParser(description="Check the imports of a bundle for Windows.")
    parser.add_argument("folder", type=Path, help="the bundle")
    files = list(native_files(parser.parse_args().folder / "wheels"))
    unresolved = 0
    for file in files:
        print(f"{file.sha256}  {file.wheel.partition('-')[0]}/{file.name}")
        for imported in file.imports:
            found = origin(imported, file, files)
            unresolved += not found
            if found != "the same wheel":
                print(f"    {imported}: {found or 'NOT FOUND'}")
    print(f"{len(files)} native files; imports that come from nowhere: {unresolved}")
    return 1 if unresolved or not files else 0


if __name__ == "__main__":
    sys.exit(main())
