"""A study in a synchronized folder or on a network is warned of; one on a local disk is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.study.folder_files.shared_folder import sharing_warnings


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A list of mounts with a local disk only."""
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\n\nodd line\n", encoding="utf-8")
    return mounts


def mounted(tmp_path: Path, system: str) -> Path:
    """A list of mounts with another file system at `shared disk`."""
    mounts = tmp_path / "mounts"
    at = str((tmp_path / "shared disk").resolve()).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {at} {system} rw 0 0\n", encoding="utf-8"
    )
    return mounts


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("OneDrive", "OneDrive"),
        ("OneDrive - University of Somewhere", "OneDrive"),
        ("Dropbox", "Dropbox"),
        ("Dropbox (Clinic)", "Dropbox"),
        ("Google Drive", "Google Drive"),
        ("GoogleDrive-a@b.org", "Google Drive"),
        ("My Drive", "Google Drive"),
        ("iCloud Drive", "iCloud"),
        ("Mobile Documents", "iCloud"),
        ("Nextcloud", "Nextcloud"),
        ("ownCloud", "Nextcloud"),
        ("CloudStorage", "a cloud service"),
    ],
)
def test_a_synchronized_folder_is_known_by_its_name(
    tmp_path: Path, local: Path, name: str, who: str
) -> None:
    (warning,) = sharing_warnings(tmp_path / name / "project" / "study", mounts=local)
    assert f"synchronized by {who}" in warning


@pytest.mark.parametrize(
    ("marker", "who"),
    [
        (".stfolder", "Syncthing"),
        (".stignore", "Syncthing"),
        (".sync_1a2b.db", "Nextcloud"),
        (".dropbox.cache", "Dropbox"),
        (".tmp.driveupload", "Google Drive"),
    ],
)
def test_a_synchronized_folder_is_known_by_what_its_program_leaves(
    tmp_path: Path, local: Path, marker: str, who: str
) -> None:
    (tmp_path / marker).touch()
    (warning,) = sharing_warnings(tmp_path / "a" / "study", mounts=local)
    assert f"synchronized by {who}" in warning


@pytest.mark.parametrize("system", ["nfs4", "nfs", "cifs", "smb3", "9p", "fuse.sshfs", "fuse"])
def test_a_network_folder_is_known_by_its_file_system(tmp_path: Path, system: str) -> None:
    mounts = mounted(tmp_path, system)
    (warning,) = sharing_warnings(tmp_path / "shared disk" / "study", mounts=mounts)
    assert f'"{system}"' in warning
    assert sharing_warnings(tmp_path / "study", mounts=mounts) == ()


@pytest.mark.parametrize("system", ["ext4", "btrfs", "overlay", "tmpfs", "fuse.lxcfs", "xfs"])
def test_a_local_folder_is_not_warned_of(tmp_path: Path, system: str) -> None:
    mounts = mounted(tmp_path, system)
    assert sharing_warnings(tmp_path / "shared disk" / "study", mounts=mounts) == ()
    assert sharing_warnings(tmp_path / "Dropboxes" / "study", mounts=mounts) == ()


def test_the_settings_of_a_program_in_the_home_folder_are_no_sign(
    tmp_path: Path, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / ".dropbox").mkdir()
    assert sharing_warnings(tmp_path / "study", mounts=local) == ()


def test_what_cannot_be_looked_at_is_no_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, pattern: str) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "glob", refused)
    assert sharing_warnings(tmp_path / "study", mounts=tmp_path / "nowhere") == ()
