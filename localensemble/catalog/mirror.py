"""A site's own copy of the server that the catalog names.

What comes from it needs no trust: every file must have the size and sha256 in the catalog.
"""

from __future__ import annotations

import re
from dataclasses import replace

from localensemble.catalog.known import KnownModel
from localensemble.core.errors import InputError

_SERVER = re.compile(r"https?://[^/]+")


def mirrored(model: KnownModel, mirror: str) -> KnownModel:
    """Return a model with the address of its file at a mirror, or unchanged if there is none.

    Raises:
        InputError: the mirror is not the beginning of an address.
    """
    if not mirror:
        return model
    if not _SERVER.match(mirror) or set(mirror) & set("?#@ "):
        raise InputError(
            "Cannot use the mirror: it must be the beginning of an address, without a password.",
            hint="Name it as in https://mirror.example.org/huggingface.",
        )
    return replace(model, url=mirror.rstrip("/") + _SERVER.sub("", model.url, count=1))
