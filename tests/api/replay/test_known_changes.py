"""What a study records is compared with what is here; what it does not record is not guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble import __version__
from localensemble.api.replay.known_changes import (
    changed_conditions,
    changed_machine,
    changed_program,
)
from localensemble.codebook.load import load_codebook
from localensemble.consensus.rules import decision_rules
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.identity import sha256_text
from localensemble.study.folder import StudyFolder
from localensemble.study.run_record import RunSettings
from tests.ledger.studies import IDENTITY
from tests.studies import study_files

ORIGIN = EngineOrigin("scripted", "localensemble", "1", "m", sha256_text("code"))


def test_the_same_conditions_need_no_sentence() -> None:
    assert changed_conditions(IDENTITY, IDENTITY) == ()


def test_each_changed_condition_is_named_with_both_values() -> None:
    now = replace(
        IDENTITY,
        engine_version="2",
        model_sha256=sha256_text("another"),
        prompt_template_sha256="",
        settings=(("mode", "strict"), ("gpu_layers", "3")),
    )
    found = changed_conditions(IDENTITY, now)
    assert found[0] == "The build of the engine was 1, and is 2."
    assert sha256_text("another")[:12] in found[1]
    assert found[2].endswith("and is unknown.")
    assert "setting gpu_layers was not set, and is 3" in found[3]
    assert "setting mode was batched, and is strict" in found[4]


def test_another_version_or_other_code_of_the_program_is_named(tmp_path: Path) -> None:
    codebook = load_codebook(study_files(tmp_path, ["a"]).codebook)
    run = RunSettings(codebook, decision_rules({"method": "majority"}, ()), ("one",), "")
    assert changed_program([run], rater="one", origin=ORIGIN) == ()
    (version,) = changed_program([replace(run, program_version="0.1.0")], rater="one", origin=None)
    assert ("0.1.0" in version, __version__ in version) == (True, True)
    same = replace(run, engines={"one": ORIGIN})
    assert changed_program([same], rater="one", origin=ORIGIN) == ()
    other = replace(ORIGIN, sha256=sha256_text("other code"))
    assert "code" in changed_program([same], rater="one", origin=other)[0]


@pytest.mark.parametrize("content", [None, "", "[]", '{"machine": 1}', '{"machine": {}}'])
def test_without_a_machine_in_the_manifest_nothing_is_said(
    tmp_path: Path, content: str | None
) -> None:
    folder = StudyFolder(tmp_path)
    if content is not None:
        folder.manifest.write_text(content, encoding="utf-8")
    assert changed_machine(folder) == ()


def test_another_processor_is_named(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    machine = {"machine": {"processor": "abacus"}}
    folder.manifest.write_text(json.dumps(machine), encoding="utf-8")
    (sentence,) = changed_machine(folder)
    assert "processor was abacus" in sentence
