"""Ask Ollama over loopback: send requests, wait while it is busy, report what went wrong.

Speaks through the `ollama` package, whose typed calls lack what is needed here (`truncate`,
`shift`, `remote_host`), so requests and replies are plain JSON objects. Proxies named in the
environment are not used and redirections are not followed: a request goes to the address
given, or nowhere. Requests run in their own event loop so that Ctrl-C closes their
connections at once.

No error holds what was sent or what came back: a server may quote the text of an item.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from localensemble.core.errors import (
    EngineCrashedError,
    EngineError,
    EngineUnavailableError,
    LocalEnsembleError,
    ModelFileError,
)
from localensemble.engines.ollama.answers import TokenProbability

Json = dict[str, Any]
_Result = TypeVar("_Result")

# Seconds between attempts: Ollama may be loading, busy or restarting.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Ollama itself allows five minutes to load; a long prompt on a processor can take longer.
_SILENCE = 1800.0
_CONNECT = 5.0
_INFORMATION = 60.0

_NOT_FOUND, _UNAUTHORIZED, _FORBIDDEN, _BUSY = 404, 401, 403, 503
_REDIRECTIONS = range(300, 400)
# Raised by a reply that is not JSON or does not have the form of Ollama's replies.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_BUSY_WORDS = re.compile(r"server busy|maximum pending requests|loading model")
_LOAD_WORDS = re.compile(r"timed out waiting|failed to load|unable to load|system memory")
_LENGTH_WORDS = re.compile(r"exceeds? .*context|exceed_context_size|prompt (is )?too long")
_CRASH_WORDS = re.compile(r"runner|llama-server|unexpectedly stopped|no longer running")
_GONE_WORDS = re.compile(r"model .*not found|no such model")


@dataclass(frozen=True, slots=True)
class Reply:
    """What Ollama replied to one chat.

    Attributes:
        text: what the model wrote.
        thought: whether it also wrote thoughts.
        first_token: the first token written; empty if Ollama reported none.
        top_tokens: the most probable first tokens.
        prompt_tokens: length of the prompt as Ollama read it; 0 if it did not report it.
        cached_tokens: how many of these were in its cache.
        seconds: time in the model.
    """

    text: str
    thought: bool
    first_token: str
    top_tokens: tuple[TokenProbability, ...]
    prompt_tokens: int
    cached_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RefusedAsTooLong:
    """Ollama refused a prompt because it does not fit."""


class _TryAgainError(Exception):
    """Report a fault that may pass; ``final`` is the error to raise if it does not."""

    def __init__(self, final: LocalEnsembleError) -> None:
        super().__init__()
        self.final = final


def _package() -> Any:
    """Import the client, which takes a third of a second that most commands can save."""
    try:
        return importlib.import_module("ollama")
    except ImportError as error:
        raise EngineUnavailableError(
            "Cannot ask Ollama: the Python package ollama is not installed.",
            hint="Install localensemble again, or `pip install ollama`.",
        ) from error


class OllamaNotRunningError(EngineUnavailableError):
    """Report that nothing answers where Ollama should."""


class OllamaClient:
    """A connection to the Ollama of this machine.

    Args:
        address: the address that `ollama_host.ollama_address` returns.
        parallel: the most requests sent at once.
        pauses: seconds before each further attempt.
    """

    def __init__(
        self, address: str, *, parallel: int = 1, pauses: Sequence[float] = PAUSES
    ) -> None:
        package = _package()
        self._httpx = importlib.import_module("httpx")
        self._response_error: type[Exception] = package.ResponseError
        self._place = address.partition("://")[2]
        self._parallel = parallel
        self._pauses = tuple(pauses)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._client: Any = self._run(self._connect(package, address))

    async def _connect(self, package: Any, address: str) -> Any:
        client = package.AsyncClient(
            host=address,
            follow_redirects=False,
            trust_env=False,
            timeout=self._httpx.Timeout(_SILENCE, connect=_CONNECT),
        )
        # The package takes a key for ollama.com from the environment.
        client._client.headers.pop("authorization", None)
        return client

    def ask(self, path: str, body: Json | None = None) -> Json:
        """Ask for information about the server or its models, once.

        Raises:
            EngineUnavailableError: nothing, or something else, answers there.
            ModelFileError: the request names a model that Ollama does not have.
        """
        return self._run(self._ask(path, body))

    def chat(self, bodies: Sequence[Json]) -> list[Reply | RefusedAsTooLong]:
        """Send chats, at most ``parallel`` at once, and return the replies in order.

        Raises:
            EngineCrashedError: the process that holds the model died.
            EngineUnavailableError: Ollama is busy, or no longer there.
            EngineError: it refused, or failed repeatedly.
            ModelFileError: the model is no longer there.
        """
        return self._run(self._chat_all(bodies))

    def close(self) -> None:
        """Close all connections; a second call changes nothing."""
        if self._loop.is_closed():
            return
        self._run(self._client._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        # A future of `concurrent.futures` would do, but Ctrl-C while its lock is acquired or
        # released breaks it.
        done: SimpleQueue[asyncio.Task[_Result]] = SimpleQueue()
        started: list[asyncio.Task[_Result]] = []

        def start() -> None:
            started.append(self._loop.create_task(work))
            started[0].add_done_callback(done.put)

        def cancel() -> None:
            # Closing its connection makes Ollama stop working on a request.
            for task in started:
                task.cancel()
            if not started:
                work.close()

        # Ctrl-C may strike while the request is handed over, when Ollama already works on it.
        try:
            self._loop.call_soon_threadsafe(start)
            return done.get().result()
        except BaseException:
            self._loop.call_soon_threadsafe(cancel)
            raise

    async def _ask(self, path: str, body: Json | None) -> Json:
        method = "GET" if body is None else "POST"
        try:
            answer = await self._client._request(
                dict, method, path, json=body, timeout=self._httpx.Timeout(_INFORMATION)
            )
        except (ConnectionError, self._httpx.RequestError):
            raise self._unreachable() from None
        except self._response_error as error:
            raise self._refusal(error) from None
        except _UNREADABLE:
            raise self._not_ollama() from None
        return dict(answer)

    async def _chat_all(self, bodies: Sequence[Json]) -> list[Reply | RefusedAsTooLong]:
        places = asyncio.Semaphore(self._parallel)

        async def one(body: Json) -> Reply | RefusedAsTooLong:
            async with places:
                return await self._chat(body)

        tasks = [asyncio.ensure_future(one(body)) for body in bodies]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _chat(self, body: Json) -> Reply | RefusedAsTooLong:
        for pause in self._pauses:
            try:
                return await self._chat_once(body)
            except _TryAgainError:
                await asyncio.sleep(pause)
        try:
            return await self._chat_once(body)
        except _TryAgainError as fault:
            raise fault.final from None

    async def _chat_once(self, body: Json) -> Reply | RefusedAsTooLong:
        parts: list[Json] = []
        try:
            request = self._client._request(dict, "POST", "/api/chat", json=body, stream=True)
            async with contextlib.aclosing(await request) as lines:
                async for part in lines:
                    self._refuse_remote(part)
                    parts.append(part)
        except (ConnectionError, self._httpx.RequestError):
            raise _TryAgainError(self._unreachable()) from None
        except self._response_error as error:
            if _LENGTH_WORDS.search(str(error).lower()):
                return RefusedAsTooLong()
            raise self._chat_fault(error) from None
        except _UNREADABLE:
            raise _TryAgainError(self._not_ollama()) from None
        if not parts or not parts[-1].get("done"):
            raise _TryAgainError(self._cut_off())
        if parts[-1].get("done_reason") == "load":
            raise _TryAgainError(self._cannot_load())
        try:
            return _reply(parts)
        except _UNREADABLE:
            raise self._not_ollama() from None

    def _refuse_remote(self, part: Json) -> None:
        if part.get("remote_host") or part.get("remote_model"):
            raise EngineError(
                "Ollama sent a text to another machine.",
                hint="Sign out of ollama.com, set OLLAMA_NO_CLOUD=1 for the server, and use a "
                "model that is on this machine.",
            )

    def _chat_fault(self, error: Exception) -> Exception:
        """Return the error for a refused or failed chat, without the server's own words."""
        status, words = getattr(error, "status_code", -1), str(error).lower()
        if status == _BUSY or _BUSY_WORDS.search(words):
            return _TryAgainError(
                EngineUnavailableError(
                    f"Ollama at {self._place} is still busy after all attempts.",
                    hint="Run again when it has less to do. Labels so far are kept.",
                )
            )
        if _LOAD_WORDS.search(words):
            return _TryAgainError(self._cannot_load())
        if status == _NOT_FOUND or _GONE_WORDS.search(words):
            return self._gone()
        if status in {_UNAUTHORIZED, _FORBIDDEN} or status in _REDIRECTIONS:
            return self._refusal(error)
        if _CRASH_WORDS.search(words):
            return EngineCrashedError(
                "The process in which Ollama holds the model died.",
                hint="Check free memory and Ollama's log, then run again.",
            )
        return _TryAgainError(self._refusal(error))

    def _unreachable(self) -> EngineUnavailableError:
        return OllamaNotRunningError(
            f"Ollama did not answer at {self._place}.",
            hint="Start it with `ollama serve`, or name a GGUF file and engine llama-cpp.",
        )

    def _not_ollama(self) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"The server at {self._place} is not Ollama, or its reply has an unknown form.",
            hint="Check OLLAMA_HOST and the version of Ollama.",
        )

    def _cut_off(self) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"Ollama at {self._place} ended a reply before it was complete.",
            hint="Check Ollama's log, then run again. Labels so far are kept.",
        )

    def _cannot_load(self) -> EngineUnavailableError:
        return EngineUnavailableError(
            "Ollama could not load the model.",
            hint="Check free memory or set fewer `context_tokens`, then run again.",
        )

    def _gone(self) -> ModelFileError:
        return ModelFileError(
            "Ollama does not have the model, or no longer has it.",
            hint="Fetch it with `ollama pull`, or correct `model` in the ensemble file.",
        )

    def _refusal(self, error: Exception) -> LocalEnsembleError:
        status = getattr(error, "status_code", -1)
        if status == _NOT_FOUND:
            return self._gone()
        if status in _REDIRECTIONS:
            return EngineUnavailableError(
                f"The server at {self._place} tried to redirect the request.",
                hint="Check what listens there: Ollama never redirects.",
            )
        found = f"status {status}" if status > 0 else "an error in its reply"
        return EngineError(
            f"Ollama at {self._place} could not process the request ({found}).",
            hint="Check Ollama's log, then run again. Labels so far are kept.",
        )


def _reply(parts: Sequence[Json]) -> Reply:
    """Read a reply; raise one of `_UNREADABLE` if its form is unknown."""
    messages = [part.get("message") or {} for part in parts]
    places = [place for part in parts for place in part.get("logprobs") or ()]
    last = parts[-1]
    first = places[0] if places else {}
    return Reply(
        text="".join(message.get("content") or "" for message in messages),
        thought=any(message.get("thinking") for message in messages),
        first_token=_text(first.get("token", "")),
        top_tokens=tuple(
            TokenProbability(_text(token["token"]), _number(token["logprob"]))
            for token in first.get("top_logprobs") or ()
        ),
        prompt_tokens=_count(last, "prompt_eval_count"),
        cached_tokens=_count(last, "prompt_eval_cached_count"),
        seconds=(_count(last, "prompt_eval_duration") + _count(last, "eval_duration")) / 1e9,
    )


def _text(value: object) -> str:
    # "null" must not become the token "None".
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _count(reply: Json, name: str) -> int:
    return int(_number(reply.get(name) or 0))
