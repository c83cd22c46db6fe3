"""A console with few characters, as on Windows, neither fails a command nor garbles its words."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localensemble.cli import main as cli

ENCODINGS = ("cp1252", "cp437", "cp932", "ascii")
Printed = Callable[..., str]

pytestmark = pytest.mark.slow  # runs every command


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Give a function that runs a command on a console with an encoding."""
    monkeypatch.setattr(cli, "guard_egress", lambda: None)

    def run(encoding: str, *arguments: object, code: int = 0) -> str:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        monkeypatch.setattr(sys, "argv", ["localensemble", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = []
        for stream in streams:
            stream.flush()
            content = stream.buffer
            assert isinstance(content, io.BytesIO)
            # To a console said to be of ASCII, click writes UTF-8: it is a wrong setting.
            known = "utf-8" if encoding == "ascii" else encoding
            written.append(content.getvalue().decode(known))
        assert (ended.value.code or 0) == code, written[1]
        return "".join(written)

    return run


def _help_of_all() -> list[tuple[str, ...]]:
    return [(name, "--help") for name in cli._COMMANDS]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_text_has_only_characters_that_every_console_shows(
    printed: Printed, encoding: str
) -> None:
    for command in [("--help",), *_help_of_all()]:
        text = printed(encoding, *command)
        assert "Usage:" in text
        assert "\\u" not in text
        assert "\\x" not in text


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """A table whose categories and texts no narrow console shows."""
    names = ("größte Sorge", "痛み", "боль", "κρίση")
    rows = [
        f"{number},{names[number % 4]},{names[(number + number // 7) % 4]}" for number in range(40)
    ]
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(["id,theme.ann,theme.bo", *rows, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_results_with_any_category_are_printed_with_escapes(
    printed: Printed, encoding: str, ratings: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    said = printed(encoding, "import", ratings, "--level", "nominal", "-o", study)
    said += printed(encoding, "agree", study, "--details")
    said += printed(encoding, "consensus", study)
    said += printed(encoding, "ledger", "verify", study)
    assert "theme" in said
    if encoding == "ascii":
        # Frames and signs are drawn with what there is, so only names are escaped.
        escaped = {part[:4] for part in said.split("\\u")[1:]}
        assert all(0x0370 <= int(code, 16) <= 0x30FF or int(code, 16) >= 0x4E00 for code in escaped)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_error_that_quotes_a_name_is_printed(
    printed: Printed, encoding: str, tmp_path: Path
) -> None:
    said = printed(encoding, "agree", tmp_path / "студия", code=2)
    assert "level of measurement" in said
    assert ("студия" in said) != ("\\u0441" in said)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_list_of_models_and_the_check_of_the_machine_are_readable(
    printed: Printed, encoding: str
) -> None:
    said = printed(encoding, "models", "list")
    assert "le-llama-2m" in said
    assert "\\u" not in said
