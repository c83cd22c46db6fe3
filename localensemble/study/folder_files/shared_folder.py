"""Recognize folders that a program synchronizes or that are on a network.

A ledger there can be damaged: such programs copy a file while it is written, and network drives
do not lock it reliably. Item ids and labels also leave the machine.
"""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTS = Path("/proc/mounts")
_NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse|fuse\..+|fuseblk\..+")
# Mounted by programs on this machine, with files on it.
_LOCAL_FUSE = frozenset({"fuse.lxcfs", "fuse.portal", "fuse.gvfsd-fuse", "fuse.snapfuse"})

_NAMES = (
    ("OneDrive", re.compile(r"onedrive\b.*", re.IGNORECASE)),
    ("Dropbox", re.compile(r"dropbox( \(.*\))?", re.IGNORECASE)),
    ("Google Drive", re.compile(r"google ?drive.*|my drive|drivefs", re.IGNORECASE)),
    ("iCloud", re.compile(r"icloud ?drive|mobile documents|com~apple~clouddocs", re.IGNORECASE)),
    ("Nextcloud", re.compile(r"nextcloud\d*|owncloud\d*", re.IGNORECASE)),
    ("a cloud service", re.compile(r"cloudstorage", re.IGNORECASE)),
)
_MARKERS = (
    ("Syncthing", ".stfolder"),
    ("Syncthing", ".stignore"),
    ("Nextcloud", ".nextcloudsync.log"),
    ("Nextcloud", ".owncloudsync.log"),
    ("Nextcloud", ".sync_*.db"),
    ("Nextcloud", "._sync_*.db"),
    ("Dropbox", ".dropbox"),
    ("Dropbox", ".dropbox.cache"),
    ("Google Drive", ".tmp.drivedownload"),
    ("Google Drive", ".tmp.driveupload"),
)


def sharing_warnings(folder: Path, *, mounts: Path = _MOUNTS) -> tuple[str, ...]:
    """Return a warning if a folder is synchronized or on a network; empty if nothing shows it.

    Args:
        folder: the folder, which may not exist yet.
        mounts: the list of mounted file systems, as Linux writes it.
    """
    place = folder.resolve()
    who = _synchronized_by(place)
    system = _file_system(place, mounts)
    found = []
    if who:
        found.append(f"{folder} is synchronized by {who}")
    elif _NETWORK.fullmatch(system) and system not in _LOCAL_FUSE:
        found.append(f'{folder} is on a network or foreign file system ("{system}")')
    return tuple(
        f"{one}: the ledger can be damaged there, and labels may leave this machine. Use a folder "
        "on a local disk that is not synchronized."
        for one in found
    )


def _synchronized_by(place: Path) -> str:
    for parent in (place, *place.parents):
        for who, pattern in _NAMES:
            if pattern.fullmatch(parent.name):
                return who
        for who, marker in _MARKERS:
            if _has(parent, marker):
                return who
    return ""


def _has(parent: Path, marker: str) -> bool:
    # ~/.dropbox only holds the settings of the program.
    if parent == Path.home() and marker.startswith(".dropbox"):
        return False
    try:
        return next(parent.glob(marker), None) is not None
    except OSError:
        return False


def _file_system(place: Path, mounts: Path) -> str:
    """Return the type of the file system that holds a path; empty if it is unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, system = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[1]))
        # Of two at the same place, the later one hides the earlier.
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, system = len(point.parts), fields[2]
    return system
