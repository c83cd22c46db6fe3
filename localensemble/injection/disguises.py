"""Undo the disguises in which a text may hide instructions: encodings, reversals, replaced letters.

Every disguise here is also used for other things. Only what comes out tells whether it hides an
instruction, so nothing is a sign before it is read.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Iterator

_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{12,}={0,2}(?![\w+/=-])")
_BASE64_LINES = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{40,}\s+)+[A-Za-z0-9+/]*={0,2}")
_BASE32 = re.compile(r"(?<![A-Z2-7=])[A-Z2-7]{16,}={0,6}(?![A-Z2-7=])")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:(?:0x|\\x|%)?[0-9A-Fa-f]{2}[\s:,-]?){8,}(?![0-9A-Fa-f])")
_HEX_PAIR = re.compile(r"(?:0x|\\x|%)?([0-9A-Fa-f]{2})")
_BINARY = re.compile(r"(?:\b[01]{7,8}\b[\s,]*){6,}|[01]{48,}")
_DECIMAL = re.compile(r"(?:\b\d{2,3}\b[\s,]+){8,}\d{2,3}\b")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# Python refuses to read numbers of thousands of digits, and no character has one.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]\w{1,31});?")
_ESCAPES = re.compile(r"\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_WORD = re.compile(r"[a-z][013457@$!|][a-z]|\b[013457@$!|][a-z]{2}")
_BACKWARD = re.compile(
    r"rewsna|lebal|yrogetac|erongi|drager|noitcurtsn|ssalc|tpmorp|tuptuo|ylper|dnopser|metsys|"
    r"trowtna|eirogetak|esnop|atseupser|atsopsir|atsopser|drowtna|mieronigi"
)
# "answer", "ignore", "label" and others after rot13.
_ROTATED = re.compile(
    r"nafjre|vtaber|vtabe|ynory|pngrtbel|xngrtbev|vafgehpgvba|vafgehmvbav|nafjrvfhat|qvfertneq|"
    r"sbetrg|pynffvsl|flfgrz|erfcbaq|ercyl|nagjbeg|ercbafr|erfchrfgn|evfcbfgn|erfcbfgn|nagjbbeq"
)
_TAG = re.compile("[\U000e0020-\U000e007e]+")
_TAG_OFFSET = 0xE0000
_SHORTEST = 6
_PRINTABLE = 0.9
_LONGEST = 20_000


def disguised(text: str) -> Iterator[str]:
    """Yield what a text says if its disguises are taken off, one by one."""
    if tags := _TAG.findall(text):
        yield "".join(chr(ord(one) - _TAG_OFFSET) for one in "".join(tags))
    if "&" in text and (unescaped := _ENTITY.sub(_one_character, text)) != text:
        yield unescaped
    if _PERCENT.search(text):
        yield _PERCENT.sub(_unquoted, text)
    if _ESCAPES.search(text):
        yield _ESCAPES.sub(lambda found: chr(int(found.group()[2:], 16)), text)
    yield from _decoded(text)


def rewritten(text: str) -> Iterator[str]:
    """Yield a text in plain form with letters rotated, turned around, or in place of digits."""
    if _BACKWARD.search(text):
        yield text[::-1]
        yield " ".join(word[::-1] for word in text.split(" "))
    if _LEET_WORD.search(text):
        yield text.translate(_LEET)
    if _ROTATED.search(text):
        yield codecs.encode(text, "rot13")


def _decoded(text: str) -> Iterator[str]:
    held = text[:_LONGEST]
    blocks: list[bytes] = []
    for found in (*_BASE64.findall(held), *_BASE64_LINES.findall(held)):
        blocks += _from_base64("".join(found.split()))
    for found in _BASE32.findall(held):
        padded = found.rstrip("=") + "=" * (-len(found.rstrip("=")) % 8)
        try:
            blocks.append(base64.b32decode(padded))
        except (binascii.Error, ValueError):
            continue
    for match in _HEX.finditer(held):
        pairs = _HEX_PAIR.findall(match.group())
        blocks.append(bytes(int(one, 16) for one in pairs))
    for match in _BINARY.finditer(held):
        groups = re.findall(r"[01]{8}", match.group()) or re.findall(r"[01]{7}", match.group())
        blocks.append(bytes(int(one, 2) for one in groups))
    for match in _DECIMAL.finditer(held):
        numbers = [int(one) for one in re.findall(r"\d+", match.group())]
        if max(numbers) < 128:
            blocks.append(bytes(numbers))
    for block in blocks:
        if (piece := _as_text(block)) is not None:
            yield piece


def _one_character(found: re.Match[str]) -> str:
    return html.unescape(found.group())


def _unquoted(found: re.Match[str]) -> str:
    return bytes.fromhex(found.group().replace("%", "")).decode("utf-8", errors="replace")


def _from_base64(block: str) -> list[bytes]:
    cleaned = block.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return [base64.b64decode(cleaned + "=" * (-len(cleaned) % 4))]
    except (binascii.Error, ValueError):
        return []


def _as_text(block: bytes) -> str | None:
    """Return bytes as a text; None if they are none."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            found = block.decode(encoding)
        except UnicodeDecodeError:
            continue
        readable = sum(one.isalnum() or one.isspace() or one in ".,:;!?\"'-()" for one in found)
        if len(found) >= _SHORTEST and readable >= _PRINTABLE * len(found):
            return found
    return None
