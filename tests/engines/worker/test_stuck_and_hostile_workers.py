"""A process that stops, hangs or lies costs a call, is told of, and never takes more."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.core.errors import EngineCrashedError, EngineError
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import child
from localensemble.engines.worker.patience import Patience
from localensemble.engines.worker.worker_engines import WorkerEngine
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf
from tests.engines.prompts import THEMES, prompt

pytestmark = [
    pytest.mark.slow,  # starts processes and waits for them
    pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals"),
]

PROMPTS = [prompt(f"The staff were kind {number}.") for number in range(10)]
ANSWERS = [THEMES] * len(PROMPTS)
SHORT = Patience(notice=1.0, silent=3.0, idle=5.0, restarts=2)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def engine(path: Path) -> Iterator[WorkerEngine]:
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1), patience=SHORT)
    yield engine
    engine.close()


def _plant(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let code run in every process that this test starts, before anything of ours."""
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


# Written by the process itself: what whoever takes it over could do.
ANSWERING = """
from localensemble.engines.worker import responses
from localensemble.engines.worker.message_stream import Message
was = responses.answer_message
def answer(method, value, error, usage):
    if method == "open":
        return was(method, value, error, usage)
    {instead}
responses.answer_message = answer
"""


def test_a_stopped_process_is_told_of_ended_and_started_again(
    engine: WorkerEngine, caplog: pytest.LogCaptureFixture
) -> None:
    expected = engine.score(PROMPTS, ANSWERS)
    stopped = engine.pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(EngineCrashedError, match="no sign of life for 3 s"),
    ):
        engine.score(PROMPTS, ANSWERS)
    told = [record.getMessage() for record in caplog.records]
    assert any('"tiny.gguf" has given no sign of life for 1 s' in line for line in told)
    assert "kind" not in caplog.text
    assert engine.score(PROMPTS, ANSWERS) == expected
    assert engine.pid != stopped


def test_a_request_larger_than_the_pipe_does_not_block_on_a_stopped_process(
    engine: WorkerEngine,
) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    long = [prompt("Care. " * 200_000)]
    with pytest.raises(EngineCrashedError, match="no sign of life"):
        engine.score(long, [THEMES])


def test_a_process_that_goes_on_in_time_is_not_ended(engine: WorkerEngine) -> None:
    expected = engine.score(PROMPTS, ANSWERS)
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(1.5, os.kill, (pid, signal.SIGCONT))
    timer.start()
    assert engine.score(PROMPTS, ANSWERS) == expected
    timer.join()
    assert engine.pid == pid


HANGS = {
    # Native code that lets other threads run.
    "sleeping": "import ctypes; ctypes.CDLL(None).sleep(600)",
    # Native code that holds Python's lock.
    "locking": "import ctypes; ctypes.PyDLL(None).sleep(600)",
    "locking in C": "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_wedged_process_is_ended_and_the_engine_fails_when_the_budget_is_spent(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hang: str
) -> None:
    code = f"""
from localensemble.engines.llama_cpp import engine
def hang(*_, **__):
    {hang}
engine.LlamaCppEngine.score = hang
"""
    _plant(tmp_path, monkeypatch, code)
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1), patience=SHORT)
    pids = set()
    for _ in range(SHORT.restarts):
        with pytest.raises(EngineCrashedError):
            engine.score(PROMPTS, ANSWERS)
        engine.count_tokens(["x"])
        pids.add(engine.pid)
    with pytest.raises(EngineError, match="This happened 3 times") as caught:
        engine.score(PROMPTS, ANSWERS)
    assert not isinstance(caught.value, EngineCrashedError)
    assert not caught.value.retryable
    assert len(pids) == SHORT.restarts
    engine.close()


def test_a_slow_process_that_takes_steps_is_never_ended(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
import time
from localensemble.engines.steps import STEPS
from localensemble.engines.llama_cpp import engine
was = engine.LlamaCppEngine.score
def slow(*arguments):
    for _ in range(16):
        time.sleep(0.5)
        STEPS.take()
    return was(*arguments)
engine.LlamaCppEngine.score = slow
"""
    _plant(tmp_path, monkeypatch, code)
    patience = Patience(notice=4.0, silent=5.0, idle=5.0)
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1), patience=patience)
    pid = engine.pid
    started = time.monotonic()
    assert len(engine.score(PROMPTS, ANSWERS)) == len(PROMPTS)
    assert time.monotonic() - started > patience.idle
    assert engine.pid == pid
    assert caplog.records == []
    engine.close()


def test_a_model_takes_steps_while_it_reads_one_prompt(path: Path) -> None:
    """One call into llama.cpp may take an hour; the steps are taken inside it."""
    from localensemble.engines.llama_cpp.engine import LlamaCppEngine
    from localensemble.engines.steps import STEPS

    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=1))
    before = STEPS.count
    engine.score(PROMPTS[:1], ANSWERS[:1])
    assert STEPS.count - before > 10
    before = STEPS.count
    engine.describe()
    assert STEPS.count > before
    before = STEPS.count
    engine.count_tokens(["one", "two", "three"])
    assert STEPS.count >= before + 3
    engine.close()


LIES = {
    "no answer": "return Message({'kind': 'hello'})",
    "scores of others": "return was(method, value[:1], error, usage)",
    "too few numbers": (
        "import dataclasses; one = value[0]; return was(method, [dataclasses.replace(one, "
        "log_probabilities=one.log_probabilities[:1])] * len(value), error, usage)"
    ),
    "not numbers": (
        "import dataclasses; return was(method, [dataclasses.replace(one, "
        "off_codebook_mass=float('nan')) for one in value], error, usage)"
    ),
    "another value": "return was('count_tokens', (1, 2), error, usage)",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_something_else_than_an_answer_is_refused_and_its_sender_ended(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    _plant(tmp_path, monkeypatch, ANSWERING.format(instead=lie))
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1), patience=SHORT)
    with pytest.raises(EngineError, match="sent something other than an answer") as caught:
        engine.score(PROMPTS, ANSWERS)
    assert not isinstance(caught.value, EngineCrashedError)
    assert engine.pid is None
    engine.close()


RAW = """
from localensemble.engines.worker import message_stream
was = message_stream.packed
def packed(message):
    return {instead} if message.fields["kind"] == "answer" else was(message)
message_stream.packed = packed
"""
SENT = {
    # A pickle that would write a file, framed as pickles were.
    "pickle": (
        'b"\\\\0" * 7 + b"\\\\x30" + b"cbuiltins\\\\nopen\\\\n(S\'{trace}\'\\\\nS\'w\'\\\\ntR."'
    ),
    "noise": '__import__("os").urandom(4096)',
    "huge": 'b"LEM1" + b"\\\\x7f" * 16',
    "nested": 'b"LEM1" + (200_000).to_bytes(8, "big") + bytes(8) + b"[" * 200_000',
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_bytes_that_are_no_message_run_nothing_and_are_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    trace = tmp_path / "trace"
    instead = sent.replace("\\\\", "\\").replace("{trace}", str(trace))
    _plant(tmp_path, monkeypatch, RAW.format(instead=instead))
    with pytest.raises(EngineError, match="sent something other than an answer"):
        WorkerEngine(EngineSettings(model_path=path, threads=1), patience=SHORT)
    assert not trace.exists()


def test_a_flood_of_signs_of_life_takes_no_memory_here(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
from localensemble.engines.llama_cpp import engine
import threading
was_wait = threading.Event.wait
threading.Event.wait = lambda self, timeout=None: was_wait(self, 0 if timeout == 1.0 else timeout)
was = engine.LlamaCppEngine.count_tokens
def flood(self, texts):
    import time
    time.sleep(2)
    return was(self, texts)
engine.LlamaCppEngine.count_tokens = flood
"""
    _plant(tmp_path, monkeypatch, code)
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1), patience=SHORT)
    assert engine.count_tokens(["one two"])[0] > 0
    assert engine._child is not None
    assert engine._child._received.qsize() <= 64
    engine.close()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_process_that_crashes_with_texts_leaves_no_core_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.chdir(tmp_path)
    # The limit of a shell that allows core files.
    code = """
import resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
"""
    planted = tmp_path / "planted"
    planted.mkdir()
    _plant(planted, monkeypatch, code)
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1))
    engine.score([prompt("The patient denies chest pain")], [THEMES])
    assert engine.pid is not None
    os.kill(engine.pid, number)
    with pytest.raises(EngineCrashedError) as caught:
        engine.score(PROMPTS, ANSWERS)
    assert "chest pain" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["planted"]
    engine.close()


def test_closing_does_not_wait_for_a_process_that_the_worker_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])"
    )
    monkeypatch.setattr(child, "child_command", lambda *_: [sys.executable, "-c", left])
    monkeypatch.setattr(child, "_SECONDS_TO_END", 0.2)
    started = child.Child(())
    began = time.monotonic()
    started.end()
    assert time.monotonic() - began < 20
