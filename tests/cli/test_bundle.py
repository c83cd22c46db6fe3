"""`models bundle` and `models unbundle` carry models, and refuse what is not what it was."""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from collections import namedtuple
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from localensemble.api import bundle as bundle_api
from localensemble.api.prompt.show_prompt import template_text
from localensemble.bundle.content import BundleContents, BundleSource, write_bundle
from localensemble.bundle.installer import DamagedBundleError, check_bundle
from localensemble.bundle.wheels import Target, this_python
from localensemble.catalog.installed import Consent, ModelsFolder
from localensemble.core.errors import BundleError, InputError
from localensemble.core.resources import prompts_dir
from localensemble.labeling.ensemble import load_ensemble
from localensemble.probes.probe import Probe, VariableProbe
from tests.bundles import bundled_model, digits_of, written_bundle
from tests.catalog.file_server import gguf_bytes
from tests.cli.conftest import Ended, Run


def unbundle(run: Run, usb: Path, *options: object) -> Ended:
    """Take a bundle in, with the digits that its maker was shown."""
    return run("models", "unbundle", usb, "--sha256", digits_of(usb), *options)


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    """A bundle with one model, a codebook and the prompt of this program."""
    model, files = bundled_model("tiny")
    files["codebooks/own.yaml"] = b"variables: {}\n"
    files["prompts/label/v1.yaml"] = (prompts_dir() / "label" / "v1.yaml").read_bytes()
    return written_bundle(tmp_path / "usb", files, models=[model])


def test_unbundle_takes_models_in_and_copies_codebooks(run: Run, usb: Path, tmp_path: Path) -> None:
    ended = unbundle(run, usb, "-o", tmp_path / "there")
    assert ended.code == 0, ended.err
    assert "tiny: verified and ready" in ended.out
    assert (tmp_path / "there" / "codebooks" / "own.yaml").read_bytes() == b"variables: {}\n"
    assert run("models", "verify", "tiny").code == 0
    assert "Prompt template" not in ended.out
    assert [path.name for path in ModelsFolder().path.glob(".*")] == []


def test_unbundling_again_changes_nothing(run: Run, usb: Path, tmp_path: Path) -> None:
    assert unbundle(run, usb, "-o", tmp_path / "there").code == 0
    before = ModelsFolder().find("tiny")
    ended = unbundle(run, usb, "-o", tmp_path / "there")
    assert (ended.code, "Copied" in ended.out) == (0, False)
    assert ModelsFolder().find("tiny") == before


def test_check_takes_nothing(run: Run, usb: Path) -> None:
    ended = unbundle(run, usb, "--check")
    assert (ended.code, "All 5 files" in ended.out) == (0, True)
    assert ModelsFolder().find("tiny") is None


def test_nothing_is_taken_from_a_bundle_that_was_changed(run: Run, usb: Path) -> None:
    content = bytearray((usb / "models" / "tiny.gguf").read_bytes())
    content[700] ^= 4
    (usb / "models" / "tiny.gguf").write_bytes(content)
    (usb / "extra.txt").write_bytes(b"")
    ended = unbundle(run, usb)
    assert ended.code == 1
    assert "models/tiny.gguf: changed" in ended.err
    assert "extra.txt: does not belong" in ended.err
    assert ModelsFolder().find("tiny") is None


def test_a_folder_that_is_no_bundle_is_said(run: Run, tmp_path: Path) -> None:
    ended = run("models", "unbundle", tmp_path / "nowhere", "--sha256", "0" * 64)
    assert (ended.code, "SHA256SUMS: missing" in ended.err) == (1, True)


def test_the_digits_must_be_named(run: Run, usb: Path) -> None:
    ended = run("models", "unbundle", usb)
    assert (ended.code, "--sha256" in ended.err) == (2, True)


def test_other_digits_than_were_shown_are_refused(run: Run, usb: Path) -> None:
    ended = run("models", "unbundle", usb, "--sha256", "0" * 64)
    assert (ended.code, f"SHA-256 {digits_of(usb)}, expected 00000000" in ended.err) == (1, True)
    assert ModelsFolder().find("tiny") is None


def test_a_full_disk_leaves_no_half_model(
    run: Run, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:100])
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr("shutil.copyfile", fill_up)
    ended = unbundle(run, usb)
    assert (ended.code, "No space left on device" in ended.err) == (1, True)
    assert list(ModelsFolder().path.iterdir()) == []


def test_a_drive_that_gives_other_bytes_later_is_found(
    run: Run, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.copyfile", lambda source, target: target.write_bytes(b"GGUF"))
    ended = unbundle(run, usb)
    assert (ended.code, "changed while" in ended.err) == (1, True)
    assert list(ModelsFolder().path.iterdir()) == []


def test_a_codebook_of_other_bytes_than_were_checked_is_not_copied(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = written_bundle(tmp_path / "usb", {"codebooks/own.yaml": b"variables: {}\n"})
    monkeypatch.setattr("shutil.copyfile", lambda source, target: target.write_bytes(b"other"))
    ended = unbundle(run, usb, "-o", tmp_path / "there")
    assert (ended.code, "changed while" in ended.err) == (1, True)
    assert list((tmp_path / "there" / "codebooks").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("other.gguf", "other.gguf is another model"),
        ("../models/other.gguf", "other.gguf is another model"),
        ("installed.json", "'installed.json' is not a valid name"),
        (".gguf", "'.gguf' is not a valid name"),
        ("a b.gguf", "'a b.gguf' is not a valid name"),
        (f"{'a' * 400}.gguf", "is not a valid name"),
    ],
)
def test_a_bundle_of_a_stranger_writes_over_no_file_of_the_models_folder(
    run: Run, tmp_path: Path, path: str, said: str
) -> None:
    other, theirs = bundled_model("other", weights=gguf_bytes(77))
    ModelsFolder().record(other)
    (ModelsFolder().path / "other.gguf").write_bytes(theirs["models/other.gguf"])
    model, files = bundled_model("tiny", path=path)
    ended = unbundle(run, written_bundle(tmp_path / "usb", files, models=[model]))
    assert (ended.code, said in ended.err) == (2, True), ended.err
    assert run("models", "verify", "other").code == 0
    assert [one.name for one in ModelsFolder().installed()] == ["other"]


@pytest.mark.parametrize(
    "entry",
    [
        b"[",
        b'{"model": {"name": "tiny", "color": "red"}, "terms": null}',
        b'{"model": {"name": "tiny", "sha256": "0", "consent": null}}',
    ],
)
def test_an_entry_of_another_version_is_refused_in_words(
    run: Run, tmp_path: Path, entry: bytes
) -> None:
    model, files = bundled_model("tiny")
    usb = written_bundle(tmp_path / "usb", files | {"catalog/tiny.json": entry}, models=[model])
    ended = unbundle(run, usb)
    assert ended.code == 1
    assert "'catalog/tiny.json' is not what this version" in ended.err


@pytest.mark.parametrize("field", ["name", "sha256"])
def test_an_entry_of_another_model_is_refused(run: Run, tmp_path: Path, field: str) -> None:
    model, files = bundled_model("tiny")
    other = asdict(model) | {field: "0" * 64}
    files["catalog/tiny.json"] = json.dumps({"model": other, "terms": None}).encode()
    usb = written_bundle(tmp_path / "usb", files, models=[model])
    ended = unbundle(run, usb)
    assert (ended.code, "'catalog/tiny.json' is not what" in ended.err) == (1, True)
    assert ModelsFolder().installed() == ()


def test_a_bundle_does_not_decide_that_consent_is_not_needed(run: Run, tmp_path: Path) -> None:
    model, files = bundled_model("bound", license="gemma-terms")
    files["catalog/bound.json"] = json.dumps({"model": asdict(model), "terms": None}).encode()
    ended = unbundle(run, written_bundle(tmp_path / "usb", files, models=[model]))
    assert (ended.code, "require consent" in ended.err) == (2, True)
    assert ModelsFolder().find("bound") is None


def test_terms_are_asked_for_on_the_machine_that_uses_the_model(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    model, files = bundled_model("bound", license="gemma-terms")
    usb = written_bundle(tmp_path / "usb", files, models=[model])
    ended = unbundle(run, usb)
    assert ended.code == 2
    assert "https://ai.google.dev/gemma/terms" in ended.err
    assert ModelsFolder().find("bound") is None
    assert unbundle(run, usb, "--agree", "gemma-terms").code == 0
    taken = ModelsFolder().find("bound")
    assert taken is not None
    assert taken.consent is not None


@pytest.mark.parametrize("name", ["qwen3-8b", "le-llama-2m", "own"])
def test_a_name_that_means_other_weights_here_is_refused(
    run: Run, tmp_path: Path, name: str
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(77))
    run("models", "add", own, "--license", "ours")
    model, files = bundled_model(name)
    usb = written_bundle(tmp_path / "usb", files, models=[model])
    ended = unbundle(run, usb)
    assert (ended.code, f'Cannot unbundle "{name}"' in ended.err) == (2, True)


def test_a_codebook_that_was_edited_there_is_not_written_over(
    run: Run, usb: Path, tmp_path: Path
) -> None:
    edited = tmp_path / "there" / "codebooks" / "own.yaml"
    edited.parent.mkdir(parents=True)
    edited.write_bytes(b"edited")
    ended = unbundle(run, usb, "-o", tmp_path / "there")
    assert (ended.code, "a different file" in ended.err) == (2, True)
    assert edited.read_bytes() == b"edited"
    assert ModelsFolder().find("tiny") is None


def test_a_prompt_of_another_wording_is_said(run: Run, tmp_path: Path) -> None:
    usb = written_bundle(tmp_path / "usb", {"prompts/label/v1.yaml": b"other"})
    ended = unbundle(run, usb)
    assert (ended.code, "Prompt template label/v1 of the bundle" in ended.out) == (0, True)


def test_only_models_of_this_machine_can_be_bundled(run: Run, tmp_path: Path) -> None:
    ended = run("models", "bundle", "qwen3-8b", "-o", tmp_path / "usb")
    assert (ended.code, "models pull qwen3-8b" in ended.err) == (2, True)
    assert not (tmp_path / "usb").exists()


def test_a_model_whose_terms_nobody_agreed_to_is_not_passed_on(run: Run, tmp_path: Path) -> None:
    model, files = bundled_model("bound", license="gemma-terms")
    ModelsFolder().record(model)
    (ModelsFolder().path / "bound.gguf").write_bytes(files["models/bound.gguf"])
    ended = run("models", "bundle", "-o", tmp_path / "usb")
    assert (ended.code, "agreed to" in ended.err) == (2, True)
    assert not (tmp_path / "usb").exists()


def test_an_ensemble_must_name_models_that_a_bundle_can_carry(run: Run, tmp_path: Path) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text("raters:\n  - {model: ./weights/own.gguf}\n", encoding="utf-8")
    ended = run("models", "bundle", "-e", ensemble, "-o", tmp_path / "usb")
    assert (ended.code, "a bundle cannot include" in ended.err) == (2, True)
    ensemble.write_text("raters:\n  - {model: qwen3-8b}\n", encoding="utf-8")
    ended = run("models", "bundle", "-e", ensemble, "-o", tmp_path / "usb")
    assert (ended.code, 'Cannot bundle "qwen3-8b"' in ended.err) == (2, True)


def test_a_bundle_needs_a_checkout(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_api, "checkout_dir", lambda: None)
    ended = run("models", "bundle", "-o", tmp_path / "usb")
    assert (ended.code, "Run it from a checkout" in ended.err) == (1, True)


@pytest.fixture
def source(repository: Path) -> BundleSource:
    return BundleSource(repository, Target(this_python()), None)


def test_a_folder_that_holds_something_is_left_alone(source: BundleSource, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    with pytest.raises(InputError, match="the folder is not empty"):
        write_bundle(tmp_path, contents=BundleContents(), source=source)
    assert (tmp_path / "notes.txt").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Free some space"),
        (OSError(errno.EFBIG, "File too large"), "exFAT"),
        (PermissionError(errno.EACCES, "Permission denied"), "can be written"),
    ],
)
@pytest.mark.parametrize("existed", [True, False])
def test_a_disk_that_fails_leaves_nothing(
    source: BundleSource, repository: Path, tmp_path: Path, fault: OSError, said: str, existed: bool
) -> None:
    usb = tmp_path / "usb"
    if existed:
        usb.mkdir()

    def fail(step: str) -> None:
        assert (usb / "codebooks" / "patient_feedback.yaml").is_file()
        raise fault

    contents = BundleContents(codebooks=(repository / "examples" / "patient_feedback.yaml",))
    with pytest.raises(BundleError, match="were deleted") as found:
        write_bundle(usb, contents=contents, source=source, on_step=fail)
    assert said in found.value.hint
    assert usb.exists() is existed
    assert not existed or list(usb.iterdir()) == []


def test_a_disk_without_room_is_refused_before_anything_is_written(
    source: BundleSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = namedtuple("used", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: used(10**9, 10**9, 0))
    with pytest.raises(BundleError, match="only 0 are free"):
        write_bundle(tmp_path / "usb", contents=BundleContents(), source=source)
    assert not (tmp_path / "usb").exists()


def test_a_platform_that_does_not_exist_is_refused_before_models_are_copied(
    source: BundleSource, tmp_path: Path
) -> None:
    steps: list[str] = []
    model, files = bundled_model("tiny")
    ModelsFolder().make()
    (ModelsFolder().path / model.path).write_bytes(files["models/tiny.gguf"])
    nowhere = replace(source, target=Target(this_python(), "nowhere"))
    with pytest.raises(InputError, match='"nowhere": unknown platform'):
        write_bundle(
            tmp_path / "usb",
            contents=BundleContents((model,)),
            source=nowhere,
            on_step=steps.append,
        )
    assert steps == []


def test_an_interrupted_call_leaves_nothing(source: BundleSource, tmp_path: Path) -> None:
    def interrupt(step: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "usb", contents=BundleContents(), source=source, on_step=interrupt)
    assert not (tmp_path / "usb").exists()


def test_what_was_killed_before_the_list_was_written_is_not_a_bundle(usb: Path) -> None:
    digits = digits_of(usb)
    (usb / "SHA256SUMS").unlink()
    with pytest.raises(DamagedBundleError, match="SHA256SUMS: missing"):
        check_bundle(usb, sha256=digits)


def test_a_model_that_changed_since_it_was_added_is_not_bundled(
    run: Run, source: BundleSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The wheels come first, and take minutes.
    monkeypatch.setattr("localensemble.bundle.content.gather_wheels", lambda folder, **asked: None)
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    run("models", "add", own, "--license", "ours")
    own.write_bytes(gguf_bytes(101))
    (model,) = ModelsFolder().installed()
    with pytest.raises(BundleError, match=r'Cannot bundle "own": .* but it was added with'):
        write_bundle(tmp_path / "usb", contents=BundleContents((model,)), source=source)
    assert not (tmp_path / "usb").exists()


def test_a_bundle_does_not_tell_where_a_model_lay_nor_who_agreed(
    run: Run, source: BundleSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.bundle.content.gather_wheels", lambda folder, **asked: None)
    own = tmp_path / "someone" / "secret.gguf"
    own.parent.mkdir()
    own.write_bytes(gguf_bytes(100))
    run("models", "add", own, "--name", "own", "--license", "ours")
    (model,) = ModelsFolder().installed()
    agreed = replace(model, consent=Consent("ours", "", "2026-01-01"))
    write_bundle(tmp_path / "usb", contents=BundleContents((agreed,)), source=source)
    entry = json.loads((tmp_path / "usb" / "catalog" / "own.json").read_bytes())
    assert (entry["model"]["path"], entry["model"]["consent"]) == ("own.gguf", None)
    written = [path for path in (tmp_path / "usb").rglob("*") if path.is_file()]
    assert not any(b"someone" in path.read_bytes() for path in written)


def test_a_template_of_the_user_travels_beside_the_ensemble_file_that_names_it(
    source: BundleSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.bundle.content.gather_wheels", lambda folder, **asked: None)
    ensemble, template = tmp_path / "ensemble.yaml", tmp_path / "mine.yaml"
    ensemble.write_text("raters: [{model: own}]\nprompt: {file: mine.yaml}\n", encoding="utf-8")
    template.write_text(template_text(), encoding="utf-8")
    prompts = bundle_api._beside([ensemble])
    contents = BundleContents(ensembles=(ensemble,), beside=prompts)
    write_bundle(tmp_path / "usb", contents=contents, source=source)
    carried = tmp_path / "usb" / "ensembles"
    assert load_ensemble(carried / "ensemble.yaml").prompt_file == carried / "mine.yaml"
    assert (carried / "mine.yaml").read_bytes() == template.read_bytes()


def test_a_template_in_another_folder_than_its_ensemble_file_is_not_bundled(
    tmp_path: Path,
) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text("raters: [{model: own}]\nprompt: {file: a/b.yaml}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"prompt\.file.*not in the folder"):
        bundle_api._beside([ensemble])


def test_a_probe_travels_beside_the_ensemble_file_with_the_encoder_that_it_needs(
    tmp_path: Path,
) -> None:
    ensemble, probe = tmp_path / "ensemble.yaml", tmp_path / "topic.probe"
    ensemble.write_text("raters: [{model: topic.probe, engine: probe}]\n", encoding="utf-8")
    Probe(
        features="vectors",
        encoder_sha256="0" * 64,
        variables={
            "topic": VariableProbe(
                ("food", "other"),
                (1, 1),
                np.zeros((6, 2, 384), dtype=np.float32),
                np.zeros((6, 2), dtype=np.float32),
                np.ones(6),
            )
        },
        folds={},
        held_out=frozenset(),
        words=None,
        settings={},
    ).write(probe)
    assert bundle_api._beside([ensemble]) == (probe.resolve(),)
    with pytest.raises(InputError, match="all-minilm-l6-v2") as refused:
        bundle_api._chosen([], [ensemble])
    assert "models pull" in refused.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not take such names at all")
@pytest.mark.parametrize("name", ["con.yaml", "we ird.yaml", "a:b.yaml", "dot."])
def test_names_that_not_every_file_system_takes_are_refused(
    source: BundleSource, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    contents = BundleContents(codebooks=(tmp_path / name,))
    with pytest.raises(InputError, match="Cannot put"):
        write_bundle(tmp_path / "usb", contents=contents, source=source)


def test_two_files_of_one_name_are_refused(source: BundleSource, tmp_path: Path) -> None:
    paths = (tmp_path / "a.yaml", tmp_path / "sub" / "A.yaml")
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    with pytest.raises(InputError, match="two files have that name"):
        write_bundle(tmp_path / "usb", contents=BundleContents(codebooks=paths), source=source)


def test_a_python_for_the_other_machine_is_carried_along_with_its_hash(
    source: BundleSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch_nothing(*_: object, **__: object) -> None:
        return

    monkeypatch.setattr("localensemble.bundle.content.gather_wheels", fetch_nothing)
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(b"a whole Python")
    windows = Target.named("windows-x64", python="3.12")
    brought = replace(source, target=windows, python=archive)
    written = write_bundle(tmp_path / "usb", contents=BundleContents(), source=brought)
    assert written.platform == "windows-amd64"
    sums = (written.folder / "SHA256SUMS").read_text(encoding="ascii")
    assert f"{hashlib.sha256(b'a whole Python').hexdigest()}  python/python.tar.gz\n" in sums
    script = (written.folder / "install.ps1").read_text(encoding="utf-8")
    assert "-3.12" in script
    assert "$env:TEMP" not in script


NOT_MODELS: tuple[object, ...] = (
    *(None, "x", {}, [None], ["x"], [{}]),
    *([{"name": 1}], [{"name": ["a"]}]),
)
MALFORMED_MANIFESTS: dict[str, bytes] = {
    "list": b"[]",
    "null": b"null",
    "text": b'"x"',
    "not JSON": b"xx",
    "nested too deep": b"[" * 100_000,
    "UTF-16": "{}".encode("utf-16"),
    "empty": b"{}",
    "not UTF-8": b'{"models": "\xff"}',
    "a huge number": b'{"models": [], "x": ' + b"9" * 5000 + b"}",
    **{f"models: {models!r}": json.dumps({"models": models}).encode() for models in NOT_MODELS},
    **{
        f"models: named {name!r}": json.dumps({"models": [{"name": name}]}).encode()
        for name in ("../../tiny", "tiny/../tiny", "tiny\x00", "tiny\x1b[2J", "another", "")
    },
    **{
        f"{key}: {value!r}": json.dumps({key: value}).encode()
        for key in ("platform", "library", "python", "built_on")
        for value in (None, 3, ["x"], "x\ny", "\x1b[2J", "\N{RIGHT-TO-LEFT OVERRIDE}x")
    },
}


@pytest.mark.parametrize("content", MALFORMED_MANIFESTS.values(), ids=MALFORMED_MANIFESTS)
def test_a_manifest_of_a_stranger_is_checked_before_it_is_used(
    run: Run, tmp_path: Path, content: bytes
) -> None:
    model, files = bundled_model("tiny")
    usb = written_bundle(tmp_path / "usb", files, models=[model])
    says = json.loads((usb / "manifest.json").read_bytes())
    try:
        changed = json.loads(content)
        full = {**says, **changed} if isinstance(changed, dict) and changed else changed
        content = json.dumps(full).encode() if len(content) < 5000 else content
    except (ValueError, RecursionError):
        pass
    usb = rewritten(usb, "manifest.json", content)
    for more in ((), ("--check",)):
        ended = unbundle(run, usb, *more)
        assert ended.code == 1, ended.err
        assert "manifest.json: " in ended.err
        assert "fault in the program" not in ended.err
        assert "\x1b" not in ended.err
    assert ModelsFolder().installed() == ()


def rewritten(usb: Path, name: str, content: bytes) -> Path:
    """Put other content into a bundle, as its maker could have."""
    (usb / name).write_bytes(content)
    files = sorted(one for one in usb.rglob("*") if one.is_file() and one.name != "SHA256SUMS")
    lines = [
        f"{sha256(one.read_bytes()).hexdigest()}  {one.relative_to(usb).as_posix()}\n"
        for one in files
    ]
    (usb / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")
    return usb


MALFORMED_ENTRIES: dict[str, tuple[str, object]] = {
    f"{field}: {value!r}": (field, value)
    for field, values in {
        "size_bytes": ("x", None, -1, 1.5, True, 10**30, 7),
        "sha256": (None, "0", ["a"], "A" * 64),
        "path": (["a"], "a\x00.gguf", "a\x1b[31m.gguf", "", None),
        "license": (["a"], {}, "\x1b[2J", "\N{RIGHT-TO-LEFT OVERRIDE}mit", None),
        "architecture": ("a\x1bc", "gpt2", 3),
        "chat_template_sha256": ("x", "0" * 64, ""),
        "origin": ("stolen", None),
        "verified_at": (7, "\x07"),
        "consent": ("yes", {"license": "mit"}, []),
        "color": ("red",),
    }.items()
    for value in values
}


@pytest.mark.parametrize(
    ("field", "value"), MALFORMED_ENTRIES.values(), ids=list(MALFORMED_ENTRIES)
)
def test_no_value_of_a_stranger_reaches_the_list_of_models_unchecked(
    run: Run, tmp_path: Path, field: str, value: object
) -> None:
    model, files = bundled_model("tiny")
    entry = {"model": asdict(model) | {field: value}, "terms": None, "source": None}
    files["catalog/tiny.json"] = json.dumps(entry).encode()
    ended = unbundle(run, written_bundle(tmp_path / "usb", files, models=[model]))
    assert ended.code in {1, 2}
    assert "Cannot unbundle" in ended.err
    assert "fault in the program" not in ended.err
    assert "\x1b" not in ended.err
    assert ModelsFolder().installed() == ()
    assert run("models", "list").code == 0


@pytest.mark.parametrize(
    "terms",
    [
        [],
        {"title": "T"},
        {"name": "zz", "title": "\x1b[2J", "url": "", "needs_consent": True, "terms": ""},
        {"name": "zz", "title": "T", "url": "", "needs_consent": "no", "terms": ""},
        {"name": "mit", "title": "T", "url": "", "needs_consent": False, "terms": ""},
    ],
)
def test_terms_of_a_stranger_are_checked_before_anybody_is_asked(
    run: Run, tmp_path: Path, terms: object
) -> None:
    model, files = bundled_model("tiny", license="zz")
    entry = {"model": asdict(model), "terms": terms, "source": None}
    files["catalog/tiny.json"] = json.dumps(entry).encode()
    ended = unbundle(run, written_bundle(tmp_path / "usb", files, models=[model]))
    assert (ended.code, "terms" in ended.err) == (1, True)
    assert "\x1b" not in ended.err
    assert ModelsFolder().installed() == ()


@pytest.mark.parametrize("weights", [b"hello", b"", b"GGUF", gguf_bytes(50)[:200]])
def test_weights_that_are_not_a_whole_gguf_file_are_not_taken_in(
    run: Run, tmp_path: Path, weights: bytes
) -> None:
    model, files = bundled_model("tiny", weights=weights)
    ended = unbundle(run, written_bundle(tmp_path / "usb", files, models=[model]))
    assert (ended.code, "not a GGUF file" in ended.err) == (2, True), ended.err
    assert not list(ModelsFolder().path.glob("**/*"))
