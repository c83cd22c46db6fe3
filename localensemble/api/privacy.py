"""Keep this process from connecting to other machines, and report whether that holds."""

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
    """Refuse every connection to another machine until this process ends.

    The command line does this before anything else. Call it yourself at the top of a notebook
    or script. It cannot be undone, so download what you need first.
    """
    install_guard()
