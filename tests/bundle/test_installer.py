"""A bundle is taken for whole only when every byte and every file is the one that was signed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.bundle import installer
from localensemble.bundle.installer import (
    DamagedBundleError,
    check_bundle,
    fingerprint_of,
    main,
    requirements_of,
    signature_fits,
)
from tests.bundles import FINGERPRINT, KEY, signed_bundle

FILES = {"wheels/a.whl": b"wheel", "codebooks/c.yaml": b"codebook", "README.txt": b"read me"}
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return signed_bundle(tmp_path / "usb", FILES)


# RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
@pytest.mark.parametrize(
    ("key", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_the_signatures_of_the_standard_fit(key: str, message: str, signature: str) -> None:
    found = [bytes.fromhex(part) for part in (signature, message, key)]
    assert signature_fits(found[0], found[1], key=found[2])
    assert not signature_fits(found[0], found[1] + b"x", key=found[2])


@settings(max_examples=30)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=200),
    place=st.integers(0, 63),
    bit=st.integers(0, 7),
)
def test_signatures_of_the_library_fit_and_damaged_ones_do_not(
    seed: bytes, message: bytes, place: int, bit: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert signature_fits(signature, message, key=key)
    damaged = bytearray(signature)
    damaged[place] ^= 1 << bit
    assert not signature_fits(bytes(damaged), message, key=key)


def test_a_second_writing_of_the_same_signature_is_refused() -> None:
    key, signature = KEY.public_key().public_bytes_raw(), KEY.sign(b"text")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not signature_fits(signature[:32] + scalar.to_bytes(32, "little"), b"text", key=key)
    assert not signature_fits(signature + b"\0", b"text", key=key)
    assert not signature_fits(signature, b"text", key=b"\xff" * 32)


def test_a_whole_bundle_is_found_whole(bundle: Path) -> None:
    checked = check_bundle(bundle)
    assert checked.fingerprint == FINGERPRINT
    assert fingerprint_of(KEY.public_key().public_bytes_raw()) == FINGERPRINT
    assert [one["name"] for one in checked.manifest["files"]] == list(FILES)


def test_every_changed_byte_is_found_and_its_file_named(bundle: Path) -> None:
    for path in [path for path in bundle.rglob("*") if path.is_file()]:
        name = path.relative_to(bundle).as_posix()
        content = path.read_bytes()
        # The signature covers the manifest as a whole: every 19th byte is enough there.
        step = 19 if name == "manifest.json" else 1
        for place in range(0, len(content), step):
            damaged = bytearray(content)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            with pytest.raises(DamagedBundleError) as found:
                check_bundle(bundle)
            assert name in str(found.value)
            assert "changed" in str(found.value)
        path.write_bytes(content)
    check_bundle(bundle)


def test_all_that_is_wrong_is_named_at_once(bundle: Path) -> None:
    (bundle / "wheels" / "a.whl").unlink()
    (bundle / "README.txt").write_bytes(b"read me, too")
    (bundle / "autorun.inf").write_bytes(b"")
    (bundle / "wheels" / "json.py").write_bytes(b"")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle)
    assert found.value.problems == (
        "README.txt: changed; 12 bytes, expected 7",
        "autorun.inf: does not belong to the bundle; take it away",
        "wheels/a.whl: missing",
        "wheels/json.py: does not belong to the bundle; take it away",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_refused_also_to_folders(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bundle / "README.txt").rename(tmp_path / "elsewhere" / "README.txt")
    (bundle / "README.txt").symlink_to(tmp_path / "elsewhere" / "README.txt")
    (bundle / "prompts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle)
    assert found.value.problems == ("README.txt: no plain file", "prompts: no plain file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.sig", "README.txt"])
def test_what_is_no_file_is_not_waited_for(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    with pytest.raises(DamagedBundleError, match=rf"^{name}: no plain file$"):
        check_bundle(bundle)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names on Windows")
def test_the_name_of_a_file_cannot_speak_for_the_installer(bundle: Path) -> None:
    (bundle / "x\n\x1b[2JAll 3 files are as they were signed.").write_bytes(b"")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle)
    (problem,) = found.value.problems
    assert problem.startswith(r"'x\n\x1b[2JAll 3 files are as they were signed.': does not belong")


def test_a_manifest_that_says_two_things_of_a_file_is_refused(tmp_path: Path) -> None:
    one = {"name": "a.txt", "size_bytes": 1, "sha256": "0" * 64}
    bundle = signed_bundle(tmp_path / "usb", FILES, files=[one, one])
    with pytest.raises(DamagedBundleError, match=r"manifest\.json: names a file twice"):
        check_bundle(bundle)


def test_packages_are_installed_by_the_hashes_that_were_signed() -> None:
    files = [
        {"name": "wheels/a_b-1.0+local-py3-none-any.whl", "sha256": "0" * 64},
        {"name": "models/wheels/c-2.gguf", "sha256": "1" * 64},
        {"name": "README.txt", "sha256": "2" * 64},
    ]
    wanted = f"a_b==1.0+local --hash=sha256:{'0' * 64}\n"
    assert requirements_of({"files": files}) == wanted


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.sig"])
def test_what_is_not_finished_is_no_bundle(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(DamagedBundleError, match=rf"^{name}: missing$"):
        check_bundle(bundle)


def test_a_bundle_signed_by_somebody_else_is_refused_by_its_fingerprint(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    bundle = signed_bundle(tmp_path / "usb", FILES, key=other)
    check_bundle(bundle)  # whole, as far as it goes
    with pytest.raises(DamagedBundleError, match=f"another key.*expected {FINGERPRINT}"):
        check_bundle(bundle, fingerprint=FINGERPRINT)


def test_a_fingerprint_may_be_written_as_people_write_it(bundle: Path) -> None:
    groups = [FINGERPRINT[place : place + 8].upper() for place in range(0, 64, 8)]
    assert check_bundle(bundle, fingerprint=" ".join(groups)).fingerprint == FINGERPRINT


@pytest.fixture
def installing(tmp_path: Path) -> Path:
    """A bundle with its installer, for a Python that is not this one."""
    content = Path(installer.__file__).read_bytes()
    return signed_bundle(tmp_path / "usb", {**FILES, "install.py": content}, python="2.7")


def install(bundle: Path, *arguments: str, isolated: bool = True) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, *(["-I"] if isolated else []), bundle / "install.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_installer_checks_and_says_who_signed(installing: Path) -> None:
    code, said = install(installing, "--check")
    assert code == 0
    assert "All 4 files" in said
    assert FINGERPRINT in said
    assert "another way than this bundle" in said
    code, said = install(installing, "--check", "--fingerprint", FINGERPRINT)
    assert (code, "The key is the one you named" in said) == (0, True)


def test_the_installer_names_what_is_wrong_and_installs_nothing(
    installing: Path, tmp_path: Path
) -> None:
    (installing / "wheels" / "a.whl").write_bytes(b"whe1l")
    code, said = install(installing, "--to", str(tmp_path / "there"))
    assert code == 1
    assert "wheels/a.whl: changed" in said
    assert "Nothing was installed" in said
    assert not (tmp_path / "there").exists()


def test_nothing_beside_the_installer_runs_before_it_was_checked(installing: Path) -> None:
    (installing / "json.py").write_text("print('planted')")
    code, said = install(installing, "--check", isolated=False)
    assert (code, "planted" in said, "python3 -I install.py" in said) == (1, False, True)
    code, said = install(installing, "--check")
    assert (code, "planted" in said, "json.py: does not belong" in said) == (1, False, True)


def test_another_python_is_refused_with_what_was_expected(installing: Path, tmp_path: Path) -> None:
    code, said = install(installing, "--to", str(tmp_path / "there"))
    assert code == 1
    assert f"for {installer.platform_name()} with CPython 2.7" in said
    assert f"CPython {sys.version.split()[0]}" in said
    assert not (tmp_path / "there").exists()


def test_an_older_c_library_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = signed_bundle(tmp_path / "usb", FILES, library="glibc 2.34")
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.9"))
    assert main(["--to", str(tmp_path / "there")]) == 1
    said = capsys.readouterr().out
    assert "glibc 2.34 or newer" in said
    assert "and glibc 2.9." in said
    assert not (tmp_path / "there").exists()


def test_an_environment_of_somebody_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = signed_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    theirs = tmp_path / "project" / ".venv" / "pyvenv.cfg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    assert main(["--to", str(tmp_path / "project")]) == 1
    assert "was not made by this installer" in capsys.readouterr().out
    assert [path.name for path in theirs.parent.iterdir()] == ["pyvenv.cfg"]


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = signed_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    (tmp_path / "taken").write_bytes(b"")
    assert main(["--to", str(tmp_path / "taken" / "there")]) == 1
    assert "Cannot make the folder" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["usb", "usb/there"])
def test_nothing_is_installed_into_the_bundle(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
) -> None:
    bundle = signed_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    assert main(["--to", str(tmp_path / folder)]) == 1
    assert "it lies in the bundle" in capsys.readouterr().out
    check_bundle(bundle)


def first_script(folder: Path, installed_by: bytes) -> Path:
    """Write install.sh, as a bundle has it, beside its installer."""
    script = Path(installer.__file__).with_name("files") / "install.sh"
    text = script.read_text(encoding="utf-8")
    text = text.replace("@PYTHON@", "{}.{}".format(*sys.version_info))
    text = text.replace("@INSTALLER_SHA256@", sha256(installed_by).hexdigest())
    folder.mkdir(parents=True)
    (folder / "install.py").write_bytes(installed_by)
    (folder / "install.sh").write_text(text, encoding="utf-8", newline="\n")
    return folder / "install.sh"


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize("folder", ["usb", "-P", "it's $HOME; `a` drive"])
def test_the_first_script_starts_the_installer_beside_it(tmp_path: Path, folder: str) -> None:
    prints = b"import sys; print(__file__, sys.argv[1:])"
    script = first_script(tmp_path / "here" / folder, prints)
    # Where a user has CDPATH set, `cd` may go elsewhere, and says where.
    first_script(tmp_path / "elsewhere" / folder, prints)
    ended = subprocess.run(
        ["sh", "--", f"{folder}/install.sh", "--to", "a b"],
        cwd=tmp_path / "here",
        env={
            "PYTHON": sys.executable,
            "PATH": os.environ["PATH"],
            "CDPATH": f"{tmp_path}/elsewhere",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == f"{script.with_name('install.py')} ['--to', 'a b']\n", ended.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
def test_the_first_script_names_the_python_it_did_not_find(tmp_path: Path) -> None:
    script = Path(installer.__file__).with_name("files") / "install.sh"
    text = script.read_text(encoding="utf-8").replace("@PYTHON@", "3.99")
    (tmp_path / "install.sh").write_text(text, encoding="utf-8", newline="\n")
    ended = subprocess.run(
        ["sh", tmp_path / "install.sh"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert "for Python 3.99, and found was: Python 3." in ended.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
def test_the_first_script_takes_no_other_python_than_the_one_named(tmp_path: Path) -> None:
    script = first_script(tmp_path / "usb", b"print('installed by another')")
    ended = subprocess.run(
        ["sh", script],
        env={"PYTHON": "/no/such/python", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "and found was: " in ended.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
def test_the_first_script_does_not_start_a_changed_installer(tmp_path: Path) -> None:
    script = first_script(tmp_path / "usb", b"print('as it was')")
    script.with_name("install.py").write_text("print('planted')")
    ended = subprocess.run(
        ["sh", script],
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "install.py: changed or missing" in ended.stderr
