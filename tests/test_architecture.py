"""The walls of the house: who imports whom, and how long things may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from localensemble.engines.registry import engine_names

PACKAGE = "localensemble"
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 80
MAX_FOLDER_LINES = 4000

# File name that stands in several folders -> why one name is right there. Any other name says by
# itself which file is meant.
REPEATED_NAMES: dict[str, str] = {
    "__init__.py": "makes a folder a package",
    "engine.py": "the engine of each room in `engines`",
    "frames.py": "DataFrames, read in `tables` and made in `exports`",
    "kind.py": "the entry of each room in `engines`, and the protocol that all of them follow",
    "ledger.py": "the ledger, and the verbs of the command `ledger` in `api`",
    "model.py": "a loaded model in each room of `engines`, and what a codebook says",
    "protocol.py": "what implementations offer, one for each package that has several",
    "registry.py": "which implementations there are, one for each package that has several",
}

# Package -> the packages of ours that it may import. Everyone may import itself.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "tables": frozenset({"core"}),
    "codebook": frozenset({"core", "tables"}),
    # Classifiers that gold labels trained: what they know, their file, and their training.
    "probes": frozenset({"core"}),
    "engines": frozenset({"core", "probes"}),
    "ledger": frozenset({"core"}),
    "agreement": frozenset({"core"}),
    "consensus": frozenset({"core"}),
    "catalog": frozenset({"core"}),
    "bundle": frozenset({"core", "catalog"}),
    "privacy": frozenset({"core"}),
    # The embedding model: how its weights come here, and the vectors that it gives.
    "embeddings": frozenset({"core", "catalog", "engines", "privacy"}),
    "prompting": frozenset({"core", "codebook"}),
    # Signs that a text was written to change its own label.
    "injection": frozenset({"core", "codebook"}),
    "study": frozenset({"core", "tables", "codebook", "ledger", "agreement", "consensus"}),
    # Which rater is asked about which item, and what is made of it.
    "strategies": frozenset({"core", "codebook", "agreement", "consensus", "probes"}),
    "findings": frozenset(
        {"core", "tables", "codebook", "ledger", "agreement", "consensus", "study", "strategies"}
    ),
    "labeling": frozenset(
        {"core", "tables", "codebook", "prompting", "engines", "ledger", "consensus", "study"}
        | {"injection", "strategies"}
    ),
    # A few items, asked about in several ways: what this shows about raters.
    "piloting": frozenset(
        {"core", "tables", "codebook", "prompting", "engines", "agreement", "consensus", "study"}
        | {"findings", "injection", "labeling"}
    ),
    # Passages of texts: found, verified against a vocabulary, settled.
    "extraction": frozenset(
        {"core", "tables", "codebook", "prompting", "engines", "ledger", "study", "labeling"}
    ),
    "exports": frozenset({"core", "tables", "codebook", "study", "findings"}),
    "report": frozenset({"core", "tables", "codebook", "study", "findings", "exports"}),
    "review": frozenset({"core", "tables", "codebook", "ledger", "agreement", "findings", "study"}),
    "cli": frozenset({"core", "tables", "api"}),
    # What authors of engines run; nothing of ours imports it.
    "testing": frozenset({"core", "tables", "codebook", "prompting", "engines", "labeling"}),
}
MAY_IMPORT["api"] = frozenset(MAY_IMPORT) - {"cli", "testing"}
MAY_IMPORT["__main__"] = frozenset({"cli"})

# Modules of others -> the only packages that may import them: one door for each.
DOORS: dict[str, frozenset[str]] = {
    "click": frozenset({"cli"}),
    "rich": frozenset({"cli"}),
    "sqlite3": frozenset({"ledger"}),
    "llama_cpp": frozenset({"engines"}),
    "matplotlib": frozenset({"report"}),
    "pandas": frozenset({"tables", "exports", "api"}),
    "presidio_analyzer": frozenset({"privacy"}),
    "pytest": frozenset({"testing"}),
    "sklearn": frozenset({"findings"}),
    "starlette": frozenset({"review"}),
    "uvicorn": frozenset({"review"}),
    "httpx": frozenset({"catalog", "engines"}),
    "ollama": frozenset({"engines"}),
    "tldextract": frozenset({"privacy"}),
    "truststore": frozenset({"catalog"}),
    "http": frozenset({"review", "engines"}),
    "socket": frozenset({"review", "engines", "privacy"}),
    "socketserver": frozenset({"review"}),
    "urllib": frozenset({"engines", "review"}),
}

# What tells one engine from another; outside of `engines` only the registry is asked.
ENGINE_ROOMS = ("embedding", "llama_cpp", "probe", "ollama", "scripted")
# The lock file and the extra of llama-cpp-python, which a bundle carries, have the same name; a
# catalog calls a model that makes vectors, and a command trains a probe, by the same word.
OTHER_MEANINGS = frozenset(
    {
        ("localensemble.bundle.wheels", "llama-cpp"),
        ("localensemble.cli.models_command", "embedding"),
        ("localensemble.catalog.first_ensemble", "embedding"),
        ("localensemble.cli.main", "probe"),
        ("localensemble.cli.probe_command", "probe"),
    }
)

# What runs code that whoever wrote the data chose.
RUNS_DATA = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"})

# Pure packages: no files, no clock, no state that other code shares.
PURE = frozenset({"agreement", "consensus", "strategies"})
IMPURE_MODULES = frozenset(
    {"datetime", "io", "multiprocessing", "os", "pathlib", "random", "subprocess", "tempfile"}
    | {"threading", "time"}
)

# What `import localensemble` may not bring along.
HEAVY = (
    *("click", "httpx", "jinja2", "llama_cpp", "matplotlib", "numpy", "ollama", "openpyxl"),
    *("pandas", "pyarrow", "pydantic", "pytest", "rich", "ruamel", "scipy", "sklearn", "sqlite3"),
    *("presidio_analyzer", "spacy", "starlette", "tldextract", "truststore", "uvicorn"),
)


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the package, parsed."""

    name: str
    tree: ast.Module
    line_count: int

    @property
    def package(self) -> str:
        """The part of the house it belongs to; empty for the package itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    def imports(self) -> Iterator[str]:
        """Every module it names in an import, wherever the import stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def relative_imports(self) -> bool:
        """Say whether an import is relative, which the other checks would not see."""
        return any(
            isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(self.tree)
        )


def _module(name: str, source: str) -> Module:
    return Module(name, ast.parse(source), len(source.splitlines()))


@pytest.fixture(scope="module")
def modules(repository: Path) -> tuple[Module, ...]:
    """Every module of the package."""
    found = []
    for path in sorted((repository / PACKAGE).rglob("*.py")):
        parts = path.relative_to(repository).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(_module(name, path.read_text(encoding="utf-8")))
    assert len(found) > 20
    return tuple(found)


def _forbidden_imports(module: Module) -> list[str]:
    # What the package itself gives are verbs, imported when they are asked for.
    others = (
        MAY_IMPORT.get(module.package, frozenset()) if module.package else {"api", "embeddings"}
    )
    allowed = others | {module.package}
    forbidden = []
    for name in module.imports():
        root, _, rest = name.partition(".")
        if root == PACKAGE:
            target = rest.split(".")[0]
            if target in MAY_IMPORT and target not in allowed:
                forbidden.append(f"{module.name} imports {name}")
        elif module.package not in DOORS.get(root, {module.package}) or (
            module.package in PURE and root in IMPURE_MODULES
        ):
            forbidden.append(f"{module.name} imports {name}")
    return forbidden


def _import_graph(modules: tuple[Module, ...]) -> dict[str, set[str]]:
    # The package itself imports nothing; it gives names when they are asked for.
    inside = [module for module in modules if module.package]
    names = {module.name for module in inside}
    return {module.name: set(module.imports()) & names - {module.name} for module in inside}


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Find one import cycle; empty if there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph[name]):
            if found := visit(target, [*path, name]):
                return found
        done.add(name)
        return []

    for name in sorted(graph):
        if found := visit(name, []):
            return found
    return []


def test_every_package_has_its_place_in_the_house(modules: tuple[Module, ...]) -> None:
    assert {module.package for module in modules} - {""} <= set(MAY_IMPORT)


def test_the_page_of_the_architecture_describes_every_package(
    modules: tuple[Module, ...], repository: Path
) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    described = re.findall(r"^### `(\w+)`$", page, flags=re.MULTILINE)
    assert len(described) == len(set(described))
    assert set(described) == {module.package for module in modules} - {"", "__main__"}


def test_packages_import_only_what_they_may(modules: tuple[Module, ...]) -> None:
    assert [entry for module in modules for entry in _forbidden_imports(module)] == []
    assert [module.name for module in modules if module.relative_imports()] == []


def test_nothing_is_read_in_a_way_that_runs_code_from_it(modules: tuple[Module, ...]) -> None:
    running = [
        f"{module.name} imports {name}"
        for module in modules
        for name in module.imports()
        if name.partition(".")[0] in RUNS_DATA or name.startswith("multiprocessing")
    ]
    running += [
        f"{module.name}, line {node.value.lineno}, allows pickles"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]
    assert running == []


def test_no_modules_import_each_other_in_a_circle(modules: tuple[Module, ...]) -> None:
    assert _cycle(_import_graph(modules)) == []


def test_modules_and_functions_stay_short(modules: tuple[Module, ...]) -> None:
    long = [
        f"{module.name}: {module.line_count} lines"
        for module in modules
        if module.line_count > MAX_MODULE_LINES
    ]
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long.append(f"{module.name}.{node.name}: {lines} lines")
    assert long == []


def _long_folders(lines: Mapping[str, int]) -> list[str]:
    """List the folders whose own modules, without those of their rooms, are too long together."""
    folders: Counter[str] = Counter()
    for path, count in lines.items():
        folders[path.rpartition("/")[0]] += count
    return [
        f"{folder}: {count} lines" for folder, count in folders.items() if count > MAX_FOLDER_LINES
    ]


def _repeated_names(paths: Iterable[str]) -> dict[str, list[str]]:
    """Find the file names that stand in several folders, and in which."""
    places: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        places.setdefault(name, []).append(folder)
    return {name: folders for name, folders in places.items() if len(folders) > 1}


def test_a_folder_that_grows_gets_rooms(repository: Path) -> None:
    lines = {
        path.relative_to(repository).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in (repository / PACKAGE).rglob("*.py")
    }
    assert _long_folders(lines) == []


def test_a_file_name_says_which_file_is_meant(repository: Path) -> None:
    repeated = _repeated_names(
        path.relative_to(repository).as_posix()
        for path in (repository / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    unexplained = {
        name: folders for name, folders in repeated.items() if name not in REPEATED_NAMES
    }
    assert unexplained == {}
    assert sorted(REPEATED_NAMES.keys() - repeated) == [], "these are repeated no more"


def test_print_is_called_nowhere_but_in_the_command_line(modules: tuple[Module, ...]) -> None:
    printing = [
        f"{module.name}, line {node.lineno}"
        for module in modules
        if module.package != "cli"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printing == []


def test_importing_the_package_brings_no_heavy_library() -> None:
    code = f"import sys, {PACKAGE}; print([m for m in {HEAVY!r} if m in sys.modules])"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def _engines_asked_for(module: Module, names: frozenset[str]) -> list[str]:
    """List where a module knows one engine from another, which only `engines` may."""
    if module.package == "engines":
        return []
    rooms = tuple(f"{PACKAGE}.engines.{room}" for room in ENGINE_ROOMS)
    return [
        *(f"{module.name} imports {name}" for name in module.imports() if name.startswith(rooms)),
        *(
            f'{module.name}, line {node.lineno}, asks for "{node.value!s}"'
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant)
            and node.value in names
            and (module.name, node.value) not in OTHER_MEANINGS
        ),
    ]


def test_no_engine_is_asked_for_by_name_outside_of_the_engines(
    modules: tuple[Module, ...],
) -> None:
    names = frozenset(engine_names())
    assert [entry for module in modules for entry in _engines_asked_for(module, names)] == []


@pytest.mark.parametrize(
    "source",
    [
        'def f(rater):\n    return rater.engine == "ollama"',
        "from localensemble.engines.llama_cpp.build import llama_build",
    ],
)
def test_an_engine_that_is_asked_for_by_name_is_found(source: str) -> None:
    module = _module("localensemble.api.label", source)
    assert _engines_asked_for(module, frozenset({"ollama"}))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("localensemble.core.items", "from localensemble.ledger import records"),
        ("localensemble.core.items", "from localensemble import ledger"),
        ("localensemble.agreement.weights", "import localensemble.consensus.shares"),
        ("localensemble.report.page", "def f():\n    from localensemble.ledger import read"),
        ("localensemble.findings.study_findings", "import sqlite3"),
        ("localensemble.api.label", "from rich.console import Console"),
        ("localensemble.consensus.methods.majority", "from pathlib import Path"),
        ("localensemble.catalog.known", "from localensemble.embeddings import published_wheel"),
        ("localensemble", "from localensemble.engines import registry"),
    ],
)
def test_an_import_through_a_wall_is_found(name: str, source: str) -> None:
    assert len(_forbidden_imports(_module(name, source))) >= 1


def test_a_circle_is_found() -> None:
    circle = (
        _module("localensemble.core.a", "from localensemble.core import b"),
        _module("localensemble.core.b", "def f():\n    import localensemble.core.c"),
        _module("localensemble.core.c", "from localensemble.core.a import x"),
    )
    assert len(_cycle(_import_graph(circle))) == 4


def test_a_folder_that_is_too_long_is_found_and_its_rooms_count_apart() -> None:
    lines = {"a/one.py": 2500, "a/two.py": 1501, "b/one.py": 2500, "b/room/two.py": 1501}
    assert _long_folders(lines) == ["a: 4001 lines"]


def test_a_repeated_file_name_is_found() -> None:
    paths = ("a/model.py", "a/room/model.py", "a/other.py", "b/another.py")
    assert _repeated_names(paths) == {"model.py": ["a", "a/room"]}
