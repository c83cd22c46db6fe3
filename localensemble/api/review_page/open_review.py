"""Open a study for review, and serve the page to this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.api.decided import WrittenStudy, write_decided
from localensemble.api.deidentified.people_texts import DeidentifyBy, without_identifiers
from localensemble.core.errors import InputError
from localensemble.core.options import Option, fitting
from localensemble.ledger.ledger import Ledger
from localensemble.privacy.isolation import is_isolated
from localensemble.review.page.control_cautions import control_cautions
from localensemble.review.page.kept_texts import KeptTexts
from localensemble.review.page.review_session import ReviewSession
from localensemble.review.page.review_task import (
    ReviewTask,
    adjudication_task,
    escalated_task,
    existing_task,
)
from localensemble.review.page.waiting_items import EVERYTHING, QueueFilter
from localensemble.review.plan.review_plan import ONE_PERSON, ReviewPlan
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.people.reference_labels import (
    record_reference_labels,
    reference_categories,
)
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
        plan: how many people answer each item, and how often control items come.
        adjudicate: ask about the items on which reviewers differ.
        not_blind: show the raters' labels before the answer.
        port: where to serve the page; None takes a free port.
        id_column: column that identifies an item; None guesses it by name.
        text_column: column that holds the text; None guesses it by name, then by length.
        deidentify: the codebook that says which identifiers to replace in the texts; None shows
            the texts as they are.
    """

    reviewer: Annotated[
        str | None, Option("Your name or initials; the page asks if you do not give it.")
    ] = None
    wanted: QueueFilter = EVERYTHING
    plan: ReviewPlan = ONE_PERSON
    adjudicate: Annotated[
        bool, Option("Settle the items on which reviewers differ; you must not be one of them.")
    ] = False
    not_blind: Annotated[bool, Option("Show the raters' labels before you answer, not after.")] = (
        False
    )
    port: Annotated[
        int | None, Option("The port of the page; the default is a free one.", least=1)
    ] = None
    id_column: IdColumn = None
    text_column: TextColumn = None
    deidentify: DeidentifyBy = None


@dataclass(frozen=True, slots=True)
class ReviewTables:
    """Tables that a review rests on, beside the items; both are recorded in the study.

    Attributes:
        control: known categories: these items are mixed in without a mark, to watch reviewers.
        against: existing labels: only the items on which the study differs from them are asked.
    """

    control: Annotated[
        Path | None,
        Option("Known categories; some of these items are mixed in, unmarked.", metavar="FILE"),
    ] = None
    against: Annotated[
        Path | None,
        Option(
            "Existing labels; review only items whose label in the study differs.", metavar="FILE"
        ),
    ] = None


AS_USUAL = ReviewOptions()
NO_TABLES = ReviewTables()


def review(
    study: Path,
    *,
    items: TableSource | None = None,
    options: ReviewOptions = AS_USUAL,
    tables: ReviewTables = NO_TABLES,
    announce: Callable[[str], None],
    caution: Callable[[str], None],
) -> WrittenStudy | None:
    """Serve the review page until Ctrl-C, and then write the study's files again.

    Answers are recorded as they are given.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts.
        options: who reviews what.
        tables: known categories of control items, or existing labels to compare with.
        announce: shows the address of the page. It is called again whenever an address was
            used, with one for another browser.
        caution: shows in what control items differ from the others, before the page is served.

    Returns:
        What was written; None if nobody answered anything.

    Raises:
        InputError: the extra ``review`` is not installed, the run is isolated, the table is
            missing or is not the one that was labeled, an option does not fit, or the port is
            taken.
        LedgerError: the folder has no study, or another program writes to it.
    """
    _refuse_without_server()
    _refuse_isolated()
    from localensemble.review.guard.loopback_server import serve
    from localensemble.review.page.page_app import page_app

    with opened_review(study, items=items, options=options, tables=tables) as session:
        for sentence in control_cautions(session.task, session.texts):
            caution(sentence)
        serve(page_app(session), port=options.port, announce=announce)
        if not session.has_recorded:
            return None
        source = items_of(
            session.study, items, id_column=options.id_column, text_column=options.text_column
        )
        return write_decided(
            session.study,
            decisions=session.study.decide(),
            items=source,
            folder=StudyFolder.of(study),
            gold=None,
        )


@contextmanager
def opened_review(
    study: Path,
    *,
    items: TableSource | None = None,
    options: ReviewOptions = AS_USUAL,
    tables: ReviewTables = NO_TABLES,
) -> Iterator[ReviewSession]:
    """Open a study for review, without a page.

    Raises:
        InputError: the table is missing or is not the one that was labeled, or an option does
            not fit.
        LedgerError: the folder has no study, or another program writes to it.
    """
    fitting(options)
    _refuse_two_tasks(options, tables)
    folder = StudyFolder.of(study)
    with open_ledger(folder, create=False) as ledger:
        loaded = Study.load(ledger.reader)
        table = without_identifiers(
            items_of(loaded, items, id_column=options.id_column, text_column=options.text_column),
            options.deidentify,
        )
        task = _task(loaded, ledger, options=options, tables=tables)
        count = loaded.recorded.item_count
        blocks = table.blocks(_BLOCK_ITEMS)
        with KeptTexts(blocks, folder=folder.path, item_count=count) as texts:
            yield ReviewSession(
                loaded,
                ledger=ledger,
                texts=texts,
                task=task,
                title=loaded.codebook.name,
                wanted=options.wanted,
                plan=options.plan,
                blind=not options.not_blind,
                reviewer=options.reviewer,
            )


def _task(
    loaded: Study, ledger: Ledger, *, options: ReviewOptions, tables: ReviewTables
) -> ReviewTask:
    """Find out what is asked, and record the labels of the tables that it rests on."""
    decisions = loaded.decide()
    if options.adjudicate:
        return adjudication_task(decisions, loaded.final_labels(decisions))
    if tables.against is not None:
        record_reference_labels(ledger, loaded, tables.against, role="existing")
        return existing_task(
            decisions,
            existing=reference_categories(loaded.recorded, role="existing"),
            item_ids=loaded.items,
            plan=options.plan,
        )
    if tables.control is not None:
        record_reference_labels(ledger, loaded, tables.control, role="known")
        known = reference_categories(loaded.recorded, role="known")
        return escalated_task(decisions, control=known)
    return escalated_task(decisions)


def _refuse_two_tasks(options: ReviewOptions, tables: ReviewTables) -> None:
    named = [
        name
        for name, given in (
            ("--adjudicate", options.adjudicate),
            ("--against", tables.against),
            ("--control", tables.control),
        )
        if given
    ]
    if len(named) > 1:
        raise InputError(
            f"Cannot open the review page with {' and '.join(named)}; expected one of them.",
            hint="Do one after the other; the study keeps all answers.",
        )
    if options.plan.audit_share and tables.against is None:
        raise InputError(
            "Cannot draw --audit-share without --against: there is nothing to agree with.",
            hint="Give the existing labels with --against.",
        )


def _refuse_without_server() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Cannot open the review page: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed.",
            hint='Install the extra: pip install "localensemble[review]"',
        )


def _refuse_isolated() -> None:
    if is_isolated():
        raise InputError(
            "Cannot open the review page: an isolated run has no network, not even 127.0.0.1, so "
            "no browser could reach the page.",
            hint="Run `review` without LOCALENSEMBLE_ISOLATED, or decide in a worksheet: "
            "`localensemble review worksheet`.",
        )
