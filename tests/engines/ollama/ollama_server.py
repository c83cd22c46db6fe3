"""A server on loopback that speaks Ollama's API over real GGUF models, well or badly.

As Ollama does, it renders the model's chat template around the messages, tokenizes the whole
with special tokens, evaluates it, tells the most probable tokens before any constraint, and
confines what it writes to the JSON schema. Greedy, one request at a time, and what it wrote once
is written again, so that the same request gives the same digits.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gguf
import llama_cpp
import numpy as np
from jinja2.sandbox import ImmutableSandboxedEnvironment
from numpy.typing import NDArray

Json = dict[str, Any]
_NANOSECONDS = 1_000_000


class ServedModel:
    """One GGUF file in llama.cpp, with what Ollama would say of it; its blob is a copy."""

    def __init__(self, path: Path, *, context: int, store: Path) -> None:
        self.path = path
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.blob = store / f"sha256-{self.sha256}"
        self.blob.write_bytes(path.read_bytes())
        self.manifest = hashlib.sha256(self.sha256.encode()).hexdigest()
        self._llama = llama_cpp.Llama(str(path), n_ctx=context, n_threads=1, verbose=False)
        reader = gguf.GGUFReader(path)
        self.facts = {
            name: reader.fields[name].contents()
            for name in reader.fields
            if name.startswith(("general.", "tokenizer.ggml.")) or name.endswith("context_length")
        }
        self.template = str(reader.fields["tokenizer.chat_template"].contents())
        vocabulary = self._llama._model.vocab
        self.pieces = [self._llama.detokenize([token]) for token in range(self._llama.n_vocab())]
        # A chat whose client hung up is still evaluated when the next test asks.
        self._lock = threading.Lock()
        self._fitting: dict[tuple[bytes, tuple[bytes, ...]], list[int]] = {}
        self._written: dict[str, Written] = {}
        self._ends = {
            token
            for token in range(len(self.pieces))
            if llama_cpp.llama_vocab_is_eog(vocabulary, token)
        }
        self._bos = llama_cpp.llama_vocab_get_add_bos(vocabulary)
        self._marks = {
            name: llama_cpp.llama_vocab_get_text(vocabulary, token).decode() if token >= 0 else ""
            for name, token in (
                ("bos_token", self._llama.token_bos()),
                ("eos_token", self._llama.token_eos()),
            )
        }

    def tokens(self, messages: list[dict[str, str]]) -> list[int]:
        """Render and tokenize messages."""
        template = ImmutableSandboxedEnvironment().from_string(self.template)
        text = template.render(messages=messages, add_generation_prompt=True, **self._marks)
        begins = text.startswith(self._marks["bos_token"]) and self._marks["bos_token"]
        return self._llama.tokenize(
            text.encode(), add_bos=bool(self._bos) and not begins, special=True
        )

    def log_probabilities(self, tokens: list[int], *, fresh: bool) -> NDArray[np.float64]:
        """Evaluate tokens and return what may follow them."""
        if fresh:
            self._llama.reset()  # type: ignore[no-untyped-call]
        self._llama.eval(tokens)
        row = llama_cpp.llama_get_logits_ith(self._llama._ctx.ctx, -1)
        logits = np.ctypeslib.as_array(row, shape=(len(self.pieces),)).astype(np.float64)
        shifted = logits - logits.max()
        result: NDArray[np.float64] = shifted - math.log(float(np.exp(shifted).sum()))
        return result

    def write(self, tokens: list[int], *, schema: Json | None, most: int, top: int) -> Written:
        """Write a reply of at most so many tokens, confined to the schema if there is one."""
        asked = json.dumps([tokens, schema, most, top])
        with self._lock:
            if asked not in self._written:
                self._written[asked] = self._write(tokens, schema, most, top)
            # A fault changes the reply it is given.
            return copy.deepcopy(self._written[asked])

    def _write(self, tokens: list[int], schema: Json | None, most: int, top: int) -> Written:
        allowed = (
            [json.dumps(one, ensure_ascii=False).encode() for one in schema["enum"]]
            if schema
            else None
        )
        written = Written()
        text = b""
        told = self.log_probabilities(tokens, fresh=True)
        for _ in range(most):
            if allowed is not None and text in allowed:
                written.stopped = True
                break
            token = self._next(told, text, allowed)
            if token in self._ends:
                written.stopped = True
                break
            best = np.argsort(-told, kind="stable")[:top]
            written.pieces.append(self.pieces[token].decode())
            written.places.append(self._place(token, told, [int(one) for one in best]))
            text += self.pieces[token]
            told = self.log_probabilities([token], fresh=False)
        written.text = text.decode("utf-8", "replace")
        return written

    def _place(self, token: int, told: NDArray[np.float64], top: list[int]) -> Json:
        """Say what Ollama says of one place of a reply."""

        def said(one: int) -> Json:
            piece = self.pieces[one]
            return {
                "token": piece.decode("utf-8", "replace"),
                "logprob": float(told[one]),
                "bytes": list(piece),
            }

        return {**said(token), "top_logprobs": [said(one) for one in top]}

    def _next(self, told: NDArray[np.float64], text: bytes, allowed: list[bytes] | None) -> int:
        if allowed is None:
            return int(told.argmax())
        key = (text, tuple(allowed))
        if key not in self._fitting:
            self._fitting[key] = [
                token
                for token, piece in enumerate(self.pieces)
                if piece and any(one.startswith(text + piece) for one in allowed)
            ]
        fitting = self._fitting[key]
        return max(fitting, key=lambda token: (told[token], -token))


@dataclass
class Written:
    """A reply, token by token."""

    text: str = ""
    stopped: bool = False
    pieces: list[str] = field(default_factory=list)
    places: list[Json] = field(default_factory=list)


@dataclass
class Chat:
    """One request and its reply before it is sent, for a fault to change."""

    body: Json
    tokens: list[int]
    lines: list[Json]


@dataclass
class OllamaServer:
    """What the server does, and what it was asked.

    Attributes:
        models: by the name Ollama would list.
        version: what it says of itself.
        context: the most tokens it takes, whatever it is asked for; None for what it is asked.
        cuts: whether it cuts the front of a prompt that is too long, as if told to.
        keeps_schema: whether it follows the schema.
        counts: whether it tells the length of prompts.
        told: how many probable tokens it tells at each place, at most.
        entries: keys added to what it lists of a model.
        shown: keys added to what it shows of a model.
        refusals: (status, text) given first, each in the place of a chat's reply.
        stream_errors: texts sent first as a line ``error`` within a stream that began well.
        arrive: called when a chat has arrived, with its connection.
        change: changes a chat's reply.
        redirect: where to send every request on to.
        chats: the bodies of all chats.
        asked: the paths asked for.
        headers: the headers of the last request.
        loaded: models that are loaded, with their context.
        most_at_once: the most chats that were under way together.
    """

    models: dict[str, ServedModel]
    address: str = ""
    version: str = "0.33.0"
    context: int | None = None
    cuts: bool = False
    keeps_schema: bool = True
    counts: bool = True
    told: int = 20
    entries: Json = field(default_factory=dict)
    shown: Json = field(default_factory=dict)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    stream_errors: list[str] = field(default_factory=list)
    arrive: Callable[[socket.socket], None] = lambda connection: None
    change: Callable[[Chat], None] = lambda chat: None
    redirect: str = ""
    chats: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    most_at_once: int = 0

    def tags(self) -> Json:
        """List the models."""
        return {
            "models": [
                {
                    "name": name,
                    "model": name,
                    "size": model.path.stat().st_size,
                    "digest": model.manifest,
                    "details": {"format": "gguf"},
                    **self.entries,
                }
                for name, model in self.models.items()
            ]
        }

    def show(self, body: Json) -> Json:
        """Show one model."""
        model = self.models[body["model"]]
        return {
            "modelfile": f"# Modelfile\nFROM {model.blob}\nTEMPLATE x\n",
            "template": model.template,
            "details": {"format": "gguf"},
            "model_info": model.facts,
            "capabilities": ["completion"],
            **self.shown,
        }

    def ps(self) -> Json:
        """List what is loaded."""
        return {
            "models": [
                {"name": name, "model": name, "size": 1 << 20, "context_length": context}
                for name, context in self.loaded.items()
            ]
        }

    def reply(self, body: Json) -> list[Json] | tuple[int, str]:
        """Answer a chat: the lines of a stream, or a status and an error."""
        model = self.models.get(body["model"])
        if model is None:
            return 404, f"model '{body['model']}' not found"
        options = body["options"]
        context = min(self.context or options["num_ctx"], options["num_ctx"])
        self.loaded[body["model"]] = options["num_ctx"]
        tokens = model.tokens(body["messages"])
        if len(tokens) >= context:
            if not self.cuts and body["truncate"] is False:
                return 400, f"request ({len(tokens)} tokens) exceeds the available context size"
            tokens = tokens[-context // 2 :]
        written = model.write(
            tokens,
            schema=body["format"] if self.keeps_schema else None,
            most=options["num_predict"],
            top=min(body["top_logprobs"], self.told),
        )
        lines: list[Json] = [
            {
                "model": body["model"],
                "message": {"role": "assistant", "content": piece},
                "logprobs": [place],
                "done": False,
            }
            for piece, place in zip(written.pieces, written.places, strict=True)
        ]
        lines.append(
            {
                "model": body["model"],
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "stop" if written.stopped else "length",
                "prompt_eval_count": len(tokens) if self.counts else 0,
                "prompt_eval_duration": len(tokens) * _NANOSECONDS,
                "eval_count": len(written.places),
                "eval_duration": len(written.places) * _NANOSECONDS,
            }
        )
        chat = Chat(body, tokens, lines)
        self.change(chat)
        return chat.lines


@contextmanager
def loaded(**paths: Path) -> Iterator[dict[str, ServedModel]]:
    """Load GGUF files as models called ``name:latest``, with a store of their blobs."""
    with TemporaryDirectory() as store:
        yield {
            f"{name}:latest": ServedModel(path, context=2048, store=Path(store))
            for name, path in paths.items()
        }


@contextmanager
def serving(models: dict[str, ServedModel]) -> Iterator[OllamaServer]:
    """Serve models on loopback until the block ends."""
    server = OllamaServer(dict(models))

    class Answer(_Answer):
        served = server

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http_server:
        http_server.daemon_threads = True
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        server.address = f"127.0.0.1:{http_server.server_address[1]}"
        try:
            yield server
        finally:
            http_server.shutdown()
            thread.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A line of a stream else waits until the one before it is acknowledged.
    disable_nagle_algorithm = True
    served: OllamaServer

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(json.loads(self.rfile.read(length) or b"{}"))

    def _answer(self, body: Json) -> None:
        server = self.served
        server.asked.append(self.path)
        server.headers = dict(self.headers.items())
        try:
            if server.redirect:
                self.send_response(307)
                self.send_header("Location", server.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path == "/api/chat":
                self._chat(body)
            elif self.path == "/api/generate":
                server.loaded.pop(body["model"], None)
                self._json({"done": True, "done_reason": "unload"})
            elif self.path == "/api/show" and body["model"] not in server.models:
                self._error(404, "model not found")
            else:
                answers: dict[str, Callable[[], Json]] = {
                    "/api/version": lambda: {"version": server.version},
                    "/api/tags": server.tags,
                    "/api/ps": server.ps,
                    "/api/show": lambda: server.show(body),
                }
                self._json(answers[self.path]())
        except (BrokenPipeError, ConnectionResetError):
            # The client hung up, as it does when it is interrupted.
            self.close_connection = True

    def _chat(self, body: Json) -> None:
        server = self.served
        server.chats.append(body)
        with server.lock:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            server.arrive(self.connection)
            if server.refusals:
                status, text = server.refusals.pop(0)
                self._error(status, text)
                return
            with server.lock:
                reply = server.reply(body)
        finally:
            with server.lock:
                server.at_once -= 1
        if isinstance(reply, tuple):
            self._error(*reply)
            return
        if server.stream_errors:
            reply = [*reply[:1], {"error": server.stream_errors.pop(0)}]
        self._stream(reply)

    def _stream(self, lines: list[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            data = json.dumps(line).encode() + b"\n"
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _error(self, status: int, text: str) -> None:
        self._json({"error": text}, status=status)

    def _json(self, content: Json, *, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
