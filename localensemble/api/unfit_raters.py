"""What would be accepted without raters that show signs of being unfit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from localensemble.core.errors import InputError
from localensemble.core.words import listed
from localensemble.study.decisions import Decisions
from localensemble.study.study import Study


def accepted_without(loaded: Study, *, decisions: Sequence[Decisions]) -> tuple[str, ...]:
    """Decide again in memory without the raters that show signs, and state what changes.

    Each of them is left out alone, then all of them together; a sentence that would change
    nothing is left out. Nothing is recorded.

    Args:
        loaded: the study, with the signs found while it was labeled.
        decisions: its decisions.
    """
    shown = dict.fromkeys(one.rater for one in loaded.run.summary.unfit_signs)
    suspected = [name for name in shown if name in loaded.raters]
    groups = [[name] for name in suspected] + ([suspected] if len(suspected) > 1 else [])
    return tuple(
        sentence for names in groups if (sentence := _without(loaded, decisions, names)) != ""
    )


def _without(loaded: Study, decisions: Sequence[Decisions], names: Sequence[str]) -> str:
    rules = loaded.rules.with_unfit((*loaded.rules.unfit, *names))
    # A certificate holds for all raters it was made with.
    try:
        others = loaded.with_rules(rules.with_certificates(())).decide()
    except InputError:
        # Nobody would be left, or a policy or a setting names this rater.
        return ""
    counts = [
        (now.variable.name, _accepted(now), _accepted(before))
        for before, now in zip(decisions, others, strict=True)
    ]
    if all(now == before for _, now, before in counts):
        return ""
    changes = [f"{name} {now:,} instead of {before:,}" for name, now, before in counts]
    left = rules.fit(loaded.labeled.rater_names)
    alone = f" Only {left[0]} would be left, and no other rater checks it." * (len(left) == 1)
    asked = (
        " This counts labels that were asked for; run again, `label` asks for more."
        if loaded.recorded.some_left_out
        else ""
    )
    return (
        f"Without {listed(names)}, these numbers of labels would be accepted: {listed(changes)}, "
        f"of {len(decisions[0].categories):,} items each.{alone}{asked}"
    )


def _accepted(decided: Decisions) -> int:
    return int(np.count_nonzero(~decided.escalated))
