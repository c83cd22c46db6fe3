from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.core.errors import (
    EngineCrashedError,
    EngineError,
    EngineUnavailableError,
    ModelFileError,
)
from localensemble.core.resources import models_dir
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import child
from localensemble.engines.worker.requests import Request
from localensemble.engines.worker.suspected_build import embedded_model_loads
from localensemble.engines.worker.worker_engines import WorkerEngine
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf
from tests.engines.prompts import THEMES, prompt

pytestmark = pytest.mark.slow  # starts processes, and kills some

PROMPTS = [prompt(f"The staff were kind {number}.") for number in range(10)]
ANSWERS = [THEMES] * len(PROMPTS)

# More than one batch of a tiny model.
MANY = [prompt(f"The staff were kind {number}. " + "Care. " * 60) for number in range(200)]
MANY_ANSWERS = [THEMES] * len(MANY)

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def engine(path: Path) -> Iterator[WorkerEngine]:
    engine = WorkerEngine(EngineSettings(model_path=path, threads=1))
    yield engine
    engine.close()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _wait_until_gone(pid: int) -> None:
    for _ in range(200):
        if not _is_running(pid):
            return
        time.sleep(0.05)
    raise AssertionError("the child is still running")


def test_a_worker_gives_the_same_digits_as_the_engine_in_this_process(
    engine: WorkerEngine, path: Path
) -> None:
    here = LlamaCppEngine(EngineSettings(model_path=path, threads=1))
    assert engine.score(PROMPTS, ANSWERS) == here.score(PROMPTS, ANSWERS)
    assert engine.describe() == here.describe()
    assert engine.count_tokens(["The staff"]) == here.count_tokens(["The staff"])
    here.close()


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_after_a_crash_the_next_call_starts_another_child(
    engine: WorkerEngine, number: signal.Signals
) -> None:
    expected = engine.score(PROMPTS, ANSWERS)
    before = engine.usage()
    first = engine.pid
    assert first is not None
    os.kill(first, number)
    with pytest.raises(
        EngineCrashedError, match=rf"died during a call \(-{int(number)}\)"
    ) as caught:
        engine.score(PROMPTS, ANSWERS)
    assert caught.value.retryable
    assert engine.score(PROMPTS, ANSWERS) == expected
    assert engine.pid != first
    assert engine.usage().prompt_tokens == 2 * before.prompt_tokens


def test_results_are_reported_while_the_child_works_with_the_digits_of_the_whole_call(
    engine: WorkerEngine,
) -> None:
    expected = engine.score(MANY, MANY_ANSWERS)
    before = engine.usage().evaluated_tokens
    work: list[int] = []
    found: dict[int, Scores | ScoreFailure] = {}

    def keep(results: Mapping[int, Scores | ScoreFailure]) -> None:
        found.update(results)
        work.append(engine.usage().evaluated_tokens - before)

    engine.score_wanted(MANY, MANY_ANSWERS, range(len(MANY)), on_scored=keep)
    assert tuple(found[index] for index in range(len(MANY))) == expected
    assert len(work) > 1
    assert 0 < work[0] < work[-1]


@posix
def test_what_a_child_reported_before_it_was_killed_is_kept_and_the_rest_is_unchanged(
    engine: WorkerEngine,
) -> None:
    expected = engine.score(MANY, MANY_ANSWERS)
    found: dict[int, Scores | ScoreFailure] = {}

    def kill(results: Mapping[int, Scores | ScoreFailure]) -> None:
        found.update(results)
        if engine.pid is not None:
            os.kill(engine.pid, signal.SIGSTOP)
            os.kill(engine.pid, signal.SIGKILL)

    with pytest.raises(EngineCrashedError):
        engine.score_wanted(MANY, MANY_ANSWERS, range(len(MANY)), on_scored=kill)
    kept = dict(found)
    assert 0 < len(kept) < len(MANY)
    before = engine.usage().evaluated_tokens
    rest = set(range(len(MANY))) - kept.keys()
    engine.score_wanted(MANY, MANY_ANSWERS, rest, on_scored=found.update)
    assert tuple(found[index] for index in range(len(MANY))) == expected
    assert engine.usage().evaluated_tokens - before < before


def test_a_call_that_a_report_ends_does_not_answer_the_next_one(engine: WorkerEngine) -> None:
    expected = engine.score(PROMPTS, ANSWERS)

    def stop(results: Mapping[int, Scores | ScoreFailure]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.score_wanted(MANY, MANY_ANSWERS, range(len(MANY)), on_scored=stop)
    assert engine.score(PROMPTS, ANSWERS) == expected


def _score_for_ever(engine: WorkerEngine) -> None:
    while True:
        engine.score(PROMPTS, ANSWERS)


@posix
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.1, 0.2])
def test_a_child_killed_at_any_moment_loses_the_call_and_nothing_else(
    engine: WorkerEngine, delay: float
) -> None:
    expected = engine.score(PROMPTS, ANSWERS)
    pid = engine.pid
    assert pid is not None
    killer = threading.Timer(delay, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(EngineCrashedError):
        _score_for_ever(engine)
    killer.join()
    assert engine.score(PROMPTS, ANSWERS) == expected


def test_an_error_in_the_child_is_the_same_error_here(tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<html>")
    with pytest.raises(ModelFileError, match='does not begin with "GGUF"') as caught:
        WorkerEngine(EngineSettings(model_path=page))
    assert caught.value.hint.startswith("Give the path")


def test_a_fault_of_the_program_is_named_by_its_place_and_quotes_nothing(
    engine: WorkerEngine,
) -> None:
    with pytest.raises(EngineError, match=r"failed: \w+Error at [\w.]+:\d+\.") as caught:
        engine._call(Request("embed", texts=("secret",)))
    assert "secret" not in str(caught.value)
    assert isinstance(engine.score(PROMPTS[:1], ANSWERS[:1])[0], Scores)


@pytest.fixture
def reading_dies(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes every child die that reads a file for which a condition holds."""
    hook = path.parent / "sitecustomize.py"

    def dies(condition: str) -> None:
        hook.write_text(
            "import localensemble.engines.llama_cpp.model_file as m, os\n"
            "check = m.check_model_file\n"
            f"m.check_model_file = lambda path: os.abort() if {condition} else check(path)\n"
        )

    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    embedded_model_loads.cache_clear()
    yield dies
    embedded_model_loads.cache_clear()
    hook.unlink()


@posix
def test_a_file_whose_reading_kills_the_child_is_a_model_file_error(
    path: Path, reading_dies: Callable[[str], None]
) -> None:
    reading_dies(f"path.name == {path.name!r}")
    with pytest.raises(ModelFileError, match=r"the process reading it died \(-6, SIGABRT\)"):
        WorkerEngine(EngineSettings(model_path=path))


@posix
def test_a_child_that_an_embedded_model_kills_too_shows_that_the_build_is_at_fault(
    path: Path, reading_dies: Callable[[str], None]
) -> None:
    if not any(models_dir().glob("*.gguf")):
        pytest.skip("this checkout has no embedded models")
    reading_dies("True")
    with pytest.raises(EngineUnavailableError, match="embedded model") as caught:
        WorkerEngine(EngineSettings(model_path=path))
    assert "the file is not the cause" in caught.value.message
    assert "Build it here" in caught.value.hint


@posix
def test_ctrl_c_is_left_to_the_parent(engine: WorkerEngine) -> None:
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert isinstance(engine.score(PROMPTS[:1], ANSWERS[:1])[0], Scores)
    assert engine.pid == pid


@posix
def test_a_call_interrupted_here_does_not_answer_the_next_one(
    engine: WorkerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = engine.score(PROMPTS[:2], ANSWERS[:2])
    pid = engine.pid
    assert pid is not None

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(child.Child, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.score(PROMPTS, ANSWERS)
    _wait_until_gone(pid)
    assert engine.score(PROMPTS[:2], ANSWERS[:2]) == expected


@posix
def test_the_child_ends_when_its_parent_is_killed(path: Path, repository: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from localensemble.engines.settings import EngineSettings\n"
        "from localensemble.engines.worker.worker_engines import WorkerEngine\n"
        "engine = WorkerEngine(EngineSettings(model_path=Path(sys.argv[1]), threads=1))\n"
        "sys.stdout.write(f'{engine.pid}\\n')\n"
        "sys.stdout.flush()\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=repository
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait_until_gone(child)


def test_a_closed_engine_ends_its_child_and_refuses_calls(path: Path) -> None:
    engine = WorkerEngine(EngineSettings(model_path=path))
    pid = engine.pid
    assert pid is not None
    engine.close()
    engine.close()
    assert engine.pid is None
    _wait_until_gone(pid)
    with pytest.raises(EngineError, match="its engine is closed"):
        engine.score(PROMPTS, ANSWERS)


def test_an_engine_nobody_closed_ends_its_child_when_it_is_collected(path: Path) -> None:
    engine = WorkerEngine(EngineSettings(model_path=path))
    pid = engine.pid
    assert pid is not None
    del engine
    _wait_until_gone(pid)


@posix
def test_a_model_file_that_changed_between_two_children_is_refused(tmp_path: Path) -> None:
    """Another file would be another rater under the same name."""
    path = write_tiny_gguf(tmp_path / "tiny.gguf")
    engine = WorkerEngine(EngineSettings(model_path=path))
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashedError):
        engine.score(PROMPTS, ANSWERS)
    write_tiny_gguf(path, seed=1, architecture="qwen2")
    with pytest.raises(ModelFileError, match="its file has changed"):
        engine.score(PROMPTS, ANSWERS)
    engine.close()


@posix
def test_of_what_the_child_writes_to_standard_error_only_known_lines_are_kept() -> None:
    keep = [
        "GGML_ASSERT(is_full) failed",
        "/build/ggml.c:12: GGML_ASSERT(x) failed",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "Fatal Python error: Segmentation fault",
    ]
    drop = ["The patient denies chest pain", "KeyError: 'The patient'", "text: GGML_ASSERT"]
    assert [bool(child.SAFE_LINE.search(line)) for line in keep] == [True] * len(keep)
    assert [bool(child.SAFE_LINE.search(line)) for line in drop] == [False] * len(drop)
