"""A server on loopback that serves one file, well or badly."""

from __future__ import annotations

import re
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from localensemble.catalog.known import KnownModel

REVISION = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<!doctype html><title>Log in</title>"


def gguf_bytes(padding: int = 600_000) -> bytes:
    """Make a GGUF file: a header that can be read, and weights that mean nothing."""
    texts = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.license": "apache-2.0",
        "tokenizer.chat_template": "{{ messages }}",
    }
    entries = [(key, 8, _text(value)) for key, value in texts.items()]
    entries.append(("llama.context_length", 4, struct.pack("<I", 512)))
    words = struct.pack("<IQ", 8, 3) + _text("a") + _text("b") + _text("")
    entries.append(("tokenizer.ggml.tokens", 9, words))
    entries.append(("tokenizer.ggml.scores", 9, struct.pack("<IQ3f", 6, 3, 1.0, 2.0, 3.0)))
    body = b"".join(_text(key) + struct.pack("<I", kind) + value for key, kind, value in entries)
    weights = bytes(number % 251 for number in range(padding))
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + body + weights


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


@dataclass
class FileServer:
    """What the server does, and what it was asked.

    ``cut_after`` ends every answer after so many bytes, ``stall_after`` sends no more until
    ``released`` is set; ``answers`` are status codes given first, in the place of the file;
    ``redirect`` is where all but that path is sent; ``range_shift`` moves what a range starts at.
    """

    content: bytes
    address: str = ""
    cut_after: int | None = None
    knows_ranges: bool = True
    says_length: bool = True
    answers: list[int] = field(default_factory=list)
    redirect: str = ""
    stall_after: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    range_shift: int = 0
    ranges: list[str | None] = field(default_factory=list)

    def model(self, content: bytes | None = None) -> KnownModel:
        """Pin a file, by default the one that is served."""
        pinned = self.content if content is None else content
        return KnownModel(
            name="tiny",
            kind="chat",
            family="tiny",
            quantization="F32",
            file="tiny.gguf",
            url=f"{self.address}/owner/repo/resolve/{REVISION}/tiny.gguf",
            size_bytes=len(pinned),
            sha256=sha256(pinned).hexdigest(),
            license="apache-2.0",
            commercial_use="",
            context_tokens=512,
            architecture="llama",
            notes="",
        )


@contextmanager
def serving(content: bytes, *, certificate: Path | None = None) -> Iterator[FileServer]:
    """Serve on loopback until the block ends; with a certificate and its key, encrypted."""
    server = FileServer(content)

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            if server.answers:
                self.send_error(server.answers.pop(0))
                return
            if server.redirect and not server.redirect.endswith(self.path):
                self.send_response(302)
                self.send_header("Location", server.redirect)
                self.end_headers()
                return
            start = 0
            if asked is not None and server.knows_ranges:
                found = re.fullmatch(r"bytes=(\d+)-", asked)
                start = int(found[1]) + server.range_shift if found else 0
                if start >= len(server.content):
                    self.send_error(416)
                    return
                self.send_response(206)
                last, total = len(server.content) - 1, len(server.content)
                self.send_header("Content-Range", f"bytes {start}-{last}/{total}")
            else:
                self.send_response(200)
            data = server.content[start:]
            if server.says_length:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if server.stall_after is not None:
                self.wfile.write(data[: server.stall_after])
                self.wfile.flush()
                server.released.wait()
                data = data[server.stall_after :]
            with suppress(ConnectionError):
                self.wfile.write(data if server.cut_after is None else data[: server.cut_after])

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http_server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            http_server.socket = context.wrap_socket(http_server.socket, server_side=True)
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        scheme = "http" if certificate is None else "https"
        server.address = f"{scheme}://127.0.0.1:{http_server.server_address[1]}"
        try:
            yield server
        finally:
            server.released.set()
            http_server.shutdown()
            thread.join()
