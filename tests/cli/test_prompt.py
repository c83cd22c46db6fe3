"""Prompts of one's own: shown, checked, recorded, and part of what a rater is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels whole studies

OWN = """\
system: You sort comments.
codebook_first: |-
  Choose a category: {% for one in variable.categories %}{{ one.name }} {% endfor %}
  {{ item }}
item_first: |-
  {{ item }}
  Choose a category: {% for one in variable.categories %}{{ one.name }} {% endfor %}
"""


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    ensemble = f"{SCRIPTED}prompt: {{file: prompts/mine.yaml, layout: item_first}}\n"
    files = study_files(tmp_path, [f"comment {n}" for n in range(12)], ensemble=ensemble)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "mine.yaml").write_text(OWN, encoding="utf-8")
    return files


def label(run: Run, files: StudyFiles) -> str:
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 0, ended.err
    return ended.err + ended.out


def identities(files: StudyFiles) -> list[dict[str, str]]:
    manifest = json.loads((files.study / "manifest.json").read_text(encoding="utf-8"))
    return [rater["identity"] for rater in manifest["raters"]]


def test_a_changed_template_makes_other_raters_and_a_renamed_one_does_not(
    run: Run, files: StudyFiles
) -> None:
    label(run, files)
    first = identities(files)
    assert {rater["prompt_template"] for rater in first} == {"own"}
    own = files.folder / "prompts" / "mine.yaml"
    own.rename(files.folder / "other.yaml")
    files.ensemble.write_text(
        files.ensemble.read_text(encoding="utf-8").replace("prompts/mine", "other"),
        encoding="utf-8",
    )
    label(run, files)
    assert identities(files) == first
    (files.folder / "other.yaml").write_text(OWN.replace("sort", "read"), encoding="utf-8")
    assert "is not the rater that used this name before" in label(run, files)
    assert identities(files) != first


def test_a_study_shows_the_prompt_that_its_raters_were_given(run: Run, files: StudyFiles) -> None:
    label(run, files)
    (files.folder / "prompts" / "mine.yaml").unlink()
    ended = run("prompt", "show", files.study)
    assert ended.code == 0, ended.err
    assert "[system]\nYou sort comments." in ended.out
    assert "[user]\n[the text of the item]\nChoose a category: staff food other" in ended.out
    assert "'staff', 'food', 'other'" in ended.out
    assert "comment 1" not in ended.out


def test_files_show_the_prompt_that_a_run_would_use(run: Run, files: StudyFiles) -> None:
    before = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    label(run, files)
    assert before.out == run("prompt", "show", files.study).out


def test_the_prompt_that_ships_is_shown_without_an_ensemble_file(
    run: Run, files: StudyFiles
) -> None:
    ended = run("prompt", "show", "-c", files.codebook)
    assert "Question: What is the text about?" in ended.out
    assert ended.out.count("[the text of the item]") == 2


def test_a_study_without_a_record_of_its_prompt_says_so(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("id,ann,bo\n1,a,a\n2,b,a\n3,b,b\n", encoding="utf-8")
    run("import", table, "--level", "nominal", "-o", tmp_path / "study")
    ended = run("prompt", "show", tmp_path / "study")
    assert ended.code == 2
    assert "no record of its prompt" in ended.err


def test_show_needs_a_codebook_or_a_study(run: Run, files: StudyFiles) -> None:
    assert run("prompt", "show").code == 2
    assert run("prompt", "show", files.study, "-c", files.codebook).code == 2
    assert run("prompt", "show", files.study, "-e", files.ensemble).code == 2


def test_the_printed_template_is_one_to_start_from(run: Run, files: StudyFiles) -> None:
    printed = run("prompt", "template").out
    (files.folder / "prompts" / "mine.yaml").write_text(printed, encoding="utf-8")
    own = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{layout: item_first}}\n", encoding="utf-8")
    ships = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    assert own.out == ships.out != ""


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("{file: nowhere.yaml}", ("nowhere.yaml", "cannot be read", "ensemble file")),
        ("{file: prompts/mine.yaml, version: 1}", ("prompt", "`file`", "`version`")),
        ("{fil: prompts/mine.yaml}", ("prompt.fil", "`file`")),
        ("{file: ''}", ("prompt.file",)),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_before_anything_is_labeled(
    run: Run, files: StudyFiles, prompt: str, words: tuple[str, ...]
) -> None:
    files.ensemble.write_text(f"{SCRIPTED}prompt: {prompt}\n", encoding="utf-8")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert all(word in ended.err for word in words), ended.err
    assert not files.study.exists()


def test_a_template_that_cannot_show_the_codebook_is_refused_in_either_layout(
    run: Run, files: StudyFiles
) -> None:
    # The layout item_first is used; the mistake is in the other one.
    wrong = OWN.replace("Choose a category", "{{ variable.title }}", 1)
    (files.folder / "prompts" / "mine.yaml").write_text(wrong, encoding="utf-8")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert "codebook_first" in ended.err
    assert "title" in ended.err


def test_every_readout_has_its_prompt_and_its_answers(run: Run, files: StudyFiles) -> None:
    files.ensemble.write_text(
        "raters:\n  - {model: one, engine: llama-cpp, readout: option}\n"
        "  - {model: two, engine: llama-cpp}\n",
        encoding="utf-8",
    )
    ended = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 0, ended.err
    assert "== topic, codebook first\n" in ended.out
    assert "== topic, codebook first, readout option" in ended.out
    assert "'A', 'B', 'C'" in ended.out


def test_a_template_without_texts_for_a_readout_is_refused(run: Run, files: StudyFiles) -> None:
    files.ensemble.write_text(
        "raters: [{model: one, engine: llama-cpp, readout: option}]\n"
        "prompt: {file: prompts/mine.yaml}\n",
        encoding="utf-8",
    )
    ended = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 2
    assert "option" in ended.err
