"""How far reviewers agree so far, shown while double coding goes on.

It is about all reviewers together and names neither an item nor a person, so it tells nobody what
another one answered.
"""

from __future__ import annotations

from localensemble.findings.people.answer_histories import answer_histories
from localensemble.findings.people.double_coding import double_coding
from localensemble.review.page.review_session import ReviewSession


def agreement_so_far(session: ReviewSession) -> tuple[str, ...]:
    """Return a sentence for each variable; empty unless a share of the items is double-coded."""
    if not session.plan.double_coded or session.task.role != "review":
        return ()
    names = {int(one.key): one.name for one in session.study.recorded.reader.reviewers()}
    return tuple(
        f"{variable.name}: {_sentence(session, place, names)}"
        for place, variable in enumerate(session.variables)
    )


def _sentence(session: ReviewSession, place: int, names: dict[int, str]) -> str:
    item_count = len(session.waiting.asked)
    rows = session.decision_rows()[place]
    found = double_coding(
        answer_histories(rows, item_count=item_count),
        adjudications=answer_histories(rows, item_count=item_count, role="adjudication"),
        variable=session.variables[place],
        names=names,
        item_count=item_count,
    )
    return found.agreement_words if found.items else "No item has two answers yet."
