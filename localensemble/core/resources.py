"""Find the data that ships with the program: prompts, embedded models and examples.

Decides between the two places where such a folder can be: ``localensemble/_data`` in an
installed wheel, or the repository root in a checkout. No other module builds these paths.
Refuses names that could lead out of their folder.
"""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.core.errors import InputError, LocalEnsembleError

_PACKAGE = Path(__file__).resolve().parents[1]
_TEMPLATE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def prompt_template_path(name: str, version: int) -> Path:
    """Find the file of one version of a prompt template.

    Raises:
        InputError: the template or version does not exist; the hint lists those that do.
    """
    folder = prompts_dir()
    if _TEMPLATE_NAME.fullmatch(name):
        path = folder / name / f"v{version}.yaml"
        if path.is_file():
            return path
    known = sorted(
        f"{found.parent.name} {found.stem.removeprefix('v')}" for found in folder.glob("*/v*.yaml")
    )
    raise InputError(
        f'Cannot use prompt template "{name}" version {version}: its file does not exist.',
        hint=f"Choose one of: {', '.join(known) or 'none installed'}.",
    )


def models_dir() -> Path:
    """Find the folder of the embedded models and ``catalog.toml``."""
    return _data_folder("models")


def examples_dir() -> Path:
    """Find the folder of the example codebooks and texts."""
    return _data_folder("examples")


def prompts_dir() -> Path:
    """Find the folder of the prompt templates."""
    return _data_folder("prompts")


def checkout_dir() -> Path | None:
    """Find the checkout that this program runs from; None if it was installed as a wheel."""
    root = _PACKAGE.parent
    is_checkout = (root / "pyproject.toml").is_file() and (root / "requirements").is_dir()
    return root if is_checkout else None


def _data_folder(name: str) -> Path:
    # The wheel's folder comes first: an installed package lies next to other packages, and
    # one of them may well be called "models".
    for place in (_PACKAGE / "_data", _PACKAGE.parent):
        folder = place / name
        if folder.is_dir():
            return folder
    raise LocalEnsembleError(
        f'Cannot find the "{name}" folder of localensemble: the installation is incomplete.',
        hint="Install localensemble again.",
    )
