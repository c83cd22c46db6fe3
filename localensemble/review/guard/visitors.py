"""Decide who gets in: a token is exchanged once for a cookie, which works until the program ends.

Tokens and cookies are kept in memory, as digests, and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

# 256 bits: nobody guesses it, however fast the machine is.
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that was let in.

    Attributes:
        number: 1 for the first one, 2 for the second; says nothing about who sits there.
        csrf: what every form of its pages must send back.
        account: the user id of the browser; None if the system does not say.
    """

    number: int
    csrf: str = field(repr=False)
    account: int | None


class Visitors:
    """The browsers that were let in, and the one token that lets in the next."""

    def __init__(self) -> None:
        self._token: bytes | None = None
        self._let_in: list[tuple[bytes, Visitor]] = []

    def invite(self) -> str:
        """Return a new token; an earlier one that nobody has used no longer works."""
        token = secrets.token_urlsafe(_RANDOM_BYTES)
        self._token = _digest(token)
        return token

    def let_in(self, token: str, *, account: int | None) -> str | None:
        """Exchange the token for the secret of a cookie; return None for any other token."""
        if self._token is None or not hmac.compare_digest(self._token, _digest(token)):
            return None
        self._token = None
        secret = secrets.token_urlsafe(_RANDOM_BYTES)
        visitor = Visitor(len(self._let_in) + 1, secrets.token_urlsafe(_RANDOM_BYTES), account)
        self._let_in.append((_digest(secret), visitor))
        return secret

    def find(self, secret: str, *, account: int | None) -> Visitor | None:
        """Find the browser that has this secret; another account has no use for it."""
        given = _digest(secret)
        found = None
        # All are compared, so that the time does not depend on which of them it is.
        for digest, visitor in self._let_in:
            if hmac.compare_digest(digest, given):
                found = visitor
        if found is None or None in {account, found.account} or account == found.account:
            return found
        return None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
