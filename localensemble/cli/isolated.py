"""The option ``--isolated`` of every command that reads texts or labels."""

from __future__ import annotations

import click

from localensemble.api.privacy import is_isolated


class IsolationWantedError(Exception):
    """Request that this command run again without a network; not a user error."""


def _require(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not is_isolated():
        raise IsolationWantedError


isolated_option = click.option(
    "--isolated",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_require,
    help="Run without any network, not even loopback. Linux only.",
)
