"""Memory is what this process may use, not what the machine would have."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localensemble.engines import machine
from localensemble.engines.machine import Memory, machine_memory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


def test_this_machine_has_memory() -> None:
    memory = machine_memory()
    assert memory.total > 0
    assert memory.available is None or memory.available > 0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which everything is looked for that a system says of memory."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_MOUNTS", tmp_path / "mountinfo")
    return tmp_path


def test_the_limit_of_a_container_counts(fake: Path) -> None:
    whole = machine_memory().total
    (fake / "memory.max").write_text("max\n", encoding="ascii")
    assert machine_memory() == Memory(whole, None)
    (fake / "memory.max").write_text("1000000\n", encoding="ascii")
    (fake / "memory.current").write_text("400000\n", encoding="ascii")
    assert machine_memory() == Memory(1000000, 600000)
    (fake / "meminfo").write_text(
        "MemTotal: 900 kB\nMemAvailable:     100 kB\n\n", encoding="ascii"
    )
    assert machine_memory() == Memory(1000000, 102400)


def test_what_a_container_holds_of_files_counts_as_free(fake: Path) -> None:
    (fake / "memory.max").write_text("1000000\n", encoding="ascii")
    (fake / "memory.current").write_text("900000\n", encoding="ascii")
    (fake / "memory.stat").write_text(
        "anon 100000\ninactive_file 700000\nactive_file 50000\n", encoding="ascii"
    )
    assert machine_memory() == Memory(1000000, 850000)


def test_the_narrowest_group_around_this_process_counts(fake: Path) -> None:
    (fake / "cgroup").write_text("0::/user/session\n", encoding="ascii")
    for group, limit, used in (("user", 500000, 450000), ("user/session", 700000, 200000)):
        (fake / group).mkdir(exist_ok=True)
        (fake / group / "memory.max").write_text(str(limit), encoding="ascii")
        (fake / group / "memory.current").write_text(str(used), encoding="ascii")
    assert machine_memory() == Memory(500000, 50000)
    # A wider group that others use up leaves no more.
    (fake / "user" / "memory.max").write_text("900000", encoding="ascii")
    (fake / "user" / "memory.current").write_text("880000", encoding="ascii")
    assert machine_memory() == Memory(700000, 20000)


OLD_MOUNT = "36 25 0:31 {root} {top} rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
OTHER_MOUNT = "37 25 0:32 / /nowhere rw - cgroup cgroup rw,cpu\n"


def write_old_group(folder: Path, *, limit: int, used: int, files: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n", encoding="ascii")
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n", encoding="ascii")
    statistics = f"inactive_file 7\ntotal_inactive_file {files}\ntotal_active_file 0\n"
    (folder / "memory.stat").write_text(statistics, encoding="ascii")


@pytest.mark.parametrize(
    ("root", "own", "folder"),
    [
        # A service of the machine; a container with its part of the tree; one that is told
        # where it is elsewhere; one with a view of its own; without a line for memory.
        ("/", "5:memory:/system/service", "system/service"),
        ("/docker/1f", "5:cpu,memory:/docker/1f", "."),
        ("/docker/1f", "5:memory:/elsewhere", "."),
        ("/", "5:memory:/../..", "."),
        ("/", "5:cpu:/system", "."),
    ],
)
def test_the_limit_counts_in_control_groups_of_version_1(
    root: str, own: str, folder: str, fake: Path
) -> None:
    top = fake / "memory"
    write_old_group(top / folder, limit=1000000, used=900000, files=700000)
    mounts = "malformed\n" + OTHER_MOUNT + OLD_MOUNT.format(root=root, top=top)
    (fake / "mountinfo").write_text(mounts, encoding="ascii")
    (fake / "cgroup").write_text(f"9:cpu:/other\n{own}\n0::/\n", encoding="ascii")
    assert machine_memory() == Memory(1000000, 800000)


def test_the_narrowest_group_of_version_1_counts_and_no_limit_is_none(fake: Path) -> None:
    whole = machine_memory()
    top = fake / "memory"
    (fake / "mountinfo").write_text(OLD_MOUNT.format(root="/", top=top), encoding="ascii")
    (fake / "cgroup").write_text("5:memory:/user/session\n", encoding="ascii")
    # What a group without a limit says.
    write_old_group(top / "user" / "session", limit=9223372036854771712, used=1)
    assert machine_memory() == whole
    write_old_group(top / "user", limit=500000, used=450000)
    assert machine_memory() == Memory(500000, 50000)
