"""The pages that people see who are not let in, or whose request is refused.

They contain nothing of the study and nothing of the request.
"""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused, and what to do next.

    Attributes:
        link: the words of a link to the first page; empty for a page without the link.
    """

    status: int
    title: str
    advice: str
    link: str = ""

    def page(self) -> bytes:
        """Return the page as HTML."""
        link = f'<p><a href="/">{html.escape(self.link)}</a></p>' if self.link else ""
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title></head>\n<body><main>"
            f"<h1>{html.escape(self.title)}</h1>\n<p>{html.escape(self.advice)}</p>\n{link}"
            "</main></body>\n</html>\n"
        ).encode()


NOT_LET_IN = Refusal(
    403,
    "This browser has no access",
    "Open the newest address that the terminal shows where the review was started. If the review "
    "was started again, the addresses from before no longer work.",
)
TOKEN_REFUSED = Refusal(
    403,
    "This address no longer works",
    "Each address lets in one browser, once. The terminal where the review was started shows a new "
    "address: open that one. If it shows none, stop the command with Ctrl-C and start it again.",
    link="This browser was let in before",
)
FOREIGN_HOST = Refusal(
    421,
    "This is not the address of the review",
    "Open the address exactly as the terminal shows it, with 127.0.0.1 and the same port.",
)
FOREIGN_PAGE = Refusal(
    403,
    "Another page asked for this one",
    "Other pages may not open the review or change anything in it. Copy the address that the "
    "terminal shows into the address bar.",
    link="Open the review",
)
NOT_LOOPBACK = Refusal(
    403, "Only this machine may open the review", "Open it on the machine where it was started."
)
FORM_REFUSED = Refusal(
    403,
    "This form is not from this review",
    "Nothing was saved. Open the review again and repeat the answer.",
    link="Open the review",
)
BAD_ADDRESS = Refusal(400, "This address cannot exist", "Open the review.", link="Open the review")
BAD_REQUEST = Refusal(
    400,
    "The request cannot be read",
    "Nothing was saved. Open the review again and repeat the answer.",
    link="Open the review",
)
METHOD_REFUSED = Refusal(
    405, "The request is refused", "The review accepts only GET, HEAD and POST."
)
TOO_SLOW = Refusal(408, "The answer did not arrive", "Nothing was saved. Repeat the answer.")
TOO_LARGE = Refusal(
    413,
    "The answer is too long",
    "Nothing was saved. A form may have at most 64 KiB. Go back and shorten the note.",
)
NOT_A_FORM = Refusal(415, "The request is refused", "The review accepts only its own forms.")
BROKEN = Refusal(
    500,
    "The page cannot be shown",
    "The terminal where the review was started says what went wrong. What was saved before is "
    "saved.",
    link="Open the review",
)
