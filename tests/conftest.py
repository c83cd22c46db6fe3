"""What every test gets: no network but loopback, a user directory of its own, shared data."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from localensemble.api.cross_check.reference_environment import ReferencePython
    from localensemble.catalog.installed import InstalledModel

REPOSITORY = Path(__file__).resolve().parents[1]
_USER_DIRECTORIES = (
    "APPDATA",
    "HOME",
    "LOCALAPPDATA",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)

# Found before the tests get a user directory of their own.
_REAL_MODELS = Path(
    os.environ.get(
        "LOCALENSEMBLE_REAL_MODELS", Path.home() / ".cache" / "localensemble-real-models"
    )
)

# A slow machine must not make a test fail.
settings.register_profile("localensemble", deadline=None)
settings.load_profile("localensemble")


class NetworkUsedError(RuntimeError):
    """A test tried to reach something that is not this machine."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        # A unix socket has a path for an address, a sendmsg may have none at all.
        address = arguments[1]
        if not isinstance(address, tuple):
            return
        host = address[0]
    else:
        return
    if not _is_loopback(host):
        raise NetworkUsedError(f"{event}: tests reach loopback only.")


# An audit hook sees what C code connects, too; it cannot be taken out again, and need not be.
sys.addaudithook(_refuse_network)

# A shell starts what runs in its background with Ctrl-C ignored; tests of Ctrl-C would wait
# for ever, here and in the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_user_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in _USER_DIRECTORIES:
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("LOCALENSEMBLE_MODELS", raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data sets that lies beside a checkout, where there is one."""
    folder = Path(os.environ.get("LOCALENSEMBLE_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the shared data sets; set LOCALENSEMBLE_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def real_model() -> Callable[[str], Path]:
    """Return the GGUF file of a published model by its name, where it is kept."""

    def find(name: str) -> Path:
        path = _REAL_MODELS / f"{name}.gguf"
        if not path.exists():
            pytest.skip(f"needs {name}.gguf; set LOCALENSEMBLE_REAL_MODELS to its folder")
        return path

    return find


@pytest.fixture(scope="session")
def real_encoder() -> InstalledModel:
    """Return the encoder in the user's models folder, which tests replace by one of their own."""
    from localensemble.catalog.installed import ModelsFolder
    from localensemble.core.encoder_name import ENCODER

    folder = ModelsFolder()
    found = folder.find(ENCODER)
    if found is None or folder.state_of(found) != "whole":
        pytest.skip(f"needs the encoder; run `localensemble models pull {ENCODER}`")
    return replace(found, path=str(folder.file_of(found)))


@pytest.fixture(scope="session")
def reference_python() -> ReferencePython:
    """A Python that has irrCAC and krippendorff, where there is one."""
    from localensemble.api.cross_check.reference_environment import find_reference_python
    from localensemble.core.errors import InputError

    try:
        return find_reference_python()
    except InputError:
        pytest.skip("needs a reference environment; make one with `scripts/setup --reference`")
