"""No call that only POSIX systems have, outside of the places that ask which system this is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # parses the whole program

# Not for users: run by maintainers on Linux.
MAINTAINERS_SCRIPTS = frozenset(
    {"check_ollama.py", "check_spreadsheet.py", "compare_results.py", "known_models.py"}
)

POSIX_MODULES = frozenset(
    {"crypt", "curses", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource"}
    | {"spwd", "syslog", "termios", "tty"}
)
# Module -> a pattern for the names in it that Windows lacks.
POSIX_NAMES = {
    "os": re.compile(
        r"fork(pty)?|(get|set)(e|re|res|pg)?(u|g)?id|getpgrp|setsid|getsid|getgroups|setgroups"
        r"|initgroups|killpg|kill|mkfifo|mknod|l?chown|fch(own|mod|dir)|lchmod|chroot|chflags"
        r"|statvfs|fstatvfs|sysconf|confstr|uname|getloadavg|sched_\w+|wait\w*|W[A-Z]+|posix_\w+"
        r"|unshare|setns|pipe2|nice|[gs]etpriority|register_at_fork|ctermid|ttyname|openpty|sync"
        r"|fdatasync|get_blocking|set_blocking|lockf|memfd_create|pidfd_open|sendfile|preadv?"
        r"|pwritev?|readv|writev|exec\w+|getxattr|setxattr|listxattr"
        r"|O_(NOFOLLOW|NONBLOCK|DIRECTORY|CLOEXEC|SYNC|DSYNC|NOCTTY|PATH|TMPFILE|NOATIME|ASYNC)"
    ),
    "signal": re.compile(
        r"SIG(KILL|HUP|QUIT|USR[12]|ALRM|CHLD|PIPE|STOP|CONT|TSTP|TT(IN|OU)|XCPU|XFSZ|BUS|TRAP|SYS"
        r"|WINCH|IO|URG|VTALRM|PROF)|alarm|pause|[gs]etitimer|sig(wait|pending|timedwait|waitinfo)"
        r"|pthread_\w+|siginterrupt"
    ),
    "socket": re.compile(r"AF_(UNIX|NETLINK|PACKET|VSOCK|ALG)|SO_REUSEPORT|NETLINK_\w+|socketpair"),
    "errno": re.compile(r"EOTHER"),
    "time": re.compile(r"tzset|clock_(get|set)\w+|CLOCK_\w+|pthread_\w+"),
}
# Keywords of a process that Windows refuses; `start_new_session` does nothing there.
POSIX_KEYWORDS = frozenset({"preexec_fn", "pass_fds", "user", "group", "extra_groups", "umask"})
POSIX_METHODS = frozenset({"owner", "lchmod", "is_mount"})
POSIX_PATH = re.compile(r"/(proc|dev|sys|etc|tmp|usr|bin|var|run|opt)(/|$)")
_ASKS_FOR_THE_SYSTEM = re.compile(
    r"\bsys\.platform\b|\bos\.name\b|\bhasattr\(|\bplatform\.system\b"
)

# Module, or module and function -> why what stands there harms no other system.
GUARDED_ELSEWHERE = {
    "localensemble/bundle/content.py:_built_on": "a missing file is an empty list",
    "localensemble/engines/hardware.py": "a missing file is a fact of the machine",
    "localensemble/engines/llama_cpp/template_process.py": "read on Linux alone",
    "localensemble/engines/machine.py": "a missing file is no limit",
    "localensemble/engines/ollama/store.py": "a folder that need not exist",
    "localensemble/engines/process_memory.py": "a missing file is an unknown size",
    "localensemble/privacy/isolation.py": "refused at its door on every system but Linux",
    "localensemble/study/folder_files/shared_folder.py": "a missing file is a disk of its own",
}


class _PosixOnly(ast.NodeVisitor):
    """Collect what needs POSIX and stands in no branch that asks for the system."""

    def __init__(self, place: str) -> None:
        self.found: list[str] = []
        self._place = place
        self._within: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within.append(node.name)
        self._visit_block(node.body)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._within.pop()

    def visit_Module(self, node: ast.Module) -> None:
        self._visit_block(node.body)

    def visit_If(self, node: ast.If) -> None:
        # Which branch is for which system, mypy knows: `scripts/check` runs it for Windows too.
        if not _asks(node.test):
            self.visit(node.test)
            self._visit_block(node.body)
            self._visit_block(node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        if not _asks(node.test):
            self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        for block in (node.body, node.orelse, node.finalbody):
            self._visit_block(block)
        for handler in node.handlers:
            self._visit_block(handler.body)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item)
        self._visit_block(node.body)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        # `hasattr(os, "geteuid") and ...`, which asks first.
        for value in node.values:
            if _asks(value):
                return
            self.visit(value)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._module(node, node.module or "")
        for alias in node.names:
            self._name(node, node.module or "", alias.name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name):
            self._name(node, node.value.id, node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called in POSIX_METHODS and not node.args:
            self._note(node, f".{called}()")
        if called in {"Popen", "run", "check_call", "check_output"}:
            for keyword in node.keywords:
                if keyword.arg in POSIX_KEYWORDS:
                    self._note(node, f"{keyword.arg}=")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and POSIX_PATH.match(node.value):
            self._note(node, f'"{node.value}"')

    def _visit_block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            # A docstring names what it likes.
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            self.visit(statement)
            # What follows `if sys.platform == "win32": return` runs elsewhere only.
            if (
                isinstance(statement, ast.If)
                and _asks(statement.test)
                and isinstance(statement.body[-1], ast.Return | ast.Raise | ast.Continue)
            ):
                return

    def _module(self, node: ast.stmt, name: str) -> None:
        if name.partition(".")[0] in POSIX_MODULES:
            self._note(node, name)

    def _name(self, node: ast.AST, module: str, name: str) -> None:
        if module in POSIX_NAMES and POSIX_NAMES[module].fullmatch(name):
            self._note(node, f"{module}.{name}")

    def _note(self, node: ast.stmt | ast.expr | ast.AST, what: str) -> None:
        place = f"{self._place}:{self._within[0]}" if self._within else self._place
        line = getattr(node, "lineno", 0)
        self.found.append(f"{place}, line {line}: {what}")


def _asks(test: ast.expr) -> bool:
    return _ASKS_FOR_THE_SYSTEM.search(ast.unparse(test)) is not None


def _posix_only(place: str, source: str) -> list[str]:
    finder = _PosixOnly(place)
    finder.visit(ast.parse(source))
    return finder.found


def _is_excused(entry: str) -> bool:
    place = entry.partition(",")[0]
    return place in GUARDED_ELSEWHERE or place.partition(":")[0] in GUARDED_ELSEWHERE


@pytest.fixture(scope="module")
def sources(repository: Path) -> dict[str, str]:
    """Every module that a user's command can run, with its text."""
    paths = [*(repository / "localensemble").rglob("*.py")]
    paths += [
        path
        for path in (repository / "scripts").glob("*.py")
        if path.name not in MAINTAINERS_SCRIPTS
    ]
    return {
        path.relative_to(repository).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(paths)
    }


def _all_found(sources: dict[str, str]) -> list[str]:
    return [entry for place, text in sources.items() for entry in _posix_only(place, text)]


def test_calls_that_only_posix_has_stand_where_the_system_is_asked_for(
    sources: dict[str, str],
) -> None:
    assert [entry for entry in _all_found(sources) if not _is_excused(entry)] == []


def test_every_excuse_is_still_needed(sources: dict[str, str]) -> None:
    places = {entry.partition(",")[0] for entry in _all_found(sources)}
    needed = places | {place.partition(":")[0] for place in places}
    assert sorted(GUARDED_ELSEWHERE.keys() - needed) == []


@pytest.mark.parametrize(
    "source",
    [
        "import resource",
        "def f():\n    from pwd import getpwuid",
        "import os\nos.fork()",
        "from os import geteuid",
        "import signal\nsignal.SIGKILL",
        "import os\nos.mkfifo('x')",
        "import os\nos.open('x', os.O_NOFOLLOW)",
        "import subprocess\nsubprocess.Popen(['x'], preexec_fn=print)",
        "from pathlib import Path\nPath('/proc/meminfo').read_text()",
        "from pathlib import Path\nopen('/dev/null')",
        "import socket\nsocket.socket(socket.AF_UNIX)",
        "def f(path):\n    return path.owner()",
        # Asked for too late, or for something else.
        "import os, sys\nos.fork()\nif sys.platform == 'win32':\n    raise SystemExit",
        "import os, sys\nif sys.argv:\n    os.killpg(1, 9)",
    ],
)
def test_a_call_that_only_posix_has_is_found(source: str) -> None:
    assert _posix_only("localensemble/core/items.py", source)


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nif sys.platform != 'win32':\n    import resource",
        "import os, sys\ndef f():\n    if sys.platform == 'win32':\n        return 0\n"
        "    return os.sysconf('SC_PAGE_SIZE')",
        "import os\nhasattr(os, 'geteuid') and os.geteuid()",
        "import os\nn = os.uname() if os.name == 'posix' else None",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
        'def f():\n    """Read /proc/meminfo."""\n    "/proc is not there."',
    ],
)
def test_a_call_that_is_guarded_is_left_alone(source: str) -> None:
    assert _posix_only("localensemble/core/items.py", source) == []


def _trees(sources: dict[str, str]) -> Iterator[tuple[str, ast.AST]]:
    for place, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            yield place, node


def _locale_text(place: str, node: ast.AST) -> str:
    """Name a call that reads or writes text in whatever encoding the system prefers."""
    if not isinstance(node, ast.Call):
        return ""
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    entry = f"{place}, line {node.lineno}: {called}"
    if called in {"read_text", "write_text"}:
        positional = len(node.args) > (1 if called == "write_text" else 0)
        # Metadata of a package has no encoding to choose.
        of_package = "distribution(" in ast.unparse(node.func)
        return "" if positional or "encoding" in keywords or of_package else entry
    if called in {"open", "fdopen", "NamedTemporaryFile"}:
        modes = [keywords.get("mode"), *node.args]
        binary = any(
            isinstance(mode, ast.Constant) and re.fullmatch(r"[rwax+]*b[rwax+]*", str(mode.value))
            for mode in modes
            if mode is not None
        )
        text = isinstance(node.func, ast.Name) or any(
            isinstance(mode, ast.Constant) and re.fullmatch(r"[rwax+]+t?", str(mode.value))
            for mode in modes
            if mode is not None
        )
        return entry if text and not binary and "encoding" not in keywords else ""
    if called in {"Popen", "run", "check_output"} and ("text" in keywords):
        return "" if {"encoding", "errors"} & keywords.keys() else entry
    return ""


def test_text_is_read_and_written_in_an_encoding_that_is_named(sources: dict[str, str]) -> None:
    found = [entry for place, node in _trees(sources) if (entry := _locale_text(place, node))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "path.read_text()",
        "path.write_text('x')",
        "open('x')",
        "path.open('w')",
        "subprocess.run(['x'], capture_output=True, text=True)",
    ],
)
def test_text_without_an_encoding_is_found(source: str) -> None:
    assert any(_locale_text("x.py", node) for node in ast.walk(ast.parse(source)))


def _renames(place: str, node: ast.AST) -> str:
    """Name a call that fails on Windows if the new name exists."""
    renames = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"rename", "renames"}
        and node.args
    )
    return f"{place}: {ast.unparse(node)}" if renames else ""


# On Windows, `rename` refuses a name that exists; `replace` does the same on every system.
RENAMED_TO_A_NEW_NAME = {
    "localensemble/core/leftovers.py: path.rename(path.with_suffix(f'.{os.getpid()}.list'))",
    "localensemble/study/folder_files/kept_tables.py: path.rename(kept)",
}


def test_a_file_is_renamed_only_to_a_name_that_is_free(sources: dict[str, str]) -> None:
    found = {entry for place, node in _trees(sources) if (entry := _renames(place, node))}
    assert found == RENAMED_TO_A_NEW_NAME


def test_a_file_is_replaced_at_one_place_which_waits_for_scanners(sources: dict[str, str]) -> None:
    # `str.replace` takes two arguments, `datetime.replace` only named ones.
    replacing = {
        place
        for place, node in _trees(sources)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "replace"
        and (len(node.args), len(node.keywords)) == (1, 0)
        and place.startswith("localensemble/")
    }
    assert replacing == {"localensemble/core/files.py"}


def test_commands_to_type_are_quoted_at_one_place_which_knows_both_shells(
    sources: dict[str, str],
) -> None:
    quoting = {
        place
        for place, node in _trees(sources)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "shlex" in ast.unparse(node)
        and place.startswith("localensemble/")
    }
    assert quoting == {"localensemble/core/command_lines.py"}


# Nothing is read or written through what these open, or Python adds the flag itself.
OPENED_WITHOUT_CONTENT = {
    "localensemble/core/files.py: os.open(folder, os.O_RDONLY)",
    "localensemble/core/input_files.py: os.open(name, flags | _NO_WAITING)",
    "localensemble/core/leftovers.py: os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)",
    "localensemble/ledger/connection.py: os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 384)",
    "localensemble/privacy/attempts.py: os.open(file, _APPENDING)",
    "localensemble/privacy/attempts.py: os.open(launchers, _APPENDING)",
}


def test_what_is_opened_by_its_number_has_no_line_ends_translated(sources: dict[str, str]) -> None:
    opened = {
        f"{place}: {ast.unparse(node)}"
        for place, node in _trees(sources)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.open"
    }
    assert opened == OPENED_WITHOUT_CONTENT
    assert "O_BINARY" in sources["localensemble/privacy/attempts.py"]
