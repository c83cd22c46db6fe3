"""Memory is what this process may use, not what the machine would have."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localensemble.catalog import machine
from localensemble.catalog.machine import Memory, machine_memory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


def test_this_machine_has_memory() -> None:
    memory = machine_memory()
    assert memory.total > 0
    assert memory.available is None or memory.available > 0


def test_the_limit_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    whole = machine_memory().total
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert machine_memory() == Memory(whole, None)
    (tmp_path / "memory.max").write_text("1000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("400000\n", encoding="ascii")
    assert machine_memory() == Memory(1000000, 600000)
    (tmp_path / "meminfo").write_text(
        "MemTotal: 900 kB\nMemAvailable:     100 kB\n\n", encoding="ascii"
    )
    assert machine_memory() == Memory(1000000, 102400)


def test_what_a_container_holds_of_files_counts_as_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    (tmp_path / "memory.max").write_text("1000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("900000\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text(
        "anon 100000\ninactive_file 700000\nactive_file 50000\n", encoding="ascii"
    )
    assert machine_memory() == Memory(1000000, 850000)


def test_the_narrowest_group_around_this_process_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    (tmp_path / "cgroup").write_text("0::/user/session\n", encoding="ascii")
    for group, limit, used in (("user", 500000, 450000), ("user/session", 700000, 200000)):
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / "memory.max").write_text(str(limit), encoding="ascii")
        (tmp_path / group / "memory.current").write_text(str(used), encoding="ascii")
    assert machine_memory() == Memory(500000, 50000)
