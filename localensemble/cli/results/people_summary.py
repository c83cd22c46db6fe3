"""Print in a few sentences what people's decisions show."""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.api.findings import PeopleFindings
from localensemble.cli.results.shared_lines import together


def people_lines(review: Sequence[PeopleFindings]) -> tuple[str, ...]:
    """Return one sentence per line, each with the variables for which it holds."""
    return together((one.variable, one.sentences()) for one in review)
