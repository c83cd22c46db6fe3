"""The publisher of a Windows program is read from its signature, and from nothing else."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest

from localensemble.core.authenticode import signed_by

# Made once by OpenSSL, with a certificate that signed itself.
SIGNATURE = base64.b64decode(
    """
MIIC6AYJKoZIhvcNAQcCoIIC2TCCAtUCAQExDTALBglghkgBZQMEAgEwEgYJKoZIhvcNAQcBoAUEA2hpCqCCAeIwggHeMIIB
g6ADAgECAhQQca5Bki9gAG1B6yycXdCZXvaGejAKBggqhkjOPQQDAjBDMQswCQYDVQQGEwJERTEdMBsGA1UECgwUQ2xpbmlj
IFNvZnR3YXJlIEdtYkgxFTATBgNVBAMMDENsaW5pYyBUb29sczAgFw0yNjExMjgwOTUxNTdaGA8yMTI2MTEwNDA5NTE1N1ow
QzELMAkGA1UEBhMCREUxHTAbBgNVBAoMFENsaW5pYyBTb2Z0d2FyZSBHbWJIMRUwEwYDVQQDDAxDbGluaWMgVG9vbHMwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAR9VzqAnRnVEZqKMCZAKx1XT3fe+V5Hmt0QXn/aph+LsBbUOkbxqU2aMF89wkqATnsr
yOZ83eFlcNqNRJiYUv3Do1MwUTAdBgNVHQ4EFgQUO+ZnaWYZ1ccbvAOEFvysLm0yHgEwHwYDVR0jBBgwFoAUO+ZnaWYZ1ccb
vAOEFvysLm0yHgEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA5XGmVR556Ah8+gsS2F2aB6zaF8fvxpjd
3Ae9oclk7DkCIQDnBQAToYKuXpoCxj/XKMY88hcZQPb48MQlMzhk79P76zGBxjCBwwIBATBbMEMxCzAJBgNVBAYTAkRFMR0w
GwYDVQQKDBRDbGluaWMgU29mdHdhcmUgR21iSDEVMBMGA1UEAwwMQ2xpbmljIFRvb2xzAhQQca5Bki9gAG1B6yycXdCZXvaG
ejALBglghkgBZQMEAgEwCgYIKoZIzj0EAwIESDBGAiEAv2uK5XG80RGSSV2PC6v4fSogzlNM10fsLgLOvoNCfVACIQCmmikE
9mWLsBGsEOCu3BeZvZIhpKoNI5enWo3w28QO4g==
"""
)


def program(signature: bytes, *, magic: int = 0x20B, kind: int = 2, place: int = 0x400) -> bytes:
    """Make the parts of a Windows program that lead to a signature, and the signature."""
    header = 0x80
    table = header + 24 + (112 if magic == 0x20B else 96)
    content = bytearray(0x400)
    content[:2] = b"MZ"
    struct.pack_into("<I", content, 0x3C, header)
    content[header : header + 4] = b"PE\0\0"
    struct.pack_into("<H", content, header + 24, magic)
    size = 8 + len(signature)
    struct.pack_into("<II", content, table + 32, place if signature else 0, size)
    return bytes(content) + struct.pack("<IHH", size, 0x200, kind) + signature


@pytest.mark.parametrize("magic", [0x20B, 0x10B])
def test_the_publisher_is_the_subject_of_the_certificate_that_signed(
    tmp_path: Path, magic: int
) -> None:
    (tmp_path / "a.pyd").write_bytes(program(SIGNATURE + bytes(4), magic=magic))
    assert signed_by(tmp_path / "a.pyd") == "Clinic Tools, Clinic Software GmbH"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ",
        b"\x7fELF" + bytes(500),
        program(b""),
        program(SIGNATURE, kind=1),
        program(SIGNATURE, place=1 << 30),
        program(b"\x30\x03\x02\x01\x01"),
        program(b"\x30\x84\xff\xff\xff\xff"),
        program(SIGNATURE).replace(b"PE\0\0", b"NE\0\0"),
        program(SIGNATURE.replace(bytes.fromhex("2a864886f70d010702"), bytes(9))),
    ],
)
def test_a_file_without_a_readable_signature_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dll").write_bytes(content)
    assert signed_by(tmp_path / "a.dll") == ""
    assert signed_by(tmp_path / "absent.dll") == ""


def test_no_cut_and_no_changed_byte_ends_as_a_fault(tmp_path: Path) -> None:
    whole = program(SIGNATURE)
    path = tmp_path / "a.dll"
    for length in range(0x400, len(whole), 7):
        path.write_bytes(whole[:length])
        assert signed_by(path) == ""
    for place in range(0x408, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert isinstance(signed_by(path), str)
