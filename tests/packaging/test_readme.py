"""What the README tells people to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from localensemble.cli.main import cli
from localensemble.exports.columns import ID_COLUMN, LABEL_PARTS, QUEUE_COLUMNS
from localensemble.exports.multi_labels import LIST_PART


def _commands(repository: Path) -> list[str]:
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:bash|powershell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in re.split(r"[\n;]", block) if line.strip()]


def test_every_command_line_of_the_readme_is_understood(repository: Path) -> None:
    lines = [line for line in _commands(repository) if line.startswith("localensemble ")]
    assert len(lines) >= 4
    for line in lines:
        name, *arguments = shlex.split(line, comments=True)
        group: click.Command = cli
        context = click.Context(cli, info_name=name, **cli.context_settings)
        while isinstance(group, click.Group):
            found = group.get_command(context, arguments.pop(0))
            assert found is not None, line
            group = found
        # The files that the examples name are the reader's: looked for only when it runs.
        # With the settings of the program: a command keeps the help option it first made.
        group.make_context(name, arguments, parent=context)


def test_every_file_of_the_readme_exists(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", text)
    named += re.findall(r"(?:\./)?scripts[/\\\\][\w.-]+", "\n".join(_commands(repository)))
    assert len(named) >= 6
    for name in named:
        assert (repository / name.replace("\\", "/")).exists(), name


def test_every_column_that_is_written_is_explained(repository: Path) -> None:
    text = (repository / "docs" / "results.md").read_text(encoding="utf-8")
    table = text[text.index("| `id` |") :].split("\n\n")[0]
    explained = re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)
    written = {ID_COLUMN, LIST_PART, *LABEL_PARTS, *QUEUE_COLUMNS, "rater.NAME"}
    assert len(explained) == len(set(explained))
    assert set(explained) == written


@pytest.mark.parametrize("line", ["localensemble no-such-command", "localensemble label --x"])
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    _, *arguments = shlex.split(line)
    with pytest.raises(click.UsageError):
        cli.main(arguments, standalone_mode=False)
