"""The example notebook is clean, and every cell of it runs in order.

Its cells run in this process, each by the rules of a notebook: the value of a last expression
is shown. A Jupyter kernel would bring some thirty packages for the same calls.
"""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import localensemble as le

pytestmark = pytest.mark.slow  # labels, as the notebook does


@pytest.fixture(scope="module")
def cells(repository: Path) -> list[dict[str, Any]]:
    notebook = json.loads((repository / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    found: list[dict[str, Any]] = notebook["cells"]
    return found


def run(source: str, names: dict[str, Any]) -> object:
    """Run a cell and return the value of its last expression, None where it has none."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    value: object = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
    return value


def test_the_notebook_is_kept_without_outputs_and_every_cell_has_its_id(
    cells: list[dict[str, Any]],
) -> None:
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids) > 10
    for cell in cells:
        assert cell["metadata"] == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_the_notebook_labels_agrees_decides_plots_and_exports(
    cells: list[dict[str, Any]],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(repository / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    names: dict[str, Any] = {}
    shown = {
        cell["id"]: run("".join(cell["source"]), names)
        for cell in cells
        if cell["cell_type"] == "code"
    }
    for name in ("texts", "agreement", "plot", "evaluation", "tables"):
        page = shown[name]._repr_html_()  # type: ignore[attr-defined]
        assert page.startswith("<")
    assert isinstance(names["study"], le.Study)
    assert isinstance(shown["labels"], pd.DataFrame)
    assert "<svg" in shown["plot"]._repr_html_()  # type: ignore[attr-defined]
    assert names["report"].html.is_file()
    written = pd.read_excel("decisions.xlsx", dtype={"item": str})
    assert len(written) == 600
    assert len(pd.read_csv("queue.csv")) == len(names["study"].queue())
    names["study"].close()
