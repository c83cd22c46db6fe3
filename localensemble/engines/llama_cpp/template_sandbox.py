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
from collections.abc import Mapping
from typing import IO, Any, cast

from localensemble.core.errors import ChatTemplateError
from localensemble.engines.child_process import child_command, child_environment

# The longest of 19 published templates takes 17,000 characters, builds 9,000 and needs less
# than 0.2 seconds, most of it for starting Python, and 128 kB of additional memory.
_MOST_SOURCE = 250_000
_MOST_RENDERED = 200_000
_MOST_PROCESSOR_SECONDS = 2
_MOST_SECONDS = 10.0
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
    try:
        (outcome, text), *_ = json.loads(answer).items()
    except (ValueError, AttributeError):
        raise _refused("rendering it takes too much time or memory") from None
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


def _answer(request: bytes, launcher: tuple[str, ...]) -> bytes:
    """Return what the process writes until it ends or is killed, up to the allowed length."""
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
        clock = threading.Timer(_MOST_SECONDS, process.kill)
        clock.start()
        try:
            to_child, from_child = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            with contextlib.suppress(OSError), to_child:
                to_child.write(request)
            return from_child.read(_MOST_ANSWER)
        finally:
            clock.cancel()
            process.kill()
