"""Public names, options and modules use the words of docs/glossary.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest


def _refused(repository: Path) -> dict[str, str]:
    """Map every refused word, as an identifier, to the term to write instead."""
    lines = (repository / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    refused: dict[str, str] = {}
    for term, _, instead in rows:
        for word in re.findall(r"`([a-z_]+)`", instead):
            refused.setdefault(word, term.strip())
    return refused


def _words(name: str) -> str:
    """Write an identifier as lower-case words joined and enclosed by underscores."""
    parts = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return "_" + "_".join(part.lower() for part in parts) + "_"


def _public_names(tree: ast.Module) -> Iterator[str]:
    """Walk what a caller can see: not the inside of functions, nothing with an underscore."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_") and node.name != "__init__":
                continue
            yield node.name
            if isinstance(node, ast.ClassDef):
                pending += node.body
            else:
                given = node.args
                for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs):
                    yield argument.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _options(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"(?<![\w-])--([a-z][a-z-]+)", node.value)


def _offences(tree: ast.Module, module: str, refused: dict[str, str]) -> list[str]:
    names = [part for part in module.split(".") if not part.startswith("_")]
    names += [name for name in _public_names(tree) if not name.startswith("_")]
    names += list(_options(tree))
    return [
        f'{module}: "{name}" says "{word}"; write "{term}"'
        for name in names
        for word, term in refused.items()
        if re.search(rf"_{word}s?_", _words(name))
    ]


def test_public_names_and_options_use_the_glossary(repository: Path) -> None:
    refused = _refused(repository)
    offences = []
    for path in sorted((repository / "localensemble").rglob("*.py")):
        module = ".".join(path.relative_to(repository).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        offences += _offences(tree, module, refused)
    assert offences == []


@pytest.mark.parametrize(
    "source",
    [
        "def count_votes(labels): ...",
        "def count(labels, *, annotators): ...",
        "class GroundTruth: ...",
        "class Study:\n    dataset: str",
        "DEFAULT_BACKEND = 1",
        "option('-x', '--data-points')",
        "class LLMRater:\n    def __init__(self, ensemble): ...",
    ],
)
def test_a_word_of_another_dialect_is_found(source: str, repository: Path) -> None:
    assert len(_offences(ast.parse(source), "localensemble.core", _refused(repository))) >= 1


@pytest.mark.parametrize(
    "source",
    [
        "def devote(labels): ...",
        "def _count_votes(labels): ...",
        "def count(labels):\n    votes = 1",
        "class Study:\n    items: str",
    ],
)
def test_private_names_and_other_words_are_left_alone(source: str, repository: Path) -> None:
    assert _offences(ast.parse(source), "localensemble.core", _refused(repository)) == []
