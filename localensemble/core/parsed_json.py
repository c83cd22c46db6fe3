"""Parse JSON that anybody may have written: the one place where the program trusts none of it."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def parsed_json(content: str | bytes) -> Any:
    """Parse JSON into values.

    Raises:
        ValueError: the content is not JSON; brackets are nested too deeply; or a number is not
            finite, which JSON cannot express.
    """
    try:
        return json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("Brackets are nested too deeply.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("A number is too large.")
    return value
