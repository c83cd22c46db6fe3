"""The key that signs bundles.

Decides where it lies: in a file of the user's, readable by nobody else, made when it is first
needed. It never goes into a bundle. Verifying is not here: a bundle is verified where this
module's library may not be, by ``installer.py``.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localensemble.core.errors import BundleError
from localensemble.core.files import replaced_text_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that can sign; ``is_new`` when this call made it."""

    path: Path
    is_new: bool
    _private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 bytes that verify what it signed."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign a message, as 64 bytes."""
        return self._private.sign(message)


def signing_key(path: Path | None = None) -> SigningKey:
    """Read the key of a file, or the user's own, which is made if it is not there.

    Raises:
        BundleError: the file is missing, cannot be read, or holds no Ed25519 key that is free
            of a password; or the library that signs is not installed.
    """
    # Here, because only who makes bundles has it.
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise BundleError(
            "Cannot sign a bundle: the package cryptography is not installed.",
            hint="Install it in the checkout: .venv/bin/python -m pip install --require-hashes "
            "--no-deps --requirement requirements/bundle.txt",
        ) from error
    own = default_key_file()
    if path is None and not own.exists():
        private = Ed25519PrivateKey.generate()
        written = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _keep(written.decode("ascii"), own)
        return SigningKey(own, True, private)
    chosen = path or own
    try:
        private_key = serialization.load_pem_private_key(chosen.read_bytes(), password=None)
    except OSError as error:
        raise BundleError(
            f"Cannot read the key {chosen}: {error.strerror}.", hint="Check the path."
        ) from error
    except (TypeError, ValueError) as error:
        raise _unusable(chosen) from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise _unusable(chosen)
    return SigningKey(chosen, False, private_key)


def default_key_file() -> Path:
    """Say where the user's own key lies; it need not be there."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        chosen = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        base = chosen if chosen.is_absolute() else home / ".config"
    return base / "localensemble" / "bundle-key.pem"


def _keep(written: str, path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BundleError(
            f"Cannot make the folder {path.parent} for the key: {error.strerror}.",
            hint="Name a key of your own with `--key`.",
        ) from error
    with replaced_text_file(path) as stream:
        stream.write(written)


def _unusable(path: Path) -> BundleError:
    return BundleError(
        f"Cannot sign with {path}: it holds no Ed25519 key, or one with a password.",
        hint="Make one with: openssl genpkey -algorithm ed25519 -out key.pem",
    )
