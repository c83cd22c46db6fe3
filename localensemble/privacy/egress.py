"""Refuse every attempt by Python code to reach another machine, and count the attempts.

Decides what may be reached: loopback addresses, file system sockets, and nothing else. Refuses
connections, name resolution, datagrams and listening for other machines. The error names the
caller by module and line, but never what it wanted to send, or to which address.

An audit hook sees everything that Python code does with sockets, even inside a library, and
cannot be removed. Its state is in closures, out of reach of assignment, and it tests itself. It
does not see C code that opens a socket directly, or other programs that are started;
docs/privacy.md explains what to do about these.
"""

from __future__ import annotations

import _socket
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from localensemble.core.errors import EgressError
from localensemble.privacy.attempts import closed_counter
from localensemble.privacy.checked_sockets import Audit, checked_methods, opening_method
from localensemble.privacy.decision import LISTEN, Decision, closed_decision

_LAUNCHER = "localensemble.privacy.guarded_process"
_MOST_CALLERS = 3
# RFC 5737 and RFC 6761 reserve these: nobody answers.
_ELSEWHERE = ("192.0.2.1", 9)
_NO_NAME = "localensemble.invalid"


@dataclass(frozen=True, slots=True)
class GuardState:
    """The state of the guard.

    Attributes:
        on: True if this process is guarded.
        attempts: the number of attempts refused so far, in this process and in the guarded
            processes that it launched; the guard's own tests do not count.
    """

    on: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class TestedGuard:
    """The outcome of the guard's test of itself, as the manifest states it.

    Attributes:
        on: True if this process is guarded and every attempt of the test was refused.
        attempts: as in `GuardState`.
        self_test: ``passed``, ``failed``, or ``not run`` if this process is not guarded.
    """

    on: bool
    attempts: int
    self_test: Literal["passed", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class _Guard:
    install: Callable[[Path | None], None]
    state: Callable[[], GuardState]
    refuses: Callable[[], bool]
    launcher: Callable[[], tuple[str, ...]]
    forget: Callable[[], None]


def _closed_guard() -> _Guard:
    """Return the guard, whose state no assignment reaches: it is in this function's variables."""
    counter, refused = closed_counter(), EgressError
    installed, tests = False, 0
    methods: dict[str, Any] = {}

    def refusal(what: str) -> EgressError:
        counter.add()
        return refused(
            f"Refused to {what}, as requested by {_callers()}: nothing may leave this machine.",
            hint="Do not use the engine or package named here, or turn off its network access.",
        )

    def install(attempts_file: Path | None) -> None:
        nonlocal installed
        if installed:
            return
        if attempts_file is None:
            counter.path()
        else:
            counter.join(attempts_file)
        opening = opening_method()
        audit = _audit(closed_decision(opening.__code__), refusal)
        methods.update(checked_methods(audit, opening))
        for name, method in methods.items():
            setattr(socket.socket, name, method)
        sys.addaudithook(audit)
        installed = True

    def state() -> GuardState:
        return GuardState(installed, counter.count() - tests)

    def refuses() -> bool:
        nonlocal tests
        if not installed:
            return False
        # A method that another one replaced would look up a name before the hook refuses.
        in_place = socket.socket.__dict__
        failed = any(in_place.get(name) is not method for name, method in methods.items())
        for trial in _trials():
            try:
                trial()
            except refused:
                tests += 1
            except OSError:
                failed = True
            except Exception:
                # Another audit hook was first to refuse.
                continue
            else:
                failed = True
        return not failed

    def launcher() -> tuple[str, ...]:
        return (_LAUNCHER, str(counter.path()))

    return _Guard(install, state, refuses, launcher, counter.forget)


def _audit(decide: Decision, refusal: Callable[[str], EgressError]) -> Audit:
    def audit(
        event: str,
        arguments: tuple[Any, ...],
        *,
        # Local to each call: the traceback of a refusal shows this frame, and Python 3.13 lets
        # whoever holds a frame assign to the variables around its function.
        decide: Decision = decide,
        refusal: Callable[[str], EgressError] = refusal,
    ) -> None:
        what = decide(event, arguments)
        if what:
            raise refusal(what)

    return audit


def _trials() -> Iterator[Callable[[], object]]:
    """Yield attempts that a guard refuses before the system is asked for anything."""
    # Never opened: it belongs to no network, and a guard lets it go nowhere.
    unopened = _socket.socket.__new__(_socket.socket)

    def attempt(event: str, *arguments: object) -> Callable[[], object]:
        return lambda: sys.audit(event, *arguments)

    # The first is a real attempt, in case Python announces it no more. Nobody has this name.
    yield lambda: _socket.getaddrinfo(_NO_NAME, None)
    yield lambda: _socket.socket()
    yield attempt("socket.gethostbyname", _ELSEWHERE[0])
    yield attempt("socket.getnameinfo", _ELSEWHERE)
    yield attempt(LISTEN, unopened)
    for event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        yield attempt(event, unopened, _ELSEWHERE)


_guard = _closed_guard()
_install, _forget = _guard.install, _guard.forget
_state, _refuses, _launcher = _guard.state, _guard.refuses, _guard.launcher


def install_guard(attempts_file: Path | None = None) -> None:
    """Guard this process from now until it ends; a second call has no effect.

    Args:
        attempts_file: the file in which the launching process counts attempts; None if no
            guarded process launched this one.
    """
    _install(attempts_file)


def guard_state() -> GuardState:
    """Return whether this process is guarded, and how many attempts were refused so far."""
    return _state()


def guard_refuses() -> bool:
    """Test the guard with attempts that it must refuse; they are not counted.

    Without the guard, an attempt would leave the machine, so none is made.
    """
    return _refuses()


def tested_guard() -> TestedGuard:
    """Test the guard now, and return the outcome with its state."""
    state = guard_state()
    if not state.on:
        return TestedGuard(False, state.attempts, "not run")
    passed = guard_refuses()
    return TestedGuard(passed, state.attempts, "passed" if passed else "failed")


def forget_attempts() -> None:
    """Remove the count of a process that is about to become another program."""
    _forget()


def guarded_launcher() -> tuple[str, ...]:
    """Return the module, with its arguments, that runs another module of the program guarded.

    Append the name of that module as the last argument. It is guarded even if this process is
    not, and its attempts are counted here.
    """
    return _launcher()


def _callers() -> str:
    """Name the callers: the nearest frame of each package outside Python and this program."""
    ours, here = __name__.partition(".")[0], __name__.rpartition(".")[0]
    found: dict[str, str] = {}
    for frame in _frames():
        spec = frame.f_globals.get("__spec__")
        # The `__name__` of a module that was run by name would be "__main__".
        name = str(spec.name if spec is not None else frame.f_globals.get("__name__"))
        package = name.partition(".")[0]
        if name.rpartition(".")[0] == here or package in sys.stdlib_module_names:
            continue
        if package == ours and found:
            # Whoever called this program wanted labels, not a connection.
            break
        found.setdefault(package, f"{name}, line {frame.f_lineno}")
    return ", called by ".join(list(found.values())[:_MOST_CALLERS]) or "an unknown module"


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
