"""A run that is isolated reaches nothing, whoever tries; and one that is not says so."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localensemble.core.errors import IsolationError
from localensemble.privacy.isolation import (
    isolate_this_process,
    isolation,
    restart_isolated,
)
from tests.privacy.planted import ENSEMBLE, label_arguments, plant_engine, run_python
from tests.studies import CODEBOOK, StudyFiles, study_files

pytestmark = [
    pytest.mark.slow,  # starts the program in namespaces of its own
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux"),
]

EMBEDDED = "raters:\n  - {model: le-llama-2m}\n  - {model: le-gpt2-2m}\n"
# Each tries to reach PORT of this machine and says how that went; none goes through Python's
# sockets in the process that is guarded.
UNSEEN = {
    "C code": """\
        library = ctypes.CDLL(None, use_errno=True)
        address = struct.pack("=H", 2) + struct.pack("!H4s8x", PORT, bytes([127, 0, 0, 1]))
        failed = library.connect(library.socket(2, 1, 0), address, len(address))
        said = os.strerror(ctypes.get_errno()) if failed else "reached"
        Path(SAID).write_text(said)
""",
    "another program": """\
        code = "import socket; socket.create_connection(('127.0.0.1', PORT), 5); print('reached')"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        Path(SAID).write_text(ended.stdout.strip() or ended.stderr.splitlines()[-1])
""",
}
IMPORTS = "import ctypes, os, struct, subprocess, sys\nfrom pathlib import Path"


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, [f"comment {number}" for number in range(5)], ensemble=EMBEDDED)


@pytest.fixture(scope="module")
def isolating() -> None:
    """Skip where the system lets nobody make a network of his own."""
    code = (
        "from localensemble.privacy.isolation import isolate_this_process\nisolate_this_process()"
    )
    ended = run_python(Path.cwd(), "-c", code)
    if ended.returncode:
        pytest.skip(f"needs a system that isolates: {ended.stderr.splitlines()[-2]}")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listener on this machine, which is the nearest thing to somebody outside."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def reached(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def manifest_of(files: StudyFiles) -> dict[str, object]:
    content: dict[str, object] = json.loads((files.study / "manifest.json").read_text("utf-8"))
    return content


def plant_unseen(folder: Path, name: str, server: socket.socket) -> Path:
    said = folder / "said.txt"
    score = UNSEEN[name].replace("PORT", str(server.getsockname()[1]))
    plant_engine(folder, score.replace("SAID", repr(str(said))), imports=IMPORTS)
    return said


@pytest.mark.parametrize("name", UNSEEN)
def test_what_the_guard_cannot_see_gets_out_without_isolation(
    tmp_path: Path, server: socket.socket, name: str
) -> None:
    files = study_files(tmp_path, ["a text"] * 3, ensemble=ENSEMBLE)
    said = plant_unseen(tmp_path, name, server)
    ended = run_python(tmp_path, *label_arguments(files))
    assert ended.returncode == 0, ended.stderr
    assert (said.read_text(), reached(server)) == ("reached", True)
    manifest = manifest_of(files)
    assert manifest["egress_guard"] == {"on": True, "attempts": 0, "self_test": "passed"}
    assert manifest["isolation"] == {"isolated": False}


@pytest.mark.usefixtures("isolating")
@pytest.mark.parametrize("name", UNSEEN)
def test_what_the_guard_cannot_see_reaches_nothing_in_an_isolated_run(
    tmp_path: Path, server: socket.socket, name: str
) -> None:
    files = study_files(tmp_path, ["a text"] * 3, ensemble=ENSEMBLE)
    said = plant_unseen(tmp_path, name, server)
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"))
    assert ended.returncode == 0, ended.stderr
    assert not reached(server)
    assert "Network is unreachable" in said.read_text()
    assert manifest_of(files)["isolation"] == {
        "isolated": True,
        "interfaces": ["lo (loopback, down)"],
    }


@pytest.mark.usefixtures("isolating")
def test_requests_is_refused_and_named_in_an_isolated_run_too(tmp_path: Path) -> None:
    pytest.importorskip("requests")
    files = study_files(tmp_path, ["a text"] * 3, ensemble=ENSEMBLE)
    get = "        requests.get('http://192.0.2.1/', params={'q': prompts[0].messages[-1].text})\n"
    plant_engine(tmp_path, get, imports="import requests")
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"))
    assert ended.returncode == 1
    assert "Refused to look up another machine, as " in ended.stderr
    assert "planted_engine, line 9:" in ended.stderr


@pytest.mark.usefixtures("isolating")
def test_the_processes_that_hold_the_models_are_inside(files: StudyFiles) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    # Every Python process of the run writes down which network it is born into.
    (files.folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        f"with open({str(files.folder / 'born.txt')!r}, 'a') as stream:\n"
        "    print(' '.join(sys.orig_argv), os.readlink('/proc/self/ns/net'), file=stream)\n",
        encoding="utf-8",
    )
    ended = run_python(files.folder, *label_arguments(files, "--isolated"))
    assert ended.returncode == 0, ended.stderr
    born = (files.folder / "born.txt").read_text().splitlines()
    own = Path("/proc/self/ns/net").readlink()
    models = [line for line in born if "localensemble.engines.worker" in line]
    assert len(models) == 2
    assert not any(line.endswith(str(own)) for line in models)


@pytest.mark.usefixtures("isolating")
def test_labels_are_the_same_without_a_network(files: StudyFiles, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    assert run_python(tmp_path, *label_arguments(files, "--threads", "1")).returncode == 0
    with_network = (files.study / "labels.csv").read_bytes()
    shutil.rmtree(files.study)
    isolated = run_python(tmp_path, *label_arguments(files, "--threads", "1", "--isolated"))
    assert isolated.returncode == 0, isolated.stderr
    assert (files.study / "labels.csv").read_bytes() == with_network


@pytest.mark.usefixtures("isolating")
def test_an_isolated_run_leaves_nothing_behind_and_its_exit_code_counts(tmp_path: Path) -> None:
    # A blank text stays unlabeled: exit code 3, unless the codebook sets non-answers apart.
    files = study_files(tmp_path, ["a text", ""], codebook=CODEBOOK + "no_answer: []\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"), TMPDIR=str(temporary))
    assert ended.returncode == 3, ended.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("isolating")
def test_a_rater_that_needs_a_server_is_refused_in_an_isolated_run(tmp_path: Path) -> None:
    ensemble = "raters:\n  - {model: a, engine: scripted}\n  - {model: qwen3:8b, engine: ollama}\n"
    files = study_files(tmp_path, ["a text"], ensemble=ensemble)
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"))
    assert ended.returncode == 4
    assert "an isolated run cannot reach other programs" in ended.stderr
    assert not files.study.exists()


@pytest.mark.usefixtures("isolating")
def test_a_machine_whose_network_is_only_down_is_left_all_the_same(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["a text"] * 3)
    # What is down now may be up while the run goes on.
    link = "ip link add unplugged0 type bridge"
    prefix = (program("unshare", "-rn", "sh", "-c", link), "-rn", "sh", "-c", f'{link} && "$@"')
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"), prefix=(*prefix, "sh"))
    assert ended.returncode == 0, ended.stderr
    assert manifest_of(files)["isolation"] == {
        "isolated": True,
        "interfaces": ["lo (loopback, down)"],
    }


def without_namespaces(*options: str) -> tuple[str, ...]:
    """Give a prefix under which no further namespace may be made, not even by root."""
    program("setpriv", "true")
    script = (
        "echo 0 > /proc/sys/user/max_user_namespaces && "
        'exec setpriv --bounding-set=-all --inh-caps=-all "$@"'
    )
    return (program("unshare", "-r", *options, "true"), "-r", *options, "sh", "-c", script, "sh")


def test_a_place_that_has_no_network_at_all_is_isolated_as_it_is(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["a text"] * 3)
    prefix = without_namespaces("--net")
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"), prefix=prefix)
    assert ended.returncode == 0, ended.stderr
    assert manifest_of(files)["isolation"] == {
        "isolated": True,
        "interfaces": ["lo (loopback, down)"],
    }


def test_a_command_that_another_program_calls_is_not_started_again(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom localensemble.cli.main import main\n"
        "sys.argv = ['localensemble', 'demo', '--isolated']\nmain()"
    )
    ended = run_python(tmp_path, "-c", code)
    assert ended.returncode == 1
    assert "another program started it.\n" in ended.stderr
    assert "in a terminal" in ended.stderr


def test_a_system_that_shows_no_interfaces_is_not_isolated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.privacy.isolation._INTERFACES", tmp_path / "nowhere")
    assert not isolation().isolated


def test_a_run_that_cannot_be_isolated_does_not_run(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["a text"])
    ended = run_python(tmp_path, *label_arguments(files, "--isolated"), prefix=without_namespaces())
    assert ended.returncode == 1
    assert ended.stderr.startswith("Cannot isolate this run: the system refuses")
    assert "or label without --isolated" in ended.stderr
    assert not files.study.exists()


def test_another_system_is_said_not_to_isolate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not isolation().isolated
    for call in (restart_isolated, isolate_this_process):
        with pytest.raises(IsolationError, match="needs Linux"):
            call()


def program(name: str, *trial: str) -> str:
    """Find a program that works here, or skip."""
    path = shutil.which(name)
    if path is None or subprocess.run([path, *trial], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {name}, and the right to use it")
    return path


def test_no_process_of_a_run_makes_a_network_call(files: StudyFiles, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    strace = program("strace", "-qq", "-o", "/dev/null", "true")
    calls = tmp_path / "network.txt"
    ended = run_python(
        tmp_path,
        *label_arguments(files, "--threads", "1"),
        prefix=(strace, "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", str(calls)),
    )
    assert ended.returncode == 0, ended.stderr
    assert [line for line in calls.read_text().splitlines() if "AF_UNIX" not in line] == []
