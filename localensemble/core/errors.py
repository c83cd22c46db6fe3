"""The one exception tree: what a person is told when something cannot be done.

Every message has three parts: what could not be done and where, what was found
against what was expected, and (the hint) what to do next. Messages never hold item
text; rows and ids only.
"""

from __future__ import annotations

import os
import traceback


class LocalEnsembleError(Exception):
    """Report something that could not be done.

    ``exit_code`` is the code the command line ends with. ``retryable`` says whether the
    same call may succeed later without a change by the user.
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
    """Report a codebook that does not say what it must."""


class EnsembleError(InputError):
    """Report an ensemble file that does not say what it must."""


class ModelFileError(InputError):
    """Report a model file that is missing, damaged or not what was pinned."""


class DownloadError(LocalEnsembleError):
    """Report a file that could not be fetched; what came of it is kept."""


class BundleError(LocalEnsembleError):
    """Report a bundle that cannot be made, or is not the one that was signed."""


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
    """Report a ledger that cannot be opened, or whose content is not what was written."""


class EgressError(LocalEnsembleError):
    """Report an attempt to leave this machine, which was refused."""


class IsolationError(LocalEnsembleError):
    """Report that a run cannot be cut off from the network as was asked for."""


def kind_and_place(error: BaseException) -> str:
    """Name an error that nothing expects by its kind and place; its message may hold item text."""
    frames = list(traceback.walk_tb(error.__traceback__))
    place = f"{frames[-1][0].f_globals.get('__name__')}:{frames[-1][1]}" if frames else "no place"
    # The system's own words for a number; those in the error may be anybody's.
    said = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{said} at {place}"
