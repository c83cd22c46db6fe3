"""The addresses of the review page: what each shows, and what each form does.

Every form leads to another page, so that going back or reloading sends nothing twice. Everything
runs in one thread, because a ledger has one writer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from localensemble.core.errors import InputError, LedgerError
from localensemble.review.page import answer_forms
from localensemble.review.page.answer_forms import Fields
from localensemble.review.page.desk import Desk
from localensemble.review.page.item_view import item_view
from localensemble.review.page.queue_view import queue_view
from localensemble.review.page.review_session import Page, ReviewSession
from localensemble.review.page.waiting_items import QueueFilter

_ASSETS = {
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
}
_SEE_OTHER = 303
_LONGEST_SEARCH = 200

Handler = Callable[[Request], Awaitable[Response]]
DeskHandler = Callable[[Request, Desk], Awaitable[Response]]


def page_app(session: ReviewSession) -> Starlette:
    """Return the page of a review; it checks nobody's access, so serve it behind the guard."""
    page = _ReviewPage(session)
    return Starlette(
        routes=[
            Route("/", page.queue, methods=["GET"]),
            Route("/reviewer", page.ask_name, methods=["GET"]),
            Route("/reviewer", page.take_name, methods=["POST"]),
            Route("/filter", page.at_desk(page.choose), methods=["POST"]),
            Route("/next", page.at_desk(page.go_on), methods=["GET"]),
            Route("/later", page.at_desk(page.bring_back), methods=["POST"]),
            Route("/undo", page.at_desk(page.undo), methods=["POST"]),
            Route("/codebook-problems", page.at_desk(page.problems), methods=["GET"]),
            Route("/items/{position:int}", page.at_desk(page.item), methods=["GET"]),
            Route("/items/{position:int}", page.at_desk(page.answer), methods=["POST"]),
            Route("/items/{position:int}/labels", page.at_desk(page.labels), methods=["GET"]),
            Route("/items/{position:int}/labels", page.at_desk(page.confirm), methods=["POST"]),
            Route("/items/{position:int}/later", page.at_desk(page.later), methods=["POST"]),
            Route("/items/{position:int}/flag", page.at_desk(page.flag), methods=["POST"]),
            Route("/assets/{version}/{name}", page.asset, methods=["GET"]),
        ],
        exception_handlers={HTTPException: page.no_address},
    )


class _ReviewPage:
    def __init__(self, session: ReviewSession) -> None:
        self._session = session
        folder = resources.files("localensemble.review.page") / "assets"
        self._assets = {name: (folder / name).read_bytes() for name in _ASSETS}
        self._version = hashlib.sha256(b"".join(self._assets.values())).hexdigest()[:12]
        self._templates = Environment(
            loader=PackageLoader("localensemble.review.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            percent=lambda share: f"{100 * share:.0f}%",
            thousands=lambda count: f"{count:,}",
        )

    # Who is there

    def at_desk(self, handler: DeskHandler) -> Handler:
        """Pass the reviewer's desk to a handler; a browser without one gives a name first."""

        async def handle(request: Request) -> Response:
            desk = self._session.desk_of(_visitor(request))
            if desk is None:
                return _see("/reviewer")
            return await handler(request, desk)

        return handle

    async def ask_name(self, request: Request) -> Response:
        """Ask for the name of the reviewer."""
        return self._show(request, "name.html", message="", name="")

    async def take_name(self, request: Request) -> Response:
        """Take the name of the reviewer."""
        name = (await _fields(request)).get("name", "")[:_LONGEST_SEARCH]
        try:
            self._session.welcome(_visitor(request), name)
        except LedgerError:
            message = "Give a name or initials; it is recorded with each of your answers."
            return self._show(request, "name.html", message=message, name=name, status=422)
        return _see("/")

    # The queue

    async def queue(self, request: Request) -> Response:
        """Show the queue, or what a search finds in it."""
        desk = self._session.desk_of(_visitor(request))
        if desk is None:
            return _see("/reviewer")
        search = request.query_params.get("search", "").strip()[:_LONGEST_SEARCH]
        view = queue_view(self._session, desk, search=search)
        return self._show(request, "queue.html", view=view, desk=desk)

    async def choose(self, request: Request, desk: Desk) -> Response:
        """Take another filter."""
        fields = await _fields(request)
        budget = fields.get("budget", "").strip()
        is_number = budget.isascii() and budget.isdecimal() and len(budget) < 10
        wanted = QueueFilter(
            variable=fields.get("variable") or None,
            reason=fields.get("reason") or None,
            order="table" if fields.get("order") == "table" else "doubt",
            budget=(int(budget) or None) if is_number else None,
        )
        try:
            self._session.choose(desk, wanted)
        except InputError:
            return self._missing(request, desk, "There is no such variable or reason.")
        return _see("/")

    async def go_on(self, request: Request, desk: Desk) -> Response:
        """Lead to the next item that is still to read."""
        after = request.query_params.get("after", "")
        known = after.isascii() and after.isdecimal() and len(after) < 12
        place = int(after) if known and int(after) < len(self._session.texts) else None
        following = self._session.next_item(desk, after=place)
        return _see("/" if following is None else f"/items/{following}")

    async def bring_back(self, request: Request, desk: Desk) -> Response:
        """Put the items that were put aside back into the queue."""
        desk.later.clear()
        return _see("/next")

    async def undo(self, request: Request, desk: Desk) -> Response:
        """Take back the last step, and show its item again."""
        position = self._session.undo(desk)
        if position is None:
            return _see("/")
        return _see(f"/items/{position}", said="Undone.")

    async def problems(self, request: Request, desk: Desk) -> Response:
        """List the answers that call the codebook unclear, with their notes."""
        found = [
            (variable, [(self._session.texts.item(one.position).id, one) for one in unclear])
            for place, variable in enumerate(self._session.variables)
            if (unclear := self._session.unclear(place))
        ]
        return self._show(request, "problems.html", found=found, desk=desk)

    # One item

    async def item(self, request: Request, desk: Desk) -> Response:
        """Ask about an item; once it is answered, lead to the page with the labels."""
        position = self._position(request, desk)
        if position is None:
            return self._missing(request, desk, "The queue has no such item.")
        if self._session.is_answered(desk, position):
            return _see(f"/items/{position}/labels")
        return self._show_item(request, desk, position, "item")

    async def labels(self, request: Request, desk: Desk) -> Response:
        """Show the labels of the raters, but only to a reviewer who has answered."""
        position = self._position(request, desk)
        if position is None:
            return self._missing(request, desk, "The queue has no such item.")
        if not self._session.is_answered(desk, position):
            return _see(f"/items/{position}")
        return self._show_item(request, desk, position, "labels")

    async def answer(self, request: Request, desk: Desk) -> Response:
        """Record the answers to an item."""
        position = self._position(request, desk)
        if position is None:
            return self._missing(request, desk, "The queue has no such item.")
        fields = await _fields(request)
        given = answer_forms.given_answers(fields, self._session.variables)
        self._session.record(desk, position, given, page="item")
        if not self._session.is_answered(desk, position):
            said = "Answer every question." if given.answers else "Choose an answer first."
            return _see(f"/items/{position}", said=said)
        desk.later.pop(position, None)
        if self._session.blind and self._session.task.shows_labels:
            return _see(f"/items/{position}/labels")
        return _see(f"/next?after={position}")

    async def confirm(self, request: Request, desk: Desk) -> Response:
        """Record that a reviewer keeps or changes the answers after seeing the labels."""
        position = self._position(request, desk)
        if position is None or not self._session.is_answered(desk, position):
            return self._missing(request, desk, "The queue has no such item.")
        fields = await _fields(request)
        given = answer_forms.given_answers(fields, self._session.variables)
        self._session.record(desk, position, given, page="labels")
        return _see(f"/next?after={position}")

    async def later(self, request: Request, desk: Desk) -> Response:
        """Put an item aside."""
        position = self._position(request, desk)
        if position is None:
            return self._missing(request, desk, "The queue has no such item.")
        self._session.put_aside(desk, position)
        return _see(f"/next?after={position}")

    async def flag(self, request: Request, desk: Desk) -> Response:
        """Flag an item, or remove its flag."""
        position = self._position(request, desk)
        if position is None:
            return self._missing(request, desk, "The queue has no such item.")
        if position in desk.flagged:
            del desk.flagged[position]
            return _see(f"/items/{position}", said="Flag removed.")
        desk.flagged[position] = None
        return _see(f"/items/{position}", said="Flagged.")

    # How it is shown

    async def asset(self, request: Request) -> Response:
        """Return the style or the script."""
        name = request.path_params["name"]
        if name not in _ASSETS or request.path_params["version"] != self._version:
            return Response("Not found.", status_code=404, media_type="text/plain")
        headers = {"cache-control": "private, max-age=86400, immutable"}
        return Response(self._assets[name], headers=headers, media_type=_ASSETS[name])

    async def no_address(self, request: Request, error: Exception) -> Response:
        """Show that an address does not exist, or does not take what was sent."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        message = "The review has no such page."
        return self._show(request, "missing.html", message=message, status=status)

    def _position(self, request: Request, desk: Desk) -> int | None:
        """Return the position of an item that waits for a person; None for any other number."""
        position: int = request.path_params["position"]
        inside = position < len(self._session.texts)
        return position if inside and self._session.may_read(desk, position) else None

    def _show_item(self, request: Request, desk: Desk, position: int, page: Page) -> Response:
        suffix = answer_forms.new_suffix()
        view = item_view(self._session, desk, position, page=page, suffix=suffix)
        return self._show(
            request,
            "item.html",
            view=view,
            desk=desk,
            message=_said(request),
            error_types=answer_forms.ERROR_TYPES,
        )

    def _missing(self, request: Request, desk: Desk, message: str) -> Response:
        return self._show(request, "missing.html", message=message, desk=desk, status=404)

    def _show(
        self, request: Request, template: str, *, status: int = 200, **content: object
    ) -> Response:
        shown = self._templates.get_template(template).render(
            content,
            title=self._session.title,
            variables=self._session.variables,
            blind=self._session.blind,
            has_texts=self._session.texts.has_any,
            task=self._session.task,
            csrf=request.scope.get("localensemble.csrf", ""),
            assets=f"/assets/{self._version}",
        )
        # A text may have half of a surrogate pair, which UTF-8 has no bytes for.
        body = shown.encode("utf-8", "replace")
        return Response(body, status_code=status, media_type="text/html; charset=utf-8")


_SAYINGS = (
    "Undone.",
    "Answer every question.",
    "Choose an answer first.",
    "Flagged.",
    "Flag removed.",
)


def _said(request: Request) -> str:
    """Return what the page before wants to say: one of our own sentences, never another's."""
    said = request.query_params.get("said", "")
    return said if said in _SAYINGS else ""


def _see(path: str, *, said: str = "") -> RedirectResponse:
    return RedirectResponse(f"{path}?said={quote(said)}" if said else path, _SEE_OTHER)


def _visitor(request: Request) -> object:
    return request.scope.get("localensemble.visitor")


async def _fields(request: Request) -> Fields:
    try:
        return answer_forms.fields_of(await request.body())
    except ValueError:
        return {}
