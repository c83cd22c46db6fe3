"""Decide from its first lines whether a request may be answered at all.

Whoever sends it must be this machine, talk to exactly our address (a foreign name that resolves
to 127.0.0.1 does not count), and not come from another site's page. Nothing here depends on who
was let in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.types import Scope

from localensemble.review.guard.refusals import (
    BAD_ADDRESS,
    BAD_REQUEST,
    FOREIGN_HOST,
    FOREIGN_PAGE,
    METHOD_REFUSED,
    NOT_A_FORM,
    NOT_LOOPBACK,
    TOO_LARGE,
    Refusal,
)

# An answer and a long note; a form of the page has no more.
BODY_LIMIT = 64 * 1024
HEADERS_LIMIT = 32 * 1024
# No address of the page comes near; Python refuses to read numbers of thousands of digits.
_LONGEST_PATH = 200
_METHODS = frozenset({"GET", "HEAD", "POST"})
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a request, with lower-case names; a repeated one has no single value."""

    rows: tuple[tuple[str, str], ...]

    def only(self, name: str) -> str | None:
        """Return the value of a header; None if it is missing, empty if it is repeated."""
        found = self.all(name)
        if len(found) > 1:
            return ""
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.rows if key == name]


def headers_of(rows: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Read the headers of an ASGI scope."""
    return Headers(
        tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in rows)
    )


def refusal_of(scope: Scope, headers: Headers, *, port: int) -> Refusal | None:
    """Return why a request is refused; None if it may go on to the check of its cookie."""
    client = scope.get("client")
    if client is None or not _is_loopback(client[0]):
        return NOT_LOOPBACK
    # Someone's own name may be made to resolve to 127.0.0.1, and is then in this header.
    host = headers.only("host")
    if host not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
        return FOREIGN_HOST
    if scope["method"] not in _METHODS:
        return METHOD_REFUSED
    if not _plain_path(scope):
        return BAD_ADDRESS
    if not _from_own_page(headers, own=f"http://{host}", changes=scope["method"] == "POST"):
        return FOREIGN_PAGE
    return _body_refusal(headers, form=scope["method"] == "POST")


def cookie_values(headers: Headers, name: str) -> list[str]:
    """Return the values of a cookie; a browser may send several, set for different paths."""
    values = []
    for line in headers.all("cookie"):
        for part in line.split(";"):
            cookie: SimpleCookie = SimpleCookie()
            try:
                cookie.load(part)
            except CookieError:
                # Another program on this machine may set cookies that Python refuses.
                continue
            values += [morsel.value for key, morsel in cookie.items() if key == name]
    return values


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain_path(scope: Scope) -> bool:
    """Tell whether a path has only names; a server may be asked for anything, not only URLs."""
    path = scope["path"]
    return (
        path.startswith("/")
        and len(path) <= _LONGEST_PATH
        and path.isprintable()
        and "\\" not in path
        and not {"..", "."} & set(path.split("/"))
        # What is still encoded now could become a way up when somebody decodes it again.
        and "%" not in path
    )


def _from_own_page(headers: Headers, *, own: str, changes: bool) -> bool:
    """Tell whether a request comes from our page, or (unless it changes something) from no page.

    Our pages send no referrer, so the browser says `Origin: null` for their forms; then it must
    say with `Sec-Fetch-Site`, which no page can forge, that they are ours.
    """
    site, origin = headers.only("sec-fetch-site"), headers.only("origin")
    if origin not in {None, "null", own}:
        return False
    if changes:
        return site == "same-origin" or (site is None and origin == own)
    return site in {None, "none", "same-origin"}


def _body_refusal(headers: Headers, *, form: bool) -> Refusal | None:
    length = headers.only("content-length")
    if length is not None:
        if not (length.isascii() and length.isdigit()):
            return BAD_REQUEST
        # A number of many digits is not worth reading.
        if len(length) > len(str(BODY_LIMIT)) or int(length) > BODY_LIMIT:
            return TOO_LARGE
    kind = (headers.only("content-type") or "").partition(";")[0].strip().lower()
    return NOT_A_FORM if form and kind != _FORM else None
