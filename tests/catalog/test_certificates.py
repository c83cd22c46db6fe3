"""A download trusts what the system trusts or the environment names, and says what to do if not."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import truststore

from localensemble.catalog.certificates import trusted_certificates, untrusted
from localensemble.catalog.download import fetch
from localensemble.core.errors import DownloadError
from tests.catalog.file_server import FileServer, gguf_bytes, serving

CONTENT = gguf_bytes(5000)


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this machine that nobody trusts, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("certificate")
    command = (
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"),
    )
    subprocess.run([openssl, *command], cwd=folder, capture_output=True, check=True)
    both = (folder / "key.pem").read_text() + (folder / "certificate.pem").read_text()
    (folder / "site.pem").write_text(both)
    return folder / "site.pem"


@pytest.fixture
def server(certificate: Path) -> Iterator[FileServer]:
    with serving(CONTENT, certificate=certificate) as server:
        yield server


def test_the_system_is_asked_unless_the_environment_names_something() -> None:
    assert isinstance(trusted_certificates(), truststore.SSLContext)


def test_a_site_whose_certificate_is_not_trusted_is_told_at_once_with_what_to_do(
    server: FileServer, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match="certificate") as caught:
        fetch(server.model(), folder=tmp_path, pause=_must_not_wait)
    assert "127.0.0.1" in caught.value.message
    assert "SSL_CERT_FILE" in caught.value.hint
    assert server.ranges == []


def test_a_certificate_that_the_environment_names_is_trusted(
    server: FileServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch(server.model(), folder=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "site.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(DownloadError, match="SSL_CERT_FILE") as caught:
        trusted_certificates()
    assert str(file) in caught.value.message
    assert "PEM" in caught.value.hint


def test_an_untrusted_certificate_is_found_among_the_causes() -> None:
    cause = ssl.SSLCertVerificationError(1, "self-signed certificate")
    outer = OSError("cannot connect")
    outer.__context__ = cause
    assert "self-signed" in untrusted(outer)
    assert untrusted(OSError("[SSL: CERTIFICATE_VERIFY_FAILED] no")) != ""
    assert untrusted(OSError("connection refused")) == ""


def _must_not_wait(seconds: float) -> None:
    raise AssertionError("tried again")
