"""Cut off this process and all that it starts from the network, where Linux allows it.

The guard in `egress` sees what Python does; this is the wall behind it. A new network
namespace has only a loopback interface, which is down, so that C code and other programs
cannot reach anything either. It works for root, and for everyone if the kernel lets users
create namespaces. Checks the interfaces to decide whether the process is isolated. A machine
whose network is only down does not count, because the network may come up during the run.
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
    """Whether this process is isolated, and the interfaces that show it.

    Attributes:
        isolated: True if no interface is up, or only loopback is.
        interfaces: all interfaces. Empty if the system does not list them; the process then
            does not count as isolated.
    """

    isolated: bool
    interfaces: tuple[NetworkInterface, ...]


# What this process saw from inside after it had left the machine's network.
_established: list[Isolation] = []


def isolation() -> Isolation:
    """Return the interfaces of this process and its children, and whether they isolate it."""
    interfaces = _interfaces()
    reachable = [interface for interface in interfaces if interface.up and not interface.loopback]
    return Isolation(bool(interfaces) and not reachable, interfaces)


def is_isolated() -> bool:
    """Tell whether this process has left the machine's network; it cannot return."""
    return bool(_established)


def isolation_evidence() -> tuple[str, ...] | None:
    """Name the interfaces of a run that is isolated on request; return None for other runs."""
    return tuple(map(str, _established[0].interfaces)) if _established else None


def isolate_this_process() -> None:
    """Leave the machine's network permanently; child processes start without a network.

    Call this before anything starts a thread.

    Raises:
        IsolationError: the system does not allow it, or an interface is still up.
    """
    if sys.platform != "linux":
        raise _other_system()
    user, group = os.geteuid(), os.getegid()
    failure = _unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if failure is None:
        failure = _map_user(user, group)
    elif user == 0:
        # Root in a container may create one kind of namespace but not the other.
        failure = _unshare(_CLONE_NEWNET)
    found = isolation()
    # A container without a network has nothing to leave, and nothing that could come up.
    alone = bool(found.interfaces) and all(interface.loopback for interface in found.interfaces)
    if failure is not None and not alone:
        raise IsolationError(
            f"Cannot isolate this run: the system refuses a separate network ({failure}).",
            hint="Ask your system administrator to allow user namespaces (sysctl "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone or "
            "kernel.apparmor_restrict_unprivileged_userns), or label without --isolated.",
        )
    if not found.isolated:
        raise IsolationError(
            "Cannot isolate this run: the system lists no interfaces, or some are up although the "
            "network should have none.",
            hint="Label without --isolated on a machine whose network is unplugged.",
        )
    _established.append(found)


def isolation_refused() -> str:
    """Test in another process whether a run can be isolated; return why not, empty if it can."""
    if sys.platform != "linux":
        return "this needs Linux"
    ended = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS_TO_ANSWER,
        check=False,
    )
    return "" if ended.returncode == 0 else ended.stdout.strip() or "the attempt failed"


def isolate_if_asked() -> None:
    """Isolate this process if `restart_isolated` or the user's environment asks for it."""
    if os.environ.pop(_ASKED, "") not in {"", "0"}:
        isolate_this_process()


def restart_isolated() -> NoReturn:
    """Replace this process with an isolated run of the same command line, from the beginning.

    A library may already have started threads, and a process with threads cannot leave the
    network.

    Raises:
        IsolationError: the system does not allow it, or another program called this one.
    """
    if sys.platform != "linux":
        raise _other_system()
    given = sys.argv[1:]
    if sys.orig_argv[-len(given) :] != given:
        # In a notebook, for example, the command line belongs to another program.
        raise IsolationError(
            "Cannot isolate this run: another program started it.",
            hint="Run the same command in a terminal.",
        )
    forget_attempts()
    sys.stdout.flush()
    sys.stderr.flush()
    environment = dict(os.environ, **{_ASKED: "1"})
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _other_system() -> IsolationError:
    return IsolationError(
        "Cannot isolate this run: isolation needs Linux.",
        hint="Run without --isolated on a machine whose network is unplugged.",
    )


def _unshare(flags: int) -> str | None:
    """Request new namespaces; return why the system refuses, or None if it does not."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags) == 0:
        return None
    return os.strerror(ctypes.get_errno())


def _map_user(user: int, group: int) -> str | None:
    """Map the same user into the new namespace, so that file ownership looks unchanged."""
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
    # The first two lines are headings; socket.if_nameindex would open another kind of socket.
    names = [line.partition(":")[0].strip() for line in lines[2:]]
    # A local socket reaches nothing, but can still be asked about interfaces.
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
    """Try to isolate this process, and write to standard output why it is refused."""
    try:
        isolate_this_process()
    except IsolationError as error:
        sys.stdout.write(error.message)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
