"""Fetch one pinned file, whole or not at all.

Decides that a file gets its name only when its size, its first bytes and its sha256 are those
that were pinned. A connection that is cut is taken up again where it ended, also by a later
call. Addresses must name a commit and use https; only a server on this machine may use http.
"""

from __future__ import annotations

import errno
import http.client
import ipaddress
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from localensemble import __version__
from localensemble.catalog.gguf_header import MAGIC
from localensemble.catalog.installed import FOLDER_VARIABLE
from localensemble.catalog.known import KnownModel
from localensemble.core.errors import DownloadError, ModelFileError
from localensemble.core.identity import sha256_file

_PINNED = re.compile(r"/resolve/[0-9a-f]{40}/")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_CHUNK_BYTES = 1 << 18
_SECONDS_OF_SILENCE = 60.0
_ATTEMPTS_WITHOUT_PROGRESS = 3
_NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
# Answers that a later attempt may not get: busy, or a fault of the server.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE_REFUSED = 416
_PARTIAL = 206


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a file is; ``resumed`` bytes were there before this call."""

    name: str
    done: int
    total: int
    resumed: int


def fetch(
    model: KnownModel,
    *,
    folder: Path,
    on_progress: Callable[[FetchProgress], None] = lambda progress: None,
    on_cut: Callable[[str], None] = lambda reason: None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch a model's file into a folder, unless it is there already, and give its path.

    Args:
        on_cut: told why the server is to be asked again.
        pause: waits so many seconds before the next attempt.

    Raises:
        DownloadError: the server cannot be reached or ends too early; what came is kept.
        ModelFileError: what the server sends is not the pinned file; it is thrown away.
    """
    final = folder / model.file
    if is_whole(final, model):
        return final
    _check_address(model.url)
    if not _PINNED.search(model.url):
        raise ModelFileError(
            f'Cannot pull "{model.name}": its address names no commit.',
            hint="What a moving name serves can change. Correct the catalog.",
        )
    # Its name has the hash: what was begun for another version is never gone on with.
    part = folder / f".{model.file}.{model.sha256[:16]}.part"
    try:
        _Fetching(model, part, on_progress, on_cut, pause).run()
        _check(part, model)
        _settle(part)
        part.replace(final)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _no_room(model, part) from error
        if error.errno == errno.EFBIG:
            raise ModelFileError(
                f'Cannot pull "{model.name}" into {folder}: its file system takes no file of '
                f"{model.size_bytes:,} bytes.",
                hint="One formatted as FAT32 ends at 4 GiB. Choose another folder with the "
                f"environment variable {FOLDER_VARIABLE}.",
            ) from error
        raise ModelFileError(
            f'Cannot pull "{model.name}" into {folder}: {error.strerror or error}.',
            hint="Check that you may write there.",
        ) from error
    return final


class WebPageError(ModelFileError):
    """A server, or something on the way to it, answered with a web page."""


class _CutError(Exception):
    """The connection ended, or never came about."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Fetching:
    """One file on its way."""

    def __init__(
        self,
        model: KnownModel,
        part: Path,
        on_progress: Callable[[FetchProgress], None],
        on_cut: Callable[[str], None],
        pause: Callable[[float], None],
    ) -> None:
        self._model = model
        self._part = part
        self._pause = pause
        self._on_progress = on_progress
        self._on_cut = on_cut
        self._resumed = self._have()
        self._opener = _opener(model.url)

    def run(self) -> None:
        furthest, idle = self._have(), 0
        room = shutil.disk_usage(self._part.parent).free
        if room < self._model.size_bytes - furthest:
            raise _no_room(self._model, self._part)
        while (have := self._have()) != self._model.size_bytes:
            if have > self._model.size_bytes:
                self._part.unlink()
            try:
                self._attempt(self._have())
                reason = "the connection ended early"
            except _CutError as cut:
                reason = cut.reason
            idle = 0 if self._have() > furthest else idle + 1
            furthest = max(furthest, self._have())
            if self._have() == self._model.size_bytes:
                break
            if idle > _ATTEMPTS_WITHOUT_PROGRESS:
                raise DownloadError(
                    f'Cannot pull "{self._model.name}": {reason}, '
                    f"at {furthest:,} of {self._model.size_bytes:,} bytes.",
                    hint="Run the same command again; it goes on where it stopped.",
                )
            self._on_cut(reason)
            self._pause(2.0**idle)

    def _have(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _attempt(self, have: int) -> None:
        with self._open(have) as response:
            if response.status != _PARTIAL:
                have = 0
            first = _read(response)
            if not first:
                raise _CutError("the server sent nothing")
            if have == 0 and not first.startswith(MAGIC):
                if first.lstrip()[:1] == b"<":
                    self._refuse("a web page instead of a GGUF file", WebPageError)
                self._refuse("something that is no GGUF file")
            self._check_announced(response, have, len(first))
            with self._part.open("r+b" if have else "wb") as stream:
                stream.seek(have)
                while first:
                    have += len(first)
                    if have > self._model.size_bytes:
                        # Windows removes no file that is open.
                        stream.close()
                        self._part.unlink()
                        self._refuse(f"more than the {self._model.size_bytes:,} bytes pinned")
                    _append(stream, first)
                    self._on_progress(
                        FetchProgress(self._model.name, have, self._model.size_bytes, self._resumed)
                    )
                    first = _read(response)

    def _open(self, have: int) -> http.client.HTTPResponse:
        request = urllib.request.Request(
            self._model.url,
            headers={
                "Accept-Encoding": "identity",
                "User-Agent": f"localensemble/{__version__}",
            },
        )
        if have:
            request.add_header("Range", f"bytes={have}-")
        try:
            response: http.client.HTTPResponse = self._opener.open(
                request, timeout=_SECONDS_OF_SILENCE
            )
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == _RANGE_REFUSED:
                self._part.unlink()
                raise _CutError("the server did not take the download up again") from error
            if error.code in _PASSING:
                raise _CutError(f"the server answered {error.code}") from error
            raise DownloadError(
                f'Cannot pull "{self._model.name}": the server answered {error.code}.',
                hint=f"Open {self._model.url} in a browser to see what it says; where an "
                f"account is asked for, fetch the file there, put it into {self._part.parent} as "
                f"{self._model.file} and run the same command again.",
            ) from error
        except (http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise _CutError(f"the server cannot be reached ({reason})") from error
        return response

    def _check_announced(
        self, response: http.client.HTTPResponse, have: int, first_length: int
    ) -> None:
        """Compare what the server says it will send with the pin, before fetching gigabytes."""
        total: int | None = None
        ranged = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if response.status == _PARTIAL:
            if ranged is None or int(ranged[1]) != have:
                self._part.unlink()
                raise _CutError("the server sent another part of the file than asked for")
            total = int(ranged[2])
        elif response.length is not None:
            total = response.length + first_length
        if total is not None and total != self._model.size_bytes:
            self._refuse(f"a file of {total:,} bytes, but {self._model.size_bytes:,} are pinned")

    def _refuse(self, found: str, kind: type[ModelFileError] = ModelFileError) -> NoReturn:
        """Refuse what the server sends now; what came before may be right, and is kept."""
        raise kind(
            f'Cannot pull "{self._model.name}": the server sent {found}.',
            hint="A name that needs an account, a network that asks for a login, or a file that "
            f"was replaced can be the cause. Open {self._model.url} in a browser to see.",
        )


def _check(part: Path, model: KnownModel) -> None:
    """Check the whole file, also what earlier calls fetched of it."""
    if is_whole(part, model):
        return
    found = sha256_file(part)
    part.unlink()
    raise ModelFileError(
        f'Cannot pull "{model.name}": what came has sha256 {found}, but the catalog pins '
        f"{model.sha256}.",
        hint="It was thrown away. Try again; when it happens twice, the file was replaced on the "
        "server: do not use it.",
    )


def _settle(part: Path) -> None:
    """Have the disk keep the bytes, or a power cut could leave the name with half of them."""
    with part.open("r+b") as stream:
        os.fsync(stream.fileno())


def is_whole(path: Path, model: KnownModel) -> bool:
    """Say whether a file is the pinned one: size, first bytes and hash, the cheap ones first."""
    return is_file_of(path, size_bytes=model.size_bytes, sha256=model.sha256, magic=MAGIC)


def is_file_of(path: Path, *, size_bytes: int, sha256: str, magic: bytes) -> bool:
    """Say whether a file has that size, those first bytes and that hash."""
    if not path.is_file() or path.stat().st_size != size_bytes:
        return False
    with path.open("rb") as stream:
        if stream.read(len(magic)) != magic:
            return False
    return sha256_file(path) == sha256


def _no_room(model: KnownModel, part: Path) -> ModelFileError:
    return ModelFileError(
        f'Cannot pull "{model.name}": the disk of {part.parent} has no room for its '
        f"{model.size_bytes:,} bytes.",
        hint="Free some room and run the same command again; it goes on where it stopped. "
        f"What came so far is in {part.name}.",
    )


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except (http.client.HTTPException, OSError) as error:
        raise _CutError("the connection was cut") from error


def _append(stream: IO[bytes], chunk: bytes) -> None:
    stream.write(chunk)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ModelFileError(
            f'Refused to fetch a model from "{parts.scheme}://{parts.hostname}": '
            "only https is allowed.",
            hint="Somebody on the way could read and change what http carries.",
        )


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a server to another address only if that one is allowed, too."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Check the address and go there."""
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_CheckedRedirects()]
    if _is_loopback(urllib.parse.urlsplit(url).hostname):
        # A proxy is for what lies beyond this machine.
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)
