"""What `import localensemble` offers: every name is listed, there when asked for, and light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import localensemble


def test_exported_members() -> None:
    assert localensemble.__all__ == sorted(localensemble.__all__)
    assert dir(localensemble) == localensemble.__all__
    for name in localensemble.__all__:
        assert getattr(localensemble, name) is not None


@pytest.mark.parametrize("name", [one for one in localensemble.__all__ if one != "__version__"])
def test_every_exported_name_has_a_docstring(name: str) -> None:
    assert getattr(localensemble, name).__doc__


@pytest.mark.parametrize("name", [one for one in localensemble.__all__ if one.islower()])
def test_every_verb_says_what_it_takes_returns_and_raises(name: str) -> None:
    if name == "__version__":
        return
    sections = ("Args:", "Raises:") if name == "embed" else ("Args:", "Returns:", "Example:")
    text = getattr(localensemble, name).__doc__ or ""
    assert [section for section in sections if section not in text] == []


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lable'"):
        localensemble.lable  # noqa: B018


@pytest.mark.slow  # starts a process
def test_pandas_waits_until_a_frame_is_asked_for() -> None:
    code = (
        "import sys, localensemble as le\n"
        "found = le.agree('ratings.csv', level='nominal', bootstrap=0)\n"
        "print('pandas' in sys.modules)\n"
        "found.table()\n"
        "print('pandas' in sys.modules)\n"
    )
    run = (
        "import os, tempfile\n"
        "os.chdir(tempfile.mkdtemp())\n"
        "open('ratings.csv', 'w').write('id,a,b\\n1,x,x\\n2,y,x\\n')\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", run + code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == ["False", "True"]
