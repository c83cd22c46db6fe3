"""A pulled file is the pinned file, or it is not there."""

from __future__ import annotations

import dataclasses
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from localensemble.catalog import download
from localensemble.catalog.download import FetchProgress, fetch
from localensemble.catalog.known import KnownModel
from localensemble.core.errors import DownloadError, ModelFileError
from tests.catalog.file_server import PAGE, FileServer, gguf_bytes, serving

CONTENT = gguf_bytes()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def pull(model: KnownModel, folder: Path) -> Path:
    """Fetch without waiting between the attempts."""
    return fetch(model, folder=folder, pause=lambda seconds: None)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_under_its_name(server: FileServer, folder: Path) -> None:
    seen: list[FetchProgress] = []
    path = fetch(server.model(), folder=folder, on_progress=seen.append)
    assert (path.name, path.read_bytes()) == ("tiny.gguf", CONTENT)
    assert files(folder) == ["tiny.gguf"]
    assert seen[-1] == FetchProgress("tiny", len(CONTENT), len(CONTENT), 0)


def test_a_file_that_is_there_is_not_fetched_again(server: FileServer, folder: Path) -> None:
    pull(server.model(), folder)
    pull(server.model(), folder)
    assert len(server.ranges) == 1


def test_a_damaged_file_is_replaced(server: FileServer, folder: Path) -> None:
    (folder / "tiny.gguf").write_bytes(b"GGUF" + bytes(len(CONTENT) - 4))
    assert pull(server.model(), folder).read_bytes() == CONTENT


def test_a_cut_connection_is_taken_up_where_it_ended(server: FileServer, folder: Path) -> None:
    server.cut_after = 250_000
    assert pull(server.model(), folder).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=250000-", "bytes=500000-"]


def test_a_later_call_goes_on_where_the_last_one_stopped(server: FileServer, folder: Path) -> None:
    server.cut_after = 250_000
    model = server.model()
    begun = folder / f".tiny.gguf.{model.sha256[:16]}.part"
    begun.write_bytes(CONTENT[:100_000])
    seen: list[FetchProgress] = []
    fetch(model, folder=folder, on_progress=seen.append, pause=lambda seconds: None)
    assert server.ranges[0] == "bytes=100000-"
    assert seen[0].resumed == 100_000
    assert (folder / "tiny.gguf").read_bytes() == CONTENT


def test_a_server_that_keeps_cutting_is_given_up_and_what_came_is_kept(
    server: FileServer, folder: Path
) -> None:
    server.cut_after = 0
    model = server.model()
    begun = folder / f".tiny.gguf.{model.sha256[:16]}.part"
    begun.write_bytes(CONTENT[:100_000])
    with pytest.raises(DownloadError, match=r"at 100,000 of .* bytes") as caught:
        pull(model, folder)
    assert "same command again" in caught.value.hint
    assert files(folder) == [begun.name]
    assert begun.read_bytes() == CONTENT[:100_000]


def test_a_server_without_ranges_starts_over(server: FileServer, folder: Path) -> None:
    model = server.model()
    (folder / f".tiny.gguf.{model.sha256[:16]}.part").write_bytes(CONTENT[:100_000])
    server.knows_ranges = False
    assert pull(model, folder).read_bytes() == CONTENT


def test_a_server_that_sends_another_part_is_asked_for_the_whole(
    server: FileServer, folder: Path
) -> None:
    model = server.model()
    (folder / f".tiny.gguf.{model.sha256[:16]}.part").write_bytes(CONTENT[:100_000])
    server.range_shift = 1
    assert pull(model, folder).read_bytes() == CONTENT
    assert server.ranges == ["bytes=100000-", None]


def test_a_server_that_has_less_than_what_is_there_is_asked_for_the_whole(
    server: FileServer, folder: Path
) -> None:
    model = server.model()
    (folder / f".tiny.gguf.{model.sha256[:16]}.part").write_bytes(CONTENT[:-10])
    server.content = CONTENT[:-20]
    with pytest.raises(ModelFileError, match="bytes, but"):
        pull(model, folder)
    assert (server.ranges, files(folder)) == ([f"bytes={len(CONTENT) - 10}-", None], [])


def test_more_than_the_whole_file_is_begun_anew(server: FileServer, folder: Path) -> None:
    model = server.model()
    (folder / f".tiny.gguf.{model.sha256[:16]}.part").write_bytes(CONTENT + b"x")
    assert pull(model, folder).read_bytes() == CONTENT


def test_a_file_that_is_replaced_between_two_parts_is_refused_and_thrown_away(
    server: FileServer, folder: Path
) -> None:
    model = server.model()
    server.cut_after = 250_000

    def replace(seconds: float) -> None:
        server.content = CONTENT[:300_000] + bytes(len(CONTENT) - 300_000)
        server.cut_after = None

    with pytest.raises(ModelFileError, match="but the catalog pins"):
        fetch(model, folder=folder, pause=replace)
    assert files(folder) == []


def test_a_download_is_taken_up_behind_a_redirect(server: FileServer, folder: Path) -> None:
    server.redirect = f"{server.address}/store/0123"
    server.cut_after = 400_000
    assert pull(server.model(), folder).read_bytes() == CONTENT
    assert server.ranges == [None, None, "bytes=400000-", "bytes=400000-"]


def test_what_was_begun_for_another_version_is_not_gone_on_with(
    server: FileServer, folder: Path
) -> None:
    (folder / f".tiny.gguf.{'0' * 16}.part").write_bytes(b"GGUF and other weights")
    assert pull(server.model(), folder).read_bytes() == CONTENT
    assert server.ranges == [None]


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("longer", [True, False])
def test_a_wrong_size_is_refused(
    server: FileServer, folder: Path, longer: bool, says_length: bool
) -> None:
    server.says_length = says_length
    model = server.model(CONTENT[:-50_000] if longer else CONTENT + b"x" * 50_000)
    with pytest.raises((ModelFileError, DownloadError), match="bytes"):
        pull(model, folder)
    assert "tiny.gguf" not in files(folder)


def test_a_wrong_size_is_refused_before_the_file_is_fetched(
    server: FileServer, folder: Path
) -> None:
    seen: list[FetchProgress] = []
    with pytest.raises(ModelFileError, match=r"a file of [\d,]+ bytes, but [\d,]+ are pinned"):
        fetch(server.model(CONTENT[:-1]), folder=folder, on_progress=seen.append)
    assert (seen, files(folder)) == ([], [])


def test_a_wrong_hash_is_refused_and_thrown_away(server: FileServer, folder: Path) -> None:
    model = dataclasses.replace(server.model(), sha256="0" * 64)
    with pytest.raises(ModelFileError, match="but the catalog pins 0000"):
        pull(model, folder)
    assert files(folder) == []


@pytest.mark.parametrize("padding", [b"", b" " * (len(CONTENT) - len(PAGE))])
def test_a_web_page_in_the_place_of_the_file_is_refused(
    server: FileServer, folder: Path, padding: bytes
) -> None:
    server.content = PAGE + padding
    with pytest.raises(ModelFileError, match="a web page instead of a GGUF file") as caught:
        pull(server.model(CONTENT), folder)
    assert "login" in caught.value.hint
    assert files(folder) == []


def test_a_web_page_does_not_cost_what_came_before(server: FileServer, folder: Path) -> None:
    model = server.model()
    begun = folder / f".tiny.gguf.{model.sha256[:16]}.part"
    begun.write_bytes(CONTENT[:100_000])
    server.content, server.knows_ranges = PAGE, False
    with pytest.raises(ModelFileError, match="a web page instead"):
        pull(model, folder)
    assert files(folder) == [begun.name]
    server.content, server.knows_ranges = CONTENT, True
    assert pull(model, folder).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=100000-"


def test_something_else_in_the_place_of_the_file_is_refused(
    server: FileServer, folder: Path
) -> None:
    server.content = bytes(len(CONTENT))
    with pytest.raises(ModelFileError, match="GGUF file"):
        pull(server.model(CONTENT), folder)
    assert files(folder) == []


class _Room(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Room(1, 1, len(CONTENT) - 1))
    with pytest.raises(ModelFileError, match="too little space"):
        pull(server.model(), folder)
    assert (server.ranges, files(folder)) == ([], [])


def test_a_disk_that_fills_up_leaves_nothing_under_the_name(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(stream: IO[bytes], chunk: bytes) -> None:
        stream.write(chunk[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(download, "_append", fill)
        with pytest.raises(ModelFileError, match="too little space") as caught:
            pull(server.model(), folder)
    assert "same command again" in caught.value.hint
    assert [name[-5:] for name in files(folder)] == [".part"]
    assert pull(server.model(), folder).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


def test_a_file_system_that_takes_no_large_file_is_said(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(stream: IO[bytes], chunk: bytes) -> None:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(download, "_append", refuse)
    with pytest.raises(ModelFileError, match="file system cannot") as caught:
        pull(server.model(), folder)
    assert "FAT32" in caught.value.hint
    assert "tiny.gguf" not in files(folder)


def test_ctrl_c_leaves_nothing_under_the_name_and_can_be_gone_on_with(
    server: FileServer, folder: Path
) -> None:
    def interrupt(progress: FetchProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.model(), folder=folder, on_progress=interrupt)
    (part,) = files(folder)
    assert part.endswith(".part")
    assert pull(server.model(), folder).read_bytes() == CONTENT
    assert server.ranges[1] != "bytes=0-"


def test_a_busy_server_is_asked_again(server: FileServer, folder: Path) -> None:
    server.answers = [503, 429]
    pauses: list[float] = []
    reasons: list[str] = []
    fetch(server.model(), folder=folder, on_cut=reasons.append, pause=pauses.append)
    assert pauses == [2.0, 4.0]
    assert reasons == ["the server answered 503", "the server answered 429"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_asked_again(server: FileServer, folder: Path, status: int) -> None:
    server.answers = [status]
    with pytest.raises(DownloadError, match=f"the server answered {status}") as caught:
        pull(server.model(), folder)
    assert f"{folder} as tiny.gguf" in caught.value.hint
    assert len(server.ranges) == 1


def test_no_server_at_all_is_said(folder: Path) -> None:
    with serving(CONTENT) as gone:
        model = gone.model()
    with pytest.raises(DownloadError, match="the server cannot be reached"):
        pull(model, folder)
    assert files(folder) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://weights.example/owner/repo/resolve/" + "0" * 40 + "/tiny.gguf",
        "ftp://weights.example/owner/repo/resolve/" + "0" * 40 + "/tiny.gguf",
    ],
)
def test_an_address_that_others_can_read_or_change_is_refused(
    server: FileServer, folder: Path, url: str
) -> None:
    with pytest.raises(ModelFileError, match="only https is allowed"):
        pull(dataclasses.replace(server.model(), url=url), folder)


def test_so_is_a_redirect_to_one(server: FileServer, folder: Path) -> None:
    server.redirect = "http://weights.example/tiny.gguf"
    with pytest.raises(ModelFileError, match="only https is allowed"):
        pull(server.model(), folder)


def test_a_name_that_can_move_is_refused(server: FileServer, folder: Path) -> None:
    url = f"{server.address}/owner/repo/resolve/main/tiny.gguf"
    with pytest.raises(ModelFileError, match="commit"):
        pull(dataclasses.replace(server.model(), url=url), folder)
    assert server.ranges == []


def test_a_folder_that_cannot_be_written_is_said(server: FileServer, folder: Path) -> None:
    (folder / f".tiny.gguf.{server.model().sha256[:16]}.part").mkdir()
    with pytest.raises(ModelFileError, match="Check that you may write there"):
        pull(server.model(), folder)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_named_before_anything_is_fetched(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    url = f"https://weights.example/owner/repo/resolve/{'0' * 40}/tiny.gguf"
    with pytest.raises(DownloadError, match="proxy") as caught:
        pull(dataclasses.replace(server.model(), url=url), folder)
    assert "HTTPS_PROXY" in caught.value.hint
    assert files(folder) == []


def test_a_server_on_this_machine_is_asked_without_the_proxy(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    assert pull(server.model(), folder).read_bytes() == CONTENT


def test_a_first_piece_shorter_than_the_mark_of_the_file_is_not_judged_alone() -> None:
    assert download._beginning(iter([b"G", b"GU", b"F...", b"more"])) == b"GGUF..."
    assert download._beginning(iter([b"GG"])) == b"GG"
