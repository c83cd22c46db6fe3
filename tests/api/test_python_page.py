"""docs/python.md and the examples of the docstrings run, and print what they say they print."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import localensemble

pytestmark = pytest.mark.slow  # labels, as the page does

_BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
_EXAMPLE = re.compile(r"^\s*>>> (.*)$", re.MULTILINE)


def printed_by(code: str, names: dict[str, Any]) -> str:
    """Run code and return what it prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "docs/python.md", "exec"), names)
    return output.getvalue()


def test_the_page_and_the_docstrings_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(repository / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    page = (repository / "docs" / "python.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    blocks = list(_BLOCK.finditer(page))
    assert len(blocks) >= 15
    for block in blocks:
        output = printed_by(block[1], names)
        assert output == (block[2] or ""), block[1]
    # The page's study is decided anew by some of them; the certificate goes with its rules.
    names["study"] = names["study"].with_rules(drop_certificates=True).decide()
    names["codebook"] = "examples/patient_feedback.yaml"
    examples = [
        line
        for name in localensemble.__all__
        for line in _EXAMPLE.findall(getattr(localensemble, name).__doc__ or "")
    ]
    assert len(examples) >= 8
    for line in examples:
        printed_by(line, names)
