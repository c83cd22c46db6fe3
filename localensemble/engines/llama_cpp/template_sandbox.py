"""Run a chat template that came with a model file, as untrusted code.

Decides how much time and memory a rendering may use. Jinja's own sandbox renders the template and
keeps it from reaching Python, in a process that lives for one rendering and whose resources the
system limits, not Jinja. No item text gets there. Refuses
(`ChatTemplateError`) a template that asks for more than formatting messages needs.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import IO, Any, cast

from localensemble.core.errors import ChatTemplateError
from localensemble.core.module_process import child_command, child_environment

# The longest of 19 published templates takes 17,000 characters, builds 9,000 and needs less
# than 0.2 seconds, most of it for starting Python, and 128 kB of additional memory.
_MOST_SOURCE = 250_000
_MOST_RENDERED = 200_000
_MOST_PROCESSOR_SECONDS = 2
# Of waiting while this process is awake, for a process that was stopped or gets no processor:
# it says nothing about the template, and a sleeping laptop or a clock that jumps adds nothing.
_MOST_SECONDS = 60.0
_WAIT = 0.25
_MOST_BYTES_TO_COMPILE = 256 << 20
_MOST_BYTES_TO_RENDER = 4 << 20
# A character takes at most twelve bytes as JSON.
_MOST_ANSWER = 12 * _MOST_RENDERED + 1_000

_CHILD = "localensemble.engines.llama_cpp.template_process"


class TemplateRaisedError(ChatTemplateError):
    """Report that a template refused the messages with its own ``raise_exception``."""


def render_template(
    source: str, variables: Mapping[str, Any], *, launcher: tuple[str, ...] = ()
) -> str:
    """Render a chat template within its bounds.

    Args:
        source: the Jinja text.
        variables: plain JSON values.
        launcher: starts the process; see `EngineSettings`.

    Raises:
        TemplateRaisedError: the template calls ``raise_exception``.
        ChatTemplateError: the text is not a Jinja template, or does more than a chat template
            needs.
    """
    if len(source) > _MOST_SOURCE:
        raise _refused(
            f"its text has {len(source):,} characters, but at most {_MOST_SOURCE:,} are allowed"
        )
    request = {
        "source": source,
        "variables": variables,
        "most_rendered": _MOST_RENDERED,
        "processor_seconds": _MOST_PROCESSOR_SECONDS,
        "bytes_to_compile": _MOST_BYTES_TO_COMPILE,
        "bytes_to_render": _MOST_BYTES_TO_RENDER,
    }
    answer = _answer(json.dumps(request).encode("ascii"), launcher)
    if answer is None:
        raise ChatTemplateError(
            "Cannot render the model's chat template: the process that renders it used little "
            f"processor time, but did not end in {_MOST_SECONDS:.0f} s.",
            hint="The machine is busy, or something stopped the process. Run the same command "
            "again.",
        )
    try:
        (outcome, text), *_ = json.loads(answer).items()
    except (ValueError, AttributeError):
        raise _refused("rendering it takes too much processor time or memory") from None
    if outcome == "raised":
        raise TemplateRaisedError(
            f'The model\'s chat template refuses these messages: "{text[:200]}".'
        )
    if outcome == "refused":
        raise _refused(text)
    return str(text)


def _refused(why: str) -> ChatTemplateError:
    return ChatTemplateError(
        f"Cannot use the model's chat template: {why[:200]}.",
        hint="Use another conversion of the model, or one whose template only formats messages.",
    )


def _answer(request: bytes, launcher: tuple[str, ...]) -> bytes | None:
    """Return what the process writes until it ends, up to the allowed length.

    The system ends it when its processor time is spent. None if it was waited for too long.
    """
    answers: list[bytes] = []
    with subprocess.Popen(
        child_command(launcher, _CHILD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        # Ctrl-C is for the program, not for the renderer, whose end would be blamed on the
        # template: hence a process group of its own on Windows, a session elsewhere.
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        start_new_session=True,
    ) as process:
        exchange = threading.Thread(target=_exchange, args=(process, request, answers))
        exchange.start()
        try:
            is_over = _ends_in_time(exchange)
        finally:
            process.kill()
            exchange.join()
    return answers[0] if is_over else None


def _exchange(process: subprocess.Popen[bytes], request: bytes, answers: list[bytes]) -> None:
    to_child, from_child = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    with contextlib.suppress(OSError), to_child:
        to_child.write(request)
    answers.append(from_child.read(_MOST_ANSWER))


def _ends_in_time(exchange: threading.Thread) -> bool:
    waited, before = 0.0, time.monotonic()
    while waited < _MOST_SECONDS:
        exchange.join(_WAIT)
        if not exchange.is_alive():
            return True
        now = time.monotonic()
        waited += min(max(now - before, 0.0), _WAIT)
        before = now
    return False
