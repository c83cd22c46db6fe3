"""The bill of materials lists every pin with its hashes; the audit never claims what it lacks."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from scripts import audit, sbom


def test_every_pin_and_every_embedded_model_is_listed_with_its_hashes(repository: Path) -> None:
    listed = sbom.bill_of_materials(repository)["components"]
    libraries = {(one["name"], one["version"]): one for one in listed if one["type"] == "library"}
    for path in (repository / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^(\S+)==(\S+)", text, flags=re.MULTILINE)
        assert pins
        assert [pin for pin in pins if pin not in libraries] == []
        hashes = {one["content"] for library in libraries.values() for one in library["hashes"]}
        assert set(re.findall(r"sha256:([0-9a-f]{64})", text)) <= hashes
    models = [one for one in listed if one["type"] == "machine-learning-model"]
    assert len(models) == 3
    for model in models:
        file = next(one["value"] for one in model["properties"] if one["name"].endswith("file"))
        found = hashlib.sha256((repository / "models" / file).read_bytes()).hexdigest()
        assert model["hashes"] == [{"alg": "SHA-256", "content": found}]


def test_the_scope_tells_what_a_user_installs(repository: Path) -> None:
    listed = sbom.bill_of_materials(repository)["components"]
    scopes = {one["bom-ref"].partition("@")[0]: set[str]() for one in listed}
    for one in listed:
        scopes[one["bom-ref"].partition("@")[0]].add(one["scope"])
    assert "required" in scopes["pkg:pypi/click"]
    assert scopes["pkg:pypi/pytest"] == {"excluded"}
    assert len({one["bom-ref"] for one in listed}) == len(listed)


def test_the_same_pins_give_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first.json", "second.json")]
    for path in files:
        assert sbom.main(["-o", str(path)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    written = json.loads(files[0].read_text(encoding="utf-8"))
    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", written["serialNumber"])


def test_a_pin_without_a_hash_is_refused(tmp_path: Path, repository: Path) -> None:
    for name in ("pyproject.toml", "models/catalog.toml", "localensemble/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((repository / name).read_bytes())
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "core.txt").write_text("click==8.1\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="without a hash"):
        sbom.bill_of_materials(tmp_path)


def answering(folder: Path, code: str) -> list[str]:
    path = folder / "answer.py"
    path.write_text(code, encoding="utf-8")
    return [sys.executable, str(path)]


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit('no data: connection refused')",
        "print('[]')",
        "import json; print(json.dumps({'dependencies': [{'name': 'x', 'skip_reason': 'y'}]}))",
    ],
)
def test_an_audit_that_was_not_run_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    assert audit.main(answering(tmp_path, code)) == audit.NOT_RUN
    assert "The audit was not run" in capsys.readouterr().err
    assert audit.main([str(tmp_path / "nowhere")]) == audit.NOT_RUN


@pytest.mark.parametrize(("known", "code"), [([], 0), ([{"id": "PYSEC-1"}], 1)])
def test_an_audit_reports_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], known: list[object], code: int
) -> None:
    answer = {"dependencies": [{"name": "x", "version": "1", "vulns": known}]}
    program = answering(tmp_path, f"import json; print(json.dumps({answer!r}))")
    assert audit.main(program) == code
    said = capsys.readouterr().out
    assert f"{len(known)} known vulnerabilities" in said
    assert ("x 1: PYSEC-1" in said) == bool(known)
