"""A bundle is accepted only when every byte and every file is the one that was made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from localensemble.bundle import installer
from localensemble.bundle.installer import (
    DamagedBundleError,
    check_bundle,
    main,
    requirements_of,
)
from localensemble.bundle.wheels import this_python
from tests.bundles import digits_of, written_bundle

FILES = {"wheels/a.whl": b"wheel", "codebooks/c.yaml": b"codebook", "README.txt": b"read me"}
NAMES = [*FILES, "manifest.json"]
needs_shell = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return written_bundle(tmp_path / "usb", FILES)


def test_a_whole_bundle_is_found_whole(bundle: Path) -> None:
    digits = digits_of(bundle)
    checked = check_bundle(bundle, sha256=digits)
    assert checked.sha256 == digits
    assert list(checked.files) == NAMES
    assert checked.manifest["models"] == []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_system_checks_a_bundle_without_any_program_of_ours(bundle: Path) -> None:
    command = ["sha256sum", "--quiet", "-c", "SHA256SUMS"]
    whole = subprocess.run(command, cwd=bundle, capture_output=True, check=False)
    assert (whole.returncode, whole.stdout) == (0, b"")
    (bundle / "README.txt").write_bytes(b"other")
    damaged = subprocess.run(command, cwd=bundle, capture_output=True, check=False)
    assert (damaged.returncode, b"README.txt: FAILED" in damaged.stdout) == (1, True)


def test_every_changed_byte_is_found_and_its_file_named(bundle: Path) -> None:
    digits = digits_of(bundle)
    for path in [path for path in bundle.rglob("*") if path.is_file()]:
        name = path.relative_to(bundle).as_posix()
        content = path.read_bytes()
        for place in range(len(content)):
            damaged = bytearray(content)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            with pytest.raises(DamagedBundleError) as found:
                check_bundle(bundle, sha256=digits)
            assert str(found.value).startswith(f"{name}: changed")
        path.write_bytes(content)
    check_bundle(bundle, sha256=digits)


def test_all_that_is_wrong_is_named_at_once(bundle: Path) -> None:
    (bundle / "wheels" / "a.whl").unlink()
    (bundle / "README.txt").write_bytes(b"read me, too")
    (bundle / "autorun.inf").write_bytes(b"")
    (bundle / "wheels" / "json.py").write_bytes(b"")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle, sha256=digits_of(bundle))
    assert found.value.problems == (
        f"README.txt: changed; SHA-256 {sha256(b'read me, too').hexdigest()}, "
        f"expected {sha256(b'read me').hexdigest()}",
        "autorun.inf: does not belong to the bundle; remove it",
        "wheels/a.whl: missing",
        "wheels/json.py: does not belong to the bundle; remove it",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_refused_also_to_folders(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bundle / "README.txt").rename(tmp_path / "elsewhere" / "README.txt")
    (bundle / "README.txt").symlink_to(tmp_path / "elsewhere" / "README.txt")
    (bundle / "prompts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle, sha256=digits_of(bundle))
    assert found.value.problems == ("README.txt: not a plain file", "prompts: not a plain file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["SHA256SUMS", "manifest.json", "README.txt"])
def test_a_pipe_is_not_waited_for(bundle: Path, name: str) -> None:
    digits = digits_of(bundle)
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    with pytest.raises(DamagedBundleError, match=rf"^{name}: not a plain file$"):
        check_bundle(bundle, sha256=digits)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names on Windows")
def test_the_name_of_a_file_cannot_speak_for_the_installer(bundle: Path) -> None:
    (bundle / "x\n\x1b[2JAll 4 files match SHA256SUMS.").write_bytes(b"")
    with pytest.raises(DamagedBundleError) as found:
        check_bundle(bundle, sha256=digits_of(bundle))
    (problem,) = found.value.problems
    assert problem.startswith(r"'x\n\x1b[2JAll 4 files match SHA256SUMS.': does not belong")


@pytest.mark.parametrize(
    "line",
    [
        f"{'0' * 64}  README.txt\n",  # a second time
        f"{'0' * 64}  ../README.txt/\n",
        f"{'0' * 64}  /etc/hostname\n",
        f"\\{'0' * 64}  a\\nb.txt\n",
        f"{'0' * 64}  we ird.txt\n",
        f"{'0' * 64} *binary.txt\n",
        f"{'0' * 64}  no-end.txt",
        "\n",
    ],
)
def test_a_list_that_no_bundle_has_is_refused(bundle: Path, line: str) -> None:
    with (bundle / "SHA256SUMS").open("a") as stream:
        stream.write(line)
    with pytest.raises(DamagedBundleError, match="SHA256SUMS: not the list of a bundle"):
        check_bundle(bundle, sha256=digits_of(bundle))


@pytest.mark.parametrize("name", ["../usb/README.txt", "wheels/../README.txt", "readme.txt"])
def test_a_file_under_another_path_is_missing(bundle: Path, name: str) -> None:
    with (bundle / "SHA256SUMS").open("a") as stream:
        stream.write(f"{sha256(b'read me').hexdigest()}  {name}\n")
    with pytest.raises(DamagedBundleError, match=rf"^{name}: missing$"):
        check_bundle(bundle, sha256=digits_of(bundle))


def test_packages_are_installed_by_the_hashes_that_were_checked() -> None:
    files = {
        "wheels/a_b-1.0+local-py3-none-any.whl": "0" * 64,
        "models/wheels/c-2.gguf": "1" * 64,
        "README.txt": "2" * 64,
    }
    assert requirements_of(files) == f"a_b==1.0+local --hash=sha256:{'0' * 64}\n"


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS"])
def test_an_unfinished_folder_is_not_a_bundle(bundle: Path, name: str) -> None:
    digits = digits_of(bundle)
    (bundle / name).unlink()
    with pytest.raises(DamagedBundleError, match=rf"^{name}: missing$"):
        check_bundle(bundle, sha256=digits)


def test_a_bundle_that_somebody_made_anew_is_refused(bundle: Path, tmp_path: Path) -> None:
    anew = written_bundle(tmp_path / "anew", FILES | {"README.txt": b"READ me"})
    check_bundle(anew, sha256=digits_of(anew))  # whole, but not the one that was made
    with pytest.raises(DamagedBundleError, match=f"^SHA256SUMS: changed; .*{digits_of(bundle)}$"):
        check_bundle(anew, sha256=digits_of(bundle))


def test_the_digits_may_be_written_as_people_write_them(bundle: Path) -> None:
    digits = digits_of(bundle)
    groups = [digits[place : place + 8].upper() for place in range(0, 64, 8)]
    assert check_bundle(bundle, sha256=" ".join(groups)).sha256 == digits


@pytest.fixture
def installing(tmp_path: Path) -> Path:
    """A bundle with its installer, for a Python that is not this one."""
    content = Path(installer.__file__).read_bytes()
    return written_bundle(tmp_path / "usb", {**FILES, "install.py": content}, python="2.7")


def install(
    bundle: Path, *arguments: str, isolated: bool = True, digits: str | None = ""
) -> tuple[int, str]:
    """Start the installer; empty digits mean those of this bundle."""
    named = [] if digits is None else ["--sha256", digits or digits_of(bundle)]
    ended = subprocess.run(
        [
            *(sys.executable, *(["-I"] if isolated else [])),
            bundle / "install.py",
            *named,
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_installer_checks_every_file(installing: Path) -> None:
    code, said = install(installing, "--check")
    assert (code, "All 5 files" in said) == (0, True)


def test_the_installer_needs_the_digits(installing: Path) -> None:
    code, said = install(installing, "--check", digits=None)
    assert (code, "--sha256" in said) == (2, True)
    code, said = install(installing, "--check", digits="0" * 64)
    assert (code, "SHA256SUMS: changed" in said) == (1, True)


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
    bundle = written_bundle(tmp_path / "usb", FILES, library="glibc 2.34")
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.9"))
    assert main(["--sha256", digits_of(bundle), "--to", str(tmp_path / "there")]) == 1
    said = capsys.readouterr().out
    assert "glibc 2.34 or newer" in said
    assert "and glibc 2.9." in said
    assert not (tmp_path / "there").exists()


def test_an_environment_of_somebody_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = written_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    theirs = tmp_path / "project" / ".venv" / "pyvenv.cfg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    assert main(["--sha256", digits_of(bundle), "--to", str(tmp_path / "project")]) == 1
    assert "was not made by this installer" in capsys.readouterr().out
    assert [path.name for path in theirs.parent.iterdir()] == ["pyvenv.cfg"]


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = written_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    (tmp_path / "taken").write_bytes(b"")
    assert main(["--sha256", digits_of(bundle), "--to", str(tmp_path / "taken" / "there")]) == 1
    assert "Cannot create the folder" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["usb", "usb/there"])
def test_nothing_is_installed_into_the_bundle(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
) -> None:
    bundle = written_bundle(tmp_path / "usb", FILES)
    monkeypatch.setattr(installer, "__file__", str(bundle / "install.py"))
    assert main(["--sha256", digits_of(bundle), "--to", str(tmp_path / folder)]) == 1
    assert "inside the bundle" in capsys.readouterr().out
    check_bundle(bundle, sha256=digits_of(bundle))


def first_script(folder: Path, installed_by: bytes, *, python: str = this_python()) -> Path:
    """Write a bundle with install.sh as a bundle has it, beside the installer."""
    script = Path(installer.__file__).with_name("files") / "install.sh"
    text = script.read_text(encoding="utf-8").replace("@PYTHON@", python)
    files = {**FILES, "install.py": installed_by, "install.sh": text.encode()}
    return written_bundle(folder, files) / "install.sh"


PRINTS = b"import sys; print(__file__, sys.argv[1:])"


def start(script: Path, *arguments: str, digits: str = "", **variables: str) -> tuple[int, str]:
    """Start install.sh; empty digits mean those of its bundle. PRINTS shows where it got."""
    ended = subprocess.run(
        ["sh", script, "--sha256", digits or digits_of(script.parent), *arguments],
        env={"PYTHON": sys.executable, "PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert bool(ended.stdout) == (ended.returncode == 0)
    return ended.returncode, ended.stdout + ended.stderr


@needs_shell
@pytest.mark.parametrize("folder", ["usb", "-P", "it's $HOME; `a` drive"])
def test_the_first_script_starts_the_installer_beside_it(tmp_path: Path, folder: str) -> None:
    script = first_script(tmp_path / "here" / folder, PRINTS)
    # Where a user has CDPATH set, `cd` may go elsewhere, and says where.
    first_script(tmp_path / "elsewhere" / folder, PRINTS)
    digits = digits_of(script.parent)
    ended = subprocess.run(
        ["sh", "--", f"{folder}/install.sh", "--to", "a b", f"--sha256={digits.upper()}"],
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
    passed = ["--files-were-read", "--to", "a b", f"--sha256={digits.upper()}"]
    assert ended.stdout == f"{script.with_name('install.py')} {passed}\n", ended.stderr


@needs_shell
def test_the_first_script_names_the_python_it_did_not_find(tmp_path: Path) -> None:
    code, said = start(first_script(tmp_path / "usb", PRINTS, python="3.99"))
    assert (code, "for Python 3.99, but found: Python 3." in said) == (4, True)


@needs_shell
def test_the_first_script_takes_no_other_python_than_the_one_named(tmp_path: Path) -> None:
    script = first_script(tmp_path / "usb", PRINTS)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    code, said = start(script, PYTHON="/no/such/python", PATH=path)
    assert (code, "but found: " in said) == (4, True)


@needs_shell
@pytest.mark.parametrize("name", ["install.py", "wheels/a.whl", "manifest.json", "install.sh"])
def test_the_first_script_starts_nothing_when_a_file_is_changed_or_missing(
    tmp_path: Path, name: str
) -> None:
    script = first_script(tmp_path / "usb", PRINTS)
    path, content = script.parent / name, (script.parent / name).read_bytes()
    path.write_bytes(content + b"\n#")
    code, said = start(script)
    assert (code, f"{name}: FAILED" in said, "README.txt" in said) == (1, True, False)
    if name != "install.sh":
        path.unlink()
        code, said = start(script)
        assert (code, f"{name}: FAILED open or read" in said) == (1, True)


@needs_shell
def test_the_first_script_starts_nothing_with_other_digits(tmp_path: Path) -> None:
    script = first_script(tmp_path / "usb", PRINTS)
    code, said = start(script, digits="0" * 64)
    assert (code, f"SHA256SUMS: changed; SHA-256 {digits_of(script.parent)}" in said) == (1, True)
    code, said = start(script, "--sha256", "")
    assert (code, "--sha256 is missing" in said) == (2, True)
    digits = digits_of(script.parent)
    (script.parent / "SHA256SUMS").unlink()
    code, said = start(script, digits=digits)
    assert (code, "SHA256SUMS: missing" in said) == (1, True)


@needs_shell
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["SHA256SUMS", "wheels/a.whl", "x\n\x1b[2Jy"])
def test_the_first_script_does_not_wait_for_a_pipe(tmp_path: Path, name: str) -> None:
    script = first_script(tmp_path / "usb", PRINTS)
    digits = digits_of(script.parent)
    (script.parent / name).unlink(missing_ok=True)
    os.mkfifo(script.parent / name)
    code, said = start(script, digits=digits)
    assert (code, "not plain files: ./" in said, "\x1b" in said) == (1, True, False)


@needs_shell
def test_what_the_first_script_cannot_see_the_installer_names(tmp_path: Path) -> None:
    content = Path(installer.__file__).read_bytes()
    script = first_script(tmp_path / "usb", content, python=this_python())
    code, said = start(script, "--check")
    assert (code, "All 6 files" in said) == (0, True)
    (script.parent / "README.txt\nwheels").mkdir()
    (script.parent / "README.txt\nwheels" / "a.whl").write_bytes(b"wheel")
    (script.parent / "json.py").write_text("print('planted')")
    ended = subprocess.run(
        ["sh", script, "--sha256", digits_of(script.parent), "--to", tmp_path / "there"],
        env={"PYTHON": sys.executable, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert r"'README.txt\nwheels/a.whl': does not belong" in ended.stdout
    assert "json.py: does not belong" in ended.stdout
    assert not (tmp_path / "there").exists()
