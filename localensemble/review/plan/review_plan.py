"""How a review gives items to people, and how the ledger keeps that with their decisions.

The plan and the item's id decide everything that is drawn at random. So the plan, written as
the origin of a batch of decisions, is enough to find out later which items were drawn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from localensemble.core.errors import InputError
from localensemble.core.foreign_json import read_json
from localensemble.core.identity import canonical_json
from localensemble.core.options import Option

PAGE = "page"


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """How a review gives items to people.

    Attributes:
        double_coded: probability that an item is answered by ``people`` reviewers, from 0 to 1;
            every other item is answered by one.
        people: number of different reviewers of a double-coded item.
        control_share: probability that the next item of a reviewer is a control item.
        audit_share: share of the items on which the study and the existing labels agree that is
            reviewed as well.
        seed: another seed draws other items.
    """

    double_coded: Annotated[
        float,
        Option(
            "Share of items that several people answer, to measure how far they agree.",
            metavar="SHARE",
            least=0,
            most=1,
        ),
    ] = 0.0
    people: Annotated[
        int, Option("How many people answer each double-coded item.", least=2, most=9)
    ] = 2
    control_share: Annotated[
        float,
        Option(
            "Share of control items in what a person reads; needs --control.",
            metavar="SHARE",
            least=0,
            most=1,
        ),
    ] = 0.1
    audit_share: Annotated[
        float,
        Option(
            "Share of the items on which both agree to review as well; needs --against.",
            metavar="SHARE",
            least=0,
            most=1,
        ),
    ] = 0.0
    seed: Annotated[int, Option("Seed of all random draws.", least=0)] = 0

    def __post_init__(self) -> None:
        for name in ("double_coded", "control_share", "audit_share"):
            value: float = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(
                    f"Cannot plan a review: {name} is {value}; expected a share from 0 to 1.",
                    hint=f"Correct {name}.",
                )
        if self.people < 2:
            raise InputError(
                f"Cannot plan a review: people is {self.people}; expected 2 or more.",
                hint="An item that one reviewer answers is not double-coded.",
            )

    @property
    def origin(self) -> str:
        """The origin of a batch of decisions made on the page under this plan."""
        return f"{PAGE} {canonical_json(asdict(self))}"


ONE_PERSON = ReviewPlan()
"""The plan by which one person answers each item."""


def plan_of(origin: str) -> ReviewPlan | None:
    """Read the plan from the origin of a batch; return None if the batch was made without one."""
    kind, _, settings = origin.partition(" ")
    if kind != PAGE or not settings:
        return None
    return ReviewPlan(**read_json(settings))
