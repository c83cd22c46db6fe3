"""Render one chat template and exit: the process that `template_sandbox` starts.

Reads a request as JSON from standard input and writes one JSON object to standard output:
``rendered``, ``raised`` with the template's own message, or ``refused`` with the reason. If
a bound ends it, it writes nothing. Imports only Jinja.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from pathlib import Path
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

_MEMORY_NOW = Path("/proc/self/statm")
# Fixed, so that a prompt is the same tomorrow; Llama's template defaults to this date.
DATE_STRING = "26 Jul 2024"
_DATE = {
    "%Y": "2024",
    "%y": "24",
    "%m": "07",
    "%B": "July",
    "%b": "Jul",
    "%d": "26",
    "%-d": "26",
    "%e": "26",
    "%A": "Friday",
    "%a": "Fri",
    "%H": "00",
    "%I": "12",
    "%p": "AM",
    "%M": "00",
    "%S": "00",
    "%%": "%",
}


class _MessagesRefusedError(Exception):
    """The template called ``raise_exception``."""


class _GenerationExtension(Extension):
    """Accept ``{% generation %}``, which marks text for training and prints it unchanged."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """Return the statements inside the tag."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with only what chat templates expect."""

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_printed,
            extensions=[LoopControlExtension, _GenerationExtension],
        )
        self.globals = {
            "dict": dict,
            "namespace": Namespace,
            "raise_exception": _raise_exception,
            "range": self.globals["range"],
            "strftime_now": _strftime_now,
        }
        # The default filter escapes for HTML.
        self.filters["tojson"] = _to_json
        # Without randomness, a prompt is the same tomorrow.
        del self.filters["random"]

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """Refuse what the sandbox would silently replace with an empty value."""
        raise SecurityError(f'it reads attribute "{attribute}" of a {type(obj).__name__}')


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.read())
    try:
        answer = {"rendered": _rendered(request)}
    except _MessagesRefusedError as error:
        answer = {"raised": str(error)[:1_000]}
    except TemplateError as error:
        answer = {"refused": f"{type(error).__name__}: {error}"[:1_000]}
    except RecursionError:
        answer = {"refused": "it is nested too deeply"}
    except MemoryError:
        answer = {"refused": "it needs too much memory"}
    # Anything else that untrusted code raises is a fault of that code: this is the door.
    except Exception as error:
        answer = {"refused": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _rendered(request: dict[str, Any]) -> str:
    environment = _TemplateEnvironment()
    _bound_time(request["processor_seconds"])
    _bound_memory(request["bytes_to_compile"])
    template = environment.from_string(request["source"])
    # Memory used for compiling may be used again.
    _bound_memory(request["bytes_to_render"])
    text = template.render(request["variables"])
    if len(text) > request["most_rendered"]:
        raise SecurityError(f"it writes more than {request['most_rendered']:,} characters")
    return text


def _bound_time(seconds: int) -> None:
    """Let the system end this process after ``seconds`` more of computing, without a dump."""
    if sys.platform == "win32":
        return
    import resource

    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _bound_memory(more: int) -> None:
    """Limit this process to ``more`` bytes beyond the memory it has; only on Linux."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(_MEMORY_NOW.read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + more
    _, allowed = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY:
        most = min(most, allowed)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _printed(value: object) -> object:
    if value is None or isinstance(value, str | int | float | list | tuple | dict | Undefined):
        return value
    raise SecurityError(f"it prints a {type(value).__name__}")


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: object = "") -> str:
    raise _MessagesRefusedError(str(message))


def _strftime_now(pattern: str) -> str:
    """Write the fixed date, with months and days in English in every locale."""

    def directive(match: re.Match[str]) -> str:
        if match[0] not in _DATE:
            raise SecurityError(f'it uses "{match[0]}" in a date format')
        return _DATE[match[0]]

    return re.sub(r"%-?.?", directive, str(pattern)[:200])


if __name__ == "__main__":
    main()
