"""Open a study for review, and serve the page to this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.core.errors import InputError
from localensemble.core.options import Option, fitting
from localensemble.ledger.ledger import Ledger
from localensemble.review.page.kept_texts import KeptTexts
from localensemble.review.page.review_session import ReviewSession
from localensemble.review.page.waiting_items import EVERYTHING, QueueFilter, WaitingItems
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn

_BLOCK_ITEMS = 4096
_NEEDED = ("starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How a study is reviewed.

    Attributes:
        reviewer: name of the person who opens the first browser; None asks for it on the page.
        wanted: the items to begin with; the page can change this.
        not_blind: show the raters' labels before the answer.
        port: where to serve the page; None takes a free port.
        id_column: column that identifies an item; None guesses it by name.
        text_column: column that holds the text; None guesses it by name, then by length.
    """

    reviewer: Annotated[
        str | None, Option("Your name or initials; the page asks if you do not give it.")
    ] = None
    wanted: QueueFilter = EVERYTHING
    not_blind: Annotated[bool, Option("Show the raters' labels before you answer, not after.")] = (
        False
    )
    port: Annotated[
        int | None, Option("The port of the page; the default is a free one.", least=1)
    ] = None
    id_column: IdColumn = None
    text_column: TextColumn = None


AS_USUAL = ReviewOptions()


def review(
    study: Path,
    *,
    items: TableSource | None = None,
    options: ReviewOptions = AS_USUAL,
    announce: Callable[[str], None],
) -> None:
    """Serve the review page until Ctrl-C; answers are recorded as they are given.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts.
        options: who reviews what.
        announce: shows the address of the page. It is called again whenever an address was
            used, with one for another browser.

    Raises:
        InputError: the extra ``review`` is not installed, the table is missing or is not the one
            that was labeled, an option does not fit, or the port is taken.
        LedgerError: the folder has no study, or another program writes to it.
    """
    _refuse_without_server()
    from localensemble.review.guard.loopback_server import serve
    from localensemble.review.page.page_app import page_app

    with opened_review(study, items=items, options=options) as session:
        serve(page_app(session), port=options.port, announce=announce)


@contextmanager
def opened_review(
    study: Path, *, items: TableSource | None = None, options: ReviewOptions = AS_USUAL
) -> Iterator[ReviewSession]:
    """Open a study for review, without a page.

    Raises:
        InputError: the table is missing or is not the one that was labeled, or an option does
            not fit.
        LedgerError: the folder has no study, or another program writes to it.
    """
    fitting(options)
    folder = StudyFolder.of(study)
    with Ledger.open(folder.ledger, create=False) as ledger:
        loaded = Study.load(ledger.reader)
        table = items_of(
            loaded, items, id_column=options.id_column, text_column=options.text_column
        )
        waiting = WaitingItems.of(loaded.decide())
        count = loaded.recorded.item_count
        blocks = table.blocks(_BLOCK_ITEMS)
        with KeptTexts(blocks, folder=folder.path, item_count=count) as texts:
            yield ReviewSession(
                loaded,
                ledger=ledger,
                texts=texts,
                waiting=waiting,
                title=loaded.codebook.name,
                wanted=options.wanted,
                plan=ReviewPlan(),
                blind=not options.not_blind,
                reviewer=options.reviewer,
            )


def _refuse_without_server() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Cannot open the review page: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed.",
            hint='Install the extra: pip install "localensemble[review]"',
        )
