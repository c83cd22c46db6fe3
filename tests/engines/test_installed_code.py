"""An engine is named by what is installed, before any of its code runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from localensemble.engines.installed_code import engine_origin
from tests.privacy.planted import plant_engine


def registered(folder: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_engine(folder, "        pass\n")
    points = folder / "planted_engine-1.0.dist-info" / "entry_points.txt"
    points.write_text(f"[localensemble.engines]\nplanted = {target}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def test_the_hash_of_a_module_is_that_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(tmp_path, "planted_engine:PlantedEngine", monkeypatch)
    found = engine_origin("planted")
    content = (tmp_path / "planted_engine.py").read_bytes()
    assert (found.package, found.version) == ("planted-engine", "1.0")
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_the_hash_of_a_folder_is_that_of_what_sha256sum_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(tmp_path, "planted_folder.inside:open_it", monkeypatch)
    folder = tmp_path / "planted_folder"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit(9)\n")
    (folder / "inside.py").write_text("x = 1\n")
    lines = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("__init__.py", "inside.py")
    )
    found = engine_origin("planted")
    assert found.module == "planted_folder.inside"
    assert found.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    (folder / "inside.py").write_text("x = 2\n")
    assert engine_origin("planted").sha256 != found.sha256


def test_an_engine_whose_file_is_gone_has_no_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(tmp_path, "nowhere_at_all:open_it", monkeypatch)
    assert engine_origin("planted").sha256 == ""
    assert engine_origin("unheard of").package == ""


def test_an_engine_of_ours_is_named_with_this_program() -> None:
    assert engine_origin("scripted").package == "localensemble"
    assert engine_origin("scripted").sha256 == engine_origin("llama-cpp").sha256
