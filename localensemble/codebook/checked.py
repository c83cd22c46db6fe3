"""Load a codebook that is good enough for labeling."""

from __future__ import annotations

from pathlib import Path

from localensemble.codebook.check import check_codebook
from localensemble.codebook.load import CodebookSource, load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import CodebookError

__all__ = ["CodebookSource", "load_checked"]


def load_checked(codebook: CodebookSource) -> Codebook:
    """Load a codebook for labeling.

    Raises:
        CodebookError: the codebook cannot be used, or `check_codebook` finds an error in it.
    """
    loaded = load_codebook(codebook)
    errors = [remark for remark in check_codebook(loaded) if remark.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        name, listing = "codebook", ""
        if isinstance(codebook, Path):
            name, listing = codebook.name, f" `localensemble check {codebook}` lists all errors."
        raise CodebookError(
            f"{name}, {errors[0].where}: {errors[0].what}{more}",
            hint=f"{errors[0].what_to_do}{listing}",
        )
    return loaded
