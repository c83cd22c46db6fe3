"""Load a codebook that is good enough to label by."""

from __future__ import annotations

from pathlib import Path

from localensemble.codebook.check import check_codebook
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import CodebookError


def load_checked(codebook: Path) -> Codebook:
    """Load a codebook for labeling.

    Raises:
        CodebookError: the file cannot be used, or a remark of `check` is an error.
    """
    loaded = load_codebook(codebook)
    errors = [remark for remark in check_codebook(loaded) if remark.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise CodebookError(
            f"{codebook.name}, {errors[0].where}: {errors[0].what}{more}",
            hint=f"{errors[0].what_to_do} `localensemble check {codebook}` lists them all.",
        )
    return loaded
