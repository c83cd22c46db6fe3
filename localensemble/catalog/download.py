"""Fetch one pinned file, complete or not at all.

A file gets its name only when its size, its first bytes and its sha256 match the pinned ones.
An interrupted download resumes where it stopped, even in a later call. Addresses must name a
commit and use https; only a server on this machine may use http.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from localensemble import __version__
from localensemble.catalog.certificates import HINT, trusted_certificates, untrusted
from localensemble.catalog.gguf_header import MAGIC
from localensemble.catalog.installed import FOLDER_VARIABLE
from localensemble.catalog.known import KnownModel
from localensemble.core.errors import DownloadError, ModelFileError
from localensemble.core.files import put_in_place
from localensemble.core.identity import sha256_file

if TYPE_CHECKING:  # importing it takes time, which only downloads should spend
    import httpx

_PINNED = re.compile(r"/resolve/[0-9a-f]{40}/")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_SECONDS_OF_SILENCE = 60.0
_ATTEMPTS_WITHOUT_PROGRESS = 3
_NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
# Statuses that may be gone at a later attempt: busy, or a server error.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_PARTIAL, _RANGE_REFUSED = 206, 416


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """Progress of one file; ``resumed`` bytes were there before this call."""

    name: str
    done: int
    total: int
    resumed: int


class WebPageError(ModelFileError):
    """The server, or something between it and us, answered with a web page."""


def fetch(
    model: KnownModel,
    *,
    folder: Path,
    on_progress: Callable[[FetchProgress], None] = lambda progress: None,
    on_cut: Callable[[str], None] = lambda reason: None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch a model's file into a folder, unless it is there already, and return its path.

    Args:
        on_cut: called with the reason before each new attempt.
        pause: waits this many seconds before the next attempt.

    Raises:
        DownloadError: the server cannot be reached or stops early; the received part is kept.
        ModelFileError: the server does not send the pinned file; the download is deleted.
    """
    final = folder / model.file
    if is_whole(final, model):
        return final
    _check_address(model.url)
    if not _PINNED.search(model.url):
        raise ModelFileError(
            f'Cannot pull "{model.name}": its address does not name a commit.',
            hint="The file behind a branch name can change. Correct the catalog.",
        )
    # Its name has the hash, so that the part of another version is never resumed.
    part = folder / f".{model.file}.{model.sha256[:16]}.part"
    try:
        _download(model, part, on_progress, on_cut, pause)
        if not is_whole(part, model):  # includes the part that earlier calls fetched
            _throw_away(part, model)
        with part.open("r+b") as stream:
            # Otherwise a power cut could leave half of the bytes under the final name.
            os.fsync(stream.fileno())
        put_in_place(part, final)
    except OSError as error:  # from the disk: network errors are httpx's own
        raise _disk_error(error, model, part) from error
    return final


def _download(
    model: KnownModel,
    part: Path,
    on_progress: Callable[[FetchProgress], None],
    on_cut: Callable[[str], None],
    pause: Callable[[float], None],
) -> None:
    """Repeat the request until the file is complete, or until retrying brings no progress."""
    if _size(part) > model.size_bytes:
        part.unlink()
    resumed = furthest = _size(part)
    if shutil.disk_usage(part.parent).free < model.size_bytes - resumed:
        raise _no_room(model, part)

    def received(done: int) -> None:
        on_progress(FetchProgress(model.name, done, model.size_bytes, resumed))

    reason, idle = "", 0
    with _client(model) as client:
        while (have := _size(part)) != model.size_bytes:
            if reason:
                idle = 0 if have > furthest else idle + 1
                furthest = max(furthest, have)
                if idle > _ATTEMPTS_WITHOUT_PROGRESS:
                    raise DownloadError(
                        f'Cannot pull "{model.name}": {reason}, '
                        f"at {furthest:,} of {model.size_bytes:,} bytes.",
                        hint="Run the same command again; it resumes where it stopped.",
                    )
                on_cut(reason)
                pause(2.0**idle)
            reason = _attempt(client, model, part, received)


def _attempt(
    client: httpx.Client, model: KnownModel, part: Path, received: Callable[[int], None]
) -> str:
    """Request the missing bytes once and save them; return why some may still be missing."""
    import httpx

    have = _size(part)
    failed = "the server cannot be reached"
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with client.stream("GET", model.url, headers=headers) as response:
            failed = "the connection was cut"
            if response.status_code == _RANGE_REFUSED:
                part.unlink()
                return "the server did not resume the download"
            if response.status_code in _PASSING:
                return f"the server answered {response.status_code}"
            if not response.is_success:
                raise DownloadError(
                    f'Cannot pull "{model.name}": the server answered {response.status_code}.',
                    hint=f"Open {model.url} in a browser to see why. If it requires an account, "
                    f"download the file there, save it in {part.parent} as {model.file} "
                    "and run the same command again.",
                )
            return _save(response, model, part, have, received)
    except httpx.HTTPError as error:
        if reason := untrusted(error):
            raise DownloadError(
                f'Cannot pull "{model.name}": the certificate of {httpx.URL(model.url).host}, or '
                f"of a server that it leads to, is not trusted ({reason}).",
                hint=HINT,
            ) from error
        return f"{failed} ({str(error) or type(error).__name__})"


def _save(
    response: httpx.Response,
    model: KnownModel,
    part: Path,
    have: int,
    received: Callable[[int], None],
) -> str:
    """Check the start of a response, then append it; return why some may still be missing."""
    if response.status_code != _PARTIAL:
        have = 0
    chunks = response.iter_raw()
    chunk = _beginning(chunks)
    if not chunk:
        return "the server sent nothing"
    if have == 0 and not chunk.startswith(MAGIC):
        if chunk.lstrip()[:1] == b"<":
            _refuse(model, "a web page instead of a GGUF file", WebPageError)
        _refuse(model, "something other than a GGUF file")
    # Compare with the pin before fetching gigabytes.
    announced = response.headers.get("Content-Length")
    if response.status_code == _PARTIAL:
        ranged = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if ranged is None or int(ranged[1]) != have:
            part.unlink()
            return "the server sent a different part of the file than requested"
        announced = ranged[2]
    if announced is not None and int(announced) != model.size_bytes:
        _refuse(model, f"a file of {int(announced):,} bytes, but {model.size_bytes:,} are pinned")
    with part.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        while chunk:
            have += len(chunk)
            if have > model.size_bytes:
                stream.close()  # Windows cannot delete an open file.
                part.unlink()
                _refuse(model, f"more than the {model.size_bytes:,} bytes pinned")
            _append(stream, chunk)
            received(have)
            chunk = next(chunks, b"")
    return "the connection ended early"


def _beginning(chunks: Iterator[bytes]) -> bytes:
    """Return enough of the first bytes to recognize the kind of file."""
    first = b""
    while len(first) < len(MAGIC) and (chunk := next(chunks, b"")):
        first += chunk
    return first


def _append(stream: IO[bytes], chunk: bytes) -> None:
    stream.write(chunk)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _client(model: KnownModel) -> httpx.Client:
    import httpx

    def check(request: httpx.Request) -> None:
        """Follow a redirect only if the new address is also allowed."""
        _check_address(str(request.url))

    try:
        return httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": f"localensemble/{__version__}"},
            # The system's certificates include a hospital's own; httpx's bundle does not.
            verify=trusted_certificates(),
            # The proxy from the environment is only for other machines.
            trust_env=not _is_loopback(httpx.URL(model.url).host),
            follow_redirects=True,
            event_hooks={"request": [check]},
            timeout=_SECONDS_OF_SILENCE,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise DownloadError(
            f'Cannot pull "{model.name}": the proxy set in the environment cannot be used.',
            hint="Set HTTPS_PROXY to an address that begins with http:// or https://.",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(url: str) -> None:
    import httpx

    parts = httpx.URL(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.host)):
        raise ModelFileError(
            f'Refused to fetch a model from "{parts.scheme}://{parts.host}": '
            "only https is allowed.",
            hint="Use an https address: http traffic can be read and changed on the way.",
        )


def _refuse(model: KnownModel, found: str, kind: type[ModelFileError] = ModelFileError) -> NoReturn:
    """Refuse what the server sends now; keep the earlier part, which may be right."""
    raise kind(
        f'Cannot pull "{model.name}": the server sent {found}.',
        hint="The model may need an account, the network a login, or the file may have been "
        f"replaced. Open {model.url} in a browser to see.",
    )


def _throw_away(part: Path, model: KnownModel) -> NoReturn:
    found = sha256_file(part)
    part.unlink()
    raise ModelFileError(
        f'Cannot pull "{model.name}": the download has sha256 {found}, but the catalog pins '
        f"{model.sha256}.",
        hint="The download was deleted. Try again; if it happens twice, the file was replaced on "
        "the server: do not use it.",
    )


def is_whole(path: Path, model: KnownModel) -> bool:
    """Return whether a file is the pinned one, checking size, first bytes and then its hash."""
    return is_file_of(path, size_bytes=model.size_bytes, sha256=model.sha256, magic=MAGIC)


def is_file_of(path: Path, *, size_bytes: int, sha256: str, magic: bytes) -> bool:
    """Return whether a file has this size, these first bytes and this hash."""
    if not path.is_file() or path.stat().st_size != size_bytes:
        return False
    with path.open("rb") as stream:
        if stream.read(len(magic)) != magic:
            return False
    return sha256_file(path) == sha256


def _disk_error(error: OSError, model: KnownModel, part: Path) -> ModelFileError:
    if error.errno in _NO_ROOM:
        return _no_room(model, part)
    if error.errno == errno.EFBIG:
        return ModelFileError(
            f'Cannot pull "{model.name}" into {part.parent}: its file system cannot store a file '
            f"of {model.size_bytes:,} bytes.",
            hint="FAT32 stores at most 4 GiB per file. Choose another folder with the "
            f"environment variable {FOLDER_VARIABLE}.",
        )
    return ModelFileError(
        f'Cannot pull "{model.name}" into {part.parent}: {error.strerror or error}.',
        hint="Check that you may write there.",
    )


def _no_room(model: KnownModel, part: Path) -> ModelFileError:
    return ModelFileError(
        f'Cannot pull "{model.name}": the disk of {part.parent} has too little space for its '
        f"{model.size_bytes:,} bytes.",
        hint="Free some space and run the same command again; it resumes where it stopped. "
        f"The part received so far is in {part.name}.",
    )
