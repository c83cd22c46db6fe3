"""Keep this process from leaving the machine, and say whether it is kept."""

from __future__ import annotations

from localensemble.privacy.egress import GuardState, guard_state, install_guard
from localensemble.privacy.isolation import (
    is_isolated,
    isolate_if_asked,
    restart_isolated,
)

__all__ = [
    "GuardState",
    "guard_egress",
    "guard_state",
    "is_isolated",
    "isolate_if_asked",
    "restart_isolated",
]


def guard_egress() -> None:
    """Refuse, until this process ends, every connection that leaves the machine.

    The command line does this first of all. Call it yourself at the top of a notebook or
    script; it cannot be undone, so fetch what you need before.
    """
    install_guard()
