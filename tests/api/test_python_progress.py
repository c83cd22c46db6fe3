"""Progress appears in place in a notebook, elsewhere only when it is asked for."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from localensemble.api.notebook.rater_progress import NotebookDisplay, progress_display
from localensemble.core.labels import RaterName
from localensemble.labeling.tally import Progress


def progress(done: float, *, rater: str = "first", resumed: int = 0) -> Progress:
    return Progress(RaterName(rater), done, 20, resumed, 2.0)


class Shell:
    """What IPython gives for a shell; that of a notebook has a kernel."""


class Handle:
    def __init__(self) -> None:
        self.updates: list[str] = []

    def update(self, shown: Any) -> None:
        self.updates.append(shown._repr_html_())


def notebook(monkeypatch: pytest.MonkeyPatch, *, kernel: bool) -> Handle:
    """Pretend that IPython runs this, in a notebook or in a terminal."""
    shell, handle = Shell(), Handle()
    if kernel:
        shell.kernel = object()  # type: ignore[attr-defined]
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]

    def show(shown: Any, *, display_id: bool) -> Handle:
        assert display_id
        handle.updates.append(shown._repr_html_())
        return handle

    display.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return handle


def test_a_notebook_shows_every_rater_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = notebook(monkeypatch, kernel=True)
    display = progress_display(None)
    assert isinstance(display, NotebookDisplay)
    display.show(progress(4))
    display.show(progress(20))
    display.show(progress(10, rater="<b>second</b>", resumed=10))
    assert len(handle.updates) == 3
    assert 'value="20"' in handle.updates[2]
    assert "first: 20 of 20 items, 10 items/s" in handle.updates[2]
    assert "&lt;b&gt;second" in handle.updates[2]


def test_a_terminal_of_ipython_and_a_script_show_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress_display(None).show(progress(4))
    notebook(monkeypatch, kernel=False)
    progress_display(None).show(progress(4))
    assert capsys.readouterr() == ("", "")


def test_progress_true_writes_one_line_a_rater_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    display = progress_display(True)
    display.show(progress(4))
    display.show(progress(20))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("\rfirst: 4 of 20 items")


def test_progress_false_is_silent_in_a_notebook_too(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = notebook(monkeypatch, kernel=True)
    progress_display(False).show(progress(4))
    assert handle.updates == []


def test_a_part_of_a_block_moves_the_line_and_shows_the_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = progress_display(True)
    for done in (0, 0.5, 19.9, 20):
        display.show(progress(done))
    lines = capsys.readouterr().err.split("\r")[1:]
    assert lines[0] == "first: 0 of 20 items"
    assert lines[1] == "first: 0 of 20 items, 15.0 items/min, 1 min 18 s left"
    # Not 20 of 20 before the last item is done; nothing of a longer line is left to see.
    assert lines[2].rstrip() == "first: 19 of 20 items, 9.9 items/s, under 1 s left"
    assert lines[3].rstrip() == "first: 20 of 20 items, 10 items/s"
    assert len(lines[3]) == len(lines[2].rstrip()) + 1
