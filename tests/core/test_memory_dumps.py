from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows writes no core files")

SECRET = "The patient denies chest pain"
ALLOWED = (
    "import resource\n"
    "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
    "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
)
CRASHES = {
    "a signal": f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})",
    "abort": "import os; os.abort()",
    "C code": "import ctypes; ctypes.string_at(0)",
}


def _files_left(folder: Path, code: str) -> list[str]:
    """Run code that crashes in a folder, where core files may be written; list what is left."""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", ALLOWED + code],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        check=False,
    )
    assert ended.returncode < 0
    assert b"chest pain" not in ended.stdout + ended.stderr
    assert b"Fatal Python error" in ended.stderr
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES)
def test_a_command_that_crashes_leaves_no_core_file_and_no_text(tmp_path: Path, crash: str) -> None:
    code = (
        "from localensemble.cli import main\n"
        f"text = {SECRET!r}\n"
        f"def crash():\n    {crash}\n"
        "main._run = crash\n"
        "main.main()\n"
    )
    assert _files_left(tmp_path, code) == []


def test_a_process_that_takes_no_care_leaves_its_texts_where_the_system_writes_them(
    tmp_path: Path,
) -> None:
    """Without this, the test above would pass on a system that writes no core files."""
    pattern = Path("/proc/sys/kernel/core_pattern")
    if not pattern.exists() or "/" in pattern.read_text() or pattern.read_text()[:1] == "|":
        pytest.skip("this system writes core files elsewhere or nowhere")
    left = _files_left(tmp_path, f"text = {SECRET!r}\n{CRASHES['abort']}")
    if not left:
        pytest.skip("this system writes no core files")
    assert SECRET.encode() in (tmp_path / left[0]).read_bytes()


def test_the_limit_holds_for_what_the_process_starts(tmp_path: Path) -> None:
    code = (
        "import os, resource, subprocess, sys\n"
        "from localensemble.core.memory_dumps import refuse_memory_dumps\n"
        "refuse_memory_dumps()\n"
        "asked = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'\n"
        "print(subprocess.run([sys.executable, '-c', asked], capture_output=True).stdout)\n"
        "import ctypes\n"
        "if sys.platform == 'linux': print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", ALLOWED + code], capture_output=True, text=True, check=True
    ).stdout
    assert "(0, 0)" in printed
    assert sys.platform != "linux" or printed.splitlines()[-1] == "0"


UNHANDLED = {
    "an object": (
        "class Text:\n"
        "    def __del__(self):\n"
        f"        raise ValueError({SECRET!r})\n"
        "def fail():\n    Text()\n"
    ),
    "a thread": (
        "import threading\n"
        f"def raises(): raise ValueError({SECRET!r})\n"
        "def fail():\n"
        "    thread = threading.Thread(target=raises); thread.start(); thread.join()\n"
    ),
    "a generator": (
        "def numbers():\n"
        "    try:\n        yield 1\n"
        f"    finally:\n        raise OSError({SECRET!r})\n"
        "def fail():\n    next(numbers())\n"
    ),
}


@pytest.mark.parametrize("code", UNHANDLED.values(), ids=UNHANDLED)
@pytest.mark.parametrize("shown", [False, True])
def test_an_error_that_nothing_can_catch_is_not_printed_unless_asked_for(
    code: str, shown: bool
) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-c"),
            f"{code}from localensemble.cli import main\nmain._run = fail\nmain.main()\n",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "LOCALENSEMBLE_TRACEBACK": "1" if shown else ""},
        check=True,
    )
    assert ("chest pain" in ended.stderr) == shown
