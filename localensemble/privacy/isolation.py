"""Take the network away from this process and all it starts, where Linux allows it.

The guard of `egress` sees what Python does; this is the wall behind it. A new network
namespace has no interface but a loopback that is down, so that C code and other programs
reach nothing either. It works for anybody where the kernel lets users make namespaces, and
for root. Decides what counts as isolated by looking, not by having asked for it; and that a
machine whose network is only down does not count: it may come up while the run goes on.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from localensemble.core.errors import IsolationError
from localensemble.privacy.egress import forget_attempts

# linux/sched.h, linux/if.h, linux/sockios.h.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_INTERFACE_IS_UP = 0x1
_INTERFACE_IS_LOOPBACK = 0x8
_GET_INTERFACE_FLAGS = 0x8913
_INTERFACES = Path("/proc/self/net/dev")
_SECONDS_TO_ANSWER = 20.0
# A name of 16 bytes and its flags, in a structure of 40 bytes.
_FLAGS_REQUEST = struct.Struct("16sH22x")
# Set for the program that `restart_isolated` turns this one into.
_ASKED = "LOCALENSEMBLE_ISOLATED"


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """A way to a network, as this process sees it."""

    name: str
    up: bool
    loopback: bool

    def __str__(self) -> str:
        kind = "loopback, " if self.loopback else ""
        return f"{self.name} ({kind}{'up' if self.up else 'down'})"


@dataclass(frozen=True, slots=True)
class Isolation:
    """What this process could reach if it tried, and what it goes by.

    Attributes:
        isolated: no interface is up but, at most, loopback.
        interfaces: all of them; empty where the system does not say, and then not isolated.
    """

    isolated: bool
    interfaces: tuple[NetworkInterface, ...]


# What was seen from inside, once this process had left the machine's network.
_established: list[Isolation] = []


def isolation() -> Isolation:
    """Look at the interfaces that this process and its children have."""
    interfaces = _interfaces()
    reachable = [one for one in interfaces if one.up and not one.loopback]
    return Isolation(bool(interfaces) and not reachable, interfaces)


def is_isolated() -> bool:
    """Say whether this process left the machine's network, which it does for good."""
    return bool(_established)


def isolation_evidence() -> tuple[str, ...] | None:
    """Name the interfaces of a run that was asked to be isolated, and is; None for another."""
    return tuple(map(str, _established[0].interfaces)) if _established else None


def isolate_this_process() -> None:
    """Leave the machine's network for good; children are born without one.

    To be called before anything starts a thread.

    Raises:
        IsolationError: the system does not allow it, or an interface is left.
    """
    _refuse_other_systems()
    user, group = os.geteuid(), os.getegid()
    failure = _unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if failure is None:
        failure = _map_user(user, group)
    elif user == 0:
        # Root of a container may make the one kind of namespace and not the other.
        failure = _unshare(_CLONE_NEWNET)
    found = isolation()
    # In a container without a network there is nothing to leave, and nothing that may come up.
    alone = bool(found.interfaces) and all(one.loopback for one in found.interfaces)
    if failure is not None and not alone:
        raise IsolationError(
            f"Cannot isolate this run: the system refuses a network of its own ({failure}).",
            hint="Ask whoever runs the machine to allow user namespaces (sysctl "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone or "
            "kernel.apparmor_restrict_unprivileged_userns), or label without --isolated.",
        )
    if not found.isolated:
        raise IsolationError(
            "Cannot isolate this run: the system shows no interfaces, or some that are up in a "
            "network that should have none.",
            hint="Label without --isolated on a machine whose network is unplugged.",
        )
    _established.append(found)


def isolation_refused() -> str:
    """Try, in another process, whether a run could be isolated; say why not, empty if it could."""
    if sys.platform != "linux":
        return "this needs Linux"
    ended = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        capture_output=True,
        text=True,
        timeout=_SECONDS_TO_ANSWER,
        check=False,
    )
    return "" if ended.returncode == 0 else ended.stdout.strip() or "the attempt failed"


def isolate_if_asked() -> None:
    """Isolate this process when `restart_isolated` started it, or its environment says so."""
    if os.environ.pop(_ASKED, "") not in {"", "0"}:
        isolate_this_process()


def restart_isolated() -> NoReturn:
    """Run this command line again from its beginning, isolated, in the place of this process.

    By now a library may have started threads, and a process with threads cannot leave.

    Raises:
        IsolationError: the system does not allow it, or this is no command line of its own.
    """
    _refuse_other_systems()
    given = sys.argv[1:]
    if sys.orig_argv[-len(given) :] != given:
        # In a notebook, for example: its beginning is another program's.
        raise IsolationError(
            "Cannot isolate this run: another program called it.",
            hint="Run the same command in a terminal.",
        )
    forget_attempts()
    sys.stdout.flush()
    sys.stderr.flush()
    environment = dict(os.environ, **{_ASKED: "1"})
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _refuse_other_systems() -> None:
    if sys.platform != "linux":
        raise IsolationError(
            "Cannot isolate this run: that needs Linux.",
            hint="Run without --isolated on a machine whose network is unplugged.",
        )


def _unshare(flags: int) -> str | None:
    """Ask for namespaces; say why not."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags) == 0:
        return None
    return os.strerror(ctypes.get_errno())


def _map_user(user: int, group: int) -> str | None:
    """Stay the same user in the new namespace, so that files look as before."""
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _interfaces() -> tuple[NetworkInterface, ...]:
    if sys.platform != "linux":
        return ()
    import fcntl

    try:
        lines = _INTERFACES.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    # Two lines of headings; socket.if_nameindex would open a socket of another kind.
    names = [line.partition(":")[0].strip() for line in lines[2:]]
    # A local socket reaches nothing, and can be asked about interfaces all the same.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
        found = []
        for name in names:
            request = _FLAGS_REQUEST.pack(name.encode(), 0)
            answer = fcntl.ioctl(asked, _GET_INTERFACE_FLAGS, request)
            flags = _FLAGS_REQUEST.unpack(answer)[1]
            up, loopback = flags & _INTERFACE_IS_UP, flags & _INTERFACE_IS_LOOPBACK
            found.append(NetworkInterface(name, bool(up), bool(loopback)))
    return tuple(found)


def main() -> None:
    """Try it here, and say on standard output why it is refused."""
    try:
        isolate_this_process()
    except IsolationError as error:
        sys.stdout.write(error.message)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
