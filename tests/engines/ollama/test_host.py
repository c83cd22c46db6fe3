"""Ollama is asked on this machine, or not at all."""

from __future__ import annotations

import pytest

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.ollama.host import HOST_VARIABLE, ollama_address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("localhost", "http://127.0.0.1:11434"),
        (" 127.0.0.1:8080 ", "http://127.0.0.1:8080"),
        ("127.9.9.9", "http://127.9.9.9:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        (":9000", "http://127.0.0.1:9000"),
        ("http://localhost", "http://127.0.0.1:80"),
        ("https://127.0.0.1", "https://127.0.0.1:443"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434"),
        ("[::1]:11434", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
    ],
)
def test_a_host_on_this_machine_is_understood_as_ollama_does(
    given: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOST_VARIABLE, given)
    assert ollama_address() == address


@pytest.mark.parametrize(
    "given",
    [
        "192.168.1.7",
        "10.0.0.1:11434",
        "ollama.com",
        "https://ollama.com",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "127.0.0.1@example.org",
        "http://127.0.0.1:11434@example.org",
        "[2001:db8::1]",
        "::1",
        "[::ffff:8.8.8.8]",
        "unix:///run/ollama.sock",
        "http://127.0.0.1:notaport",
    ],
)
def test_any_other_host_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOST_VARIABLE, given)
    with pytest.raises(EngineUnavailableError, match="does not name this machine"):
        ollama_address()
