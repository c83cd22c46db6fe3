"""Write a worksheet as one HTML file that works without a server and without network.

Style, script and items are part of the file. A content security policy forbids every load and
every script but this one, by its hash. The items are data, never markup: no text of an item can
end the block that holds it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from localensemble.core.files import replaced_text_file
from localensemble.review.worksheets.asked_items import HASH_COLUMN, Worksheet
from localensemble.study.people.answer_words import CANNOT_DECIDE, CODEBOOK_UNCLEAR
from localensemble.tables.workbook_text import spreadsheet_hash

# Enough to notice the answers of another study.
_HASH_DIGITS = 16

# In a block of data, "<" could end the block, and the last two end a line of a script.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def write_page_worksheet(worksheet: Worksheet, path: Path) -> None:
    """Write the page, completely or not at all; only the owner can read it."""
    style, script = _part("worksheet.css"), _part("worksheet.js")
    page = (
        Environment(
            loader=PackageLoader("localensemble.review.worksheets"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        .get_template("worksheet.html")
        .render(
            study=worksheet.study,
            blind=not worksheet.beside_labels,
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"script-src {_source(script)}",
                    f"style-src {_source(style)}",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
            style=Markup(style),
            script=Markup(script),
            content=Markup(inert_json(_content(worksheet, path))),
        )
    )
    with replaced_text_file(path) as stream:
        stream.write(page)


def inert_json(content: Mapping[str, object]) -> str:
    """Return JSON that cannot end the element it stands in, whatever its strings contain."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    # A lone half of a surrogate pair cannot be written as UTF-8.
    return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text)


def _content(worksheet: Worksheet, path: Path) -> dict[str, object]:
    places = {variable.name: place for place, variable in enumerate(worksheet.variables)}
    return {
        "key": worksheet.sha256(),
        "study": worksheet.study,
        "reviewer": worksheet.reviewer or "",
        "fileName": f"{path.stem}-decisions",
        "delimiter": worksheet.format.delimiter,
        "byteOrderMark": worksheet.format.byte_order_mark,
        "shown": "labels" if worksheet.beside_labels else "item",
        "hashColumn": HASH_COLUMN,
        "cannotDecide": CANNOT_DECIDE,
        "codebookUnclear": CODEBOOK_UNCLEAR,
        "variables": [
            {
                "name": variable.name,
                "question": variable.question,
                "rules": list(variable.rules),
                "categories": [
                    {"name": category.name, "definition": category.definition}
                    for category in variable.categories
                ],
            }
            for variable in worksheet.variables
        ],
        "items": [
            {
                "id": item.id,
                "text": item.text,
                "hash": spreadsheet_hash(item.text or "").hex()[:_HASH_DIGITS],
                "open": [places[name] for name in item.open],
                "labels": [
                    [places[name], [[said.rater, said.word] for said in words]]
                    for name, words in item.labels.items()
                ],
            }
            for item in worksheet.items
        ],
    }


def _part(name: str) -> str:
    place = resources.files("localensemble.review.worksheets") / "templates" / name
    return place.read_text(encoding="utf-8")


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
