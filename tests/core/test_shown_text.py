"""No value of a foreign file controls the terminal that shows it."""

from __future__ import annotations

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from localensemble.cli.console import SafeConsole
from localensemble.core.shown_text import shown, shown_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, déjà vu, 語, 😀", "plain, déjà vu, 語, 😀"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\rb\x07\x00\x7f", r"a\x0db\x07\x00\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", r"\u202efdp.exe"),
        ("\N{RIGHT-TO-LEFT ISOLATE}\N{LEFT-TO-RIGHT MARK}", r"\u2067\u200e"),
        ("\N{ZERO WIDTH SPACE}\N{LINE SEPARATOR}", r"\u200b\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}"),
    ],
)
def test_what_is_not_drawn_is_shown_as_an_escape(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_the_console_shows_escapes_in_lines_texts_and_tables_and_keeps_its_own_colors() -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, force_terminal=True, width=60, highlight=False)
    console.print("line \x1b[2J")
    console.print(Text("text \x1b]0;title\x07", style="bold"))
    table = Table("head\x1b[3J")
    table.add_row("cell \N{RIGHT-TO-LEFT OVERRIDE}x")
    console.print(table)
    text = written.getvalue()
    for hidden in ("\x1b[2J", "\x1b]0", "\x1b[3J", "\x07", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert hidden not in text
    assert "\x1b[1m" in text
    for escape in (r"line \x1b[2J", r"\x1b]0;title", r"cell \u202ex"):
        assert escape in text


@pytest.mark.parametrize(
    "text", ["\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}x", "\U000e0041", "\ud800", "déjà 語 😀"]
)
def test_json_keeps_its_meaning_and_shows_escapes(text: str) -> None:
    written = shown_json(json.dumps({"text": text}, indent=2, ensure_ascii=False))
    assert json.loads(written) == {"text": text}
    assert shown(written) == written
