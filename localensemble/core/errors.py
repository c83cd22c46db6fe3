"""The one exception tree: what the user is told when something cannot be done.

Every message has three parts: what could not be done and where, what was found
against what was expected, and (the hint) what to do next. Messages name rows and ids;
they never contain the text of an item.
"""

from __future__ import annotations

import os
import traceback


class LocalEnsembleError(Exception):
    """Report something that could not be done.

    ``exit_code`` is the exit code of the command. ``retryable`` is True if the same call may
    succeed later although the user changes nothing.
    """

    exit_code: int = 1
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(LocalEnsembleError):
    """Report an input file or option that cannot be used."""

    exit_code = 2


class TableError(InputError):
    """Report an items file that cannot be read as a table."""


class CodebookError(InputError):
    """Report a codebook that is incomplete or invalid."""


class EnsembleError(InputError):
    """Report an ensemble file that is incomplete or invalid."""


class ModelFileError(InputError):
    """Report a model file that is missing, damaged or different from the pinned one."""


class UnfitRaterError(LocalEnsembleError):
    """Report a run that was asked to stop when a rater shows a sign of being unfit."""

    exit_code = 6


class DownloadError(LocalEnsembleError):
    """Report a file that could not be downloaded; the part that arrived is kept."""


class BundleError(LocalEnsembleError):
    """Report a bundle that cannot be made, or that differs from the one that was signed."""


class ChatTemplateError(InputError):
    """Report a chat template that cannot be rendered safely."""


class EngineError(LocalEnsembleError):
    """Report an engine call that failed."""


class EngineUnavailableError(EngineError):
    """Report an engine that is not installed or cannot start."""

    exit_code = 4


class EngineCrashedError(EngineError):
    """Report that the process holding the model died during a call."""

    retryable = True


class LedgerError(LocalEnsembleError):
    """Report a ledger that cannot be opened, or whose content has been changed."""


class EgressError(LocalEnsembleError):
    """Report a refused attempt to reach another machine."""


class IsolationError(LocalEnsembleError):
    """Report that a run cannot be isolated from the network as requested."""


def kind_and_place(error: BaseException) -> str:
    """Return the kind and place of an unexpected error; its message may contain item text."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if frames:
        place = f"{frames[-1][0].f_globals.get('__name__')}:{frames[-1][1]}"
    else:
        place = "unknown place"
    # The system's text for the error number; the text in the error could come from anywhere.
    reason = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{reason} at {place}"
