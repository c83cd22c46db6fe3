"""A study with items that wait for a person, and a browser without a window to review it."""

from __future__ import annotations

import asyncio
import csv
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.review_page.open_review import ReviewOptions, opened_review
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import PersonDecision
from localensemble.review.page.page_app import page_app
from localensemble.review.page.review_session import ReviewSession
from localensemble.study.study import Study
from localensemble.tables.rating_columns import NamedColumns

RATERS = ("annika", "bodil", "cyrus")
# Words that no page has for another reason, so that a test can look for them.
CATEGORIES = ("mildstone", "brightstone", "heavystone")
CODEBOOK = """\
name: Stones
version: "1"
description: Which stone a text is about.
variables:
  - name: stone
    level: ordinal
    question: Which stone is it?
    rules:
      - The heavier stone comes first.
    categories:
      - name: mildstone
        definition: A stone that is mild.
      - name: brightstone
        definition: A stone that is bright.
      - name: heavystone
        definition: A stone that is heavy.
"""
# What the three raters say about a disputed item: a category each, by position.
SAID = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Texts:
    """A study whose items are all in dispute, and its table."""

    study: Path
    items: Path


def disputed_study(
    folder: Path, texts: Sequence[str], *, settled: int = 0, said: Sequence[int] = SAID
) -> Texts:
    """Make a study of ratings that differ on every item but the last ``settled`` ones."""
    folder.mkdir(parents=True, exist_ok=True)
    items, ratings = folder / "notes.csv", folder / "ratings.csv"
    with items.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [("id", "text"), *((f"n-{place}", text) for place, text in enumerate(texts))]
        )
    rows: list[tuple[str, ...]] = [("id", *RATERS)]
    for place in range(len(texts)):
        differs = place < len(texts) - settled
        labels = said if differs else (0, 0, 0)
        rows.append((f"n-{place}", *(CATEGORIES[label] for label in labels)))
    with ratings.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    codebook = folder / "codebook.yaml"
    codebook.write_text(CODEBOOK, encoding="utf-8")
    import_ratings(
        ratings,
        output=folder / "study",
        options=RatingsOptions(
            items=items,
            codebook=codebook,
            columns=NamedColumns(item="id", raters=RATERS),
        ),
    )
    return Texts(folder / "study", items)


def two_question_study(folder: Path, texts: Sequence[str]) -> Texts:
    """Make a study with two variables, stone and light, whose items are all in dispute."""
    folder.mkdir(parents=True, exist_ok=True)
    items, ratings, codebook = (folder / name for name in ("notes.csv", "ratings.csv", "c.yaml"))
    rows = [("id", "rater", "stone", "light")]
    for place in range(len(texts)):
        for rater, category in zip(RATERS, CATEGORIES, strict=True):
            rows.append((f"n-{place}", rater, category, category))
    for path, table in (
        (items, [("id", "text"), *((f"n-{n}", text) for n, text in enumerate(texts))]),
        (ratings, rows),
    ):
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(table)
    light = CODEBOOK.partition("variables:\n")[2].replace("stone\n    level", "light\n    level")
    codebook.write_text(CODEBOOK + light, encoding="utf-8")
    import_ratings(
        ratings,
        output=folder / "study",
        options=RatingsOptions(
            items=items,
            codebook=codebook,
            columns=NamedColumns(item="id", rater="rater", labels=("stone", "light")),
        ),
    )
    return Texts(folder / "study", items)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that was shown, after every redirect."""

    path: str
    status: int
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The page as text, its entities resolved."""
        return html.unescape(self.body.decode("utf-8"))

    @property
    def answer_fields(self) -> list[str]:
        """The names of the fields with answers, each once."""
        return list(dict.fromkeys(re.findall(r'name="(answer-[^"]+)"', self.body.decode())))


class Browser:
    """What one reviewer's browser does, without a browser: gets pages and sends forms."""

    def __init__(self, session: ReviewSession, *, visitor: int = 1) -> None:
        self._app = _as_visitor(page_app(session), visitor)
        self.page = Shown("", 0, b"")

    def get(self, path: str) -> Shown:
        """Open an address."""
        return self._send("GET", path, None)

    def post(self, path: str, fields: Mapping[str, str] = {}) -> Shown:
        """Send a form."""
        return self._send("POST", path, urlencode(fields).encode())

    def start(self) -> Shown:
        """Open the first item that is to be read."""
        return self.get("/next")

    def answer(self, value: str | int, **more: str) -> Shown:
        """Answer all questions of the page that is open with the same value."""
        fields = dict.fromkeys(self.page.answer_fields, str(value))
        return self.post(self.page.path, fields | more)

    def keep(self, **more: str) -> Shown:
        """Keep the answer after seeing the labels."""
        return self.post(self.page.path, more)

    def _send(self, method: str, path: str, body: bytes | None) -> Shown:
        return asyncio.run(self._answered(method, path, body))

    async def _answered(self, method: str, path: str, body: bytes | None) -> Shown:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", follow_redirects=True
        ) as client:
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answered = await client.request(method, path, content=body, headers=kind)
        self.page = Shown(answered.url.path, answered.status_code, answered.content)
        return self.page


def _as_visitor(app: ASGIApp, visitor: int) -> ASGIApp:
    async def visited(scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "localensemble.visitor": visitor, "localensemble.csrf": "s3cret"}
        await app(inner, receive, send)

    return visited


ADA = ReviewOptions(reviewer="Ada")


@contextmanager
def browsing(texts: Texts, options: ReviewOptions = ADA) -> Iterator[Browser]:
    """Open a review in one browser."""
    with opened_review(texts.study, items=texts.items, options=options) as session:
        yield Browser(session)


def decisions_in(study: Path, position: int, variable: str = "stone") -> list[PersonDecision]:
    """Read every decision on one item from the ledger, the oldest first."""
    with LedgerReader.open(study / "study.sqlite") as reader:
        labels = Study.load(reader).recorded
        key = labels.variable_keys[variable]
        return list(reader.decisions_of_item(labels.item_set, key, position))
