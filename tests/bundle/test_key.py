"""The key that signs is the user's own, readable by nobody else, and made once."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from localensemble.bundle.installer import signature_fits
from localensemble.bundle.key import default_key_file, signing_key
from localensemble.core.errors import BundleError


def test_the_first_use_makes_a_key_and_the_next_takes_it() -> None:
    first = signing_key()
    assert (first.path, first.is_new) == (default_key_file(), True)
    second = signing_key()
    assert (second.is_new, second.public) == (False, first.public)
    assert signature_fits(second.sign(b"text"), b"text", key=first.public)


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions on Windows")
def test_nobody_else_can_read_it() -> None:
    path = signing_key().path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_of_ones_own_is_used(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(_pem(private, serialization.NoEncryption()))
    found = signing_key(path)
    assert (found.is_new, found.public) == (False, private.public_key().public_bytes_raw())
    assert not default_key_file().exists()


def test_what_cannot_sign_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(BundleError, match="Cannot read the key"):
        signing_key(path)
    locked = _pem(Ed25519PrivateKey.generate(), serialization.BestAvailableEncryption(b"word"))
    other = _pem(generate_private_key(SECP256R1()), serialization.NoEncryption())
    for content in (b"no key", locked, other):
        path.write_bytes(content)
        with pytest.raises(BundleError, match="holds no Ed25519 key, or one with a password"):
            signing_key(path)


def _pem(key: PrivateKeyTypes, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
