"""Name the publisher that signed a Windows program, as the signature inside the file states it.

Reads the certificate of the signer from the Authenticode signature of a .exe, .dll or .pyd.
The signature itself is not verified: an administrator's rule does that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LONGEST_SIGNATURE = 1 << 20
_ENTRY_OF_SIGNATURES = 4
_PKCS_7 = 0x0002
_CONTEXT_0 = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
# Attributes of a name, most telling first: common name, organization.
_COMMON_NAME, _ORGANIZATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class _Element:
    """One value of DER: its tag, its content, and both with the length between them."""

    tag: int
    content: bytes
    whole: bytes


def signed_by(path: Path) -> str:
    """Return the publisher named in a file's signature; empty if there is none to be read."""
    try:
        signature = _signature(path)
        return _signer(signature) if signature else ""
    # A file cut short or made to mislead ends in one of these.
    except (OSError, struct.error, ValueError, LookupError, StopIteration):
        return ""


def _signature(path: Path) -> bytes:
    """Return the PKCS #7 signature at the place that the header of the file names."""
    with path.open("rb") as stream:
        if stream.read(2) != b"MZ":
            return b""
        stream.seek(0x3C)
        (header,) = struct.unpack("<I", stream.read(4))
        stream.seek(header)
        if stream.read(4) != b"PE\0\0":
            return b""
        stream.seek(header + 24)
        (magic,) = struct.unpack("<H", stream.read(2))
        # The table of directories stands further back in a program of 64 bits.
        table = header + 24 + (112 if magic == 0x20B else 96)
        stream.seek(table + 8 * _ENTRY_OF_SIGNATURES)
        place, size = struct.unpack("<II", stream.read(8))
        if not place or not 8 < size <= _LONGEST_SIGNATURE:
            return b""
        stream.seek(place)
        length, _, kind = struct.unpack("<IHH", stream.read(8))
        return stream.read(min(length, size) - 8) if kind == _PKCS_7 else b""


def _signer(signature: bytes) -> str:
    outer = _inside(_first(signature))
    if outer[0].content != _SIGNED_DATA:
        return ""
    signed = _inside(_inside(outer[1])[0])
    certificates = next(one for one in signed if one.tag == _CONTEXT_0)
    signers = _inside(signed[-1])
    issuer, serial = _inside(_inside(signers[0])[1])[:2]
    for certificate in _inside(certificates):
        fields = [one for one in _inside(_inside(certificate)[0]) if one.tag != _CONTEXT_0]
        # Serial number, algorithm, issuer, validity, subject.
        if (fields[0].whole, fields[2].whole) == (serial.whole, issuer.whole):
            return _readable(fields[4])
    return ""


def _readable(name: _Element) -> str:
    found: dict[bytes, str] = {}
    for part in _inside(name):
        for attribute in _inside(part):
            kind, value = _inside(attribute)
            text = value.content.decode(_ENCODINGS.get(value.tag, "utf-8"))
            found.setdefault(kind.content, "".join(one for one in text if one.isprintable()))
    names = [found.get(_COMMON_NAME, ""), found.get(_ORGANIZATION, "")]
    return ", ".join(dict.fromkeys(one for one in names if one))


def _inside(element: _Element) -> list[_Element]:
    return list(_elements(element.content))


def _first(data: bytes) -> _Element:
    return next(_elements(data))


def _elements(data: bytes) -> Iterator[_Element]:
    start = 0
    while start < len(data):
        at, length = start + 2, data[start + 1]
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[start + 2 : at], "big")
        if at + length > len(data):
            # What follows the signature fills the file up.
            raise ValueError("a value is cut short")
        yield _Element(data[start], data[at : at + length], data[start : at + length])
        start = at + length
