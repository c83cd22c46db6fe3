"""A sample is labeled again and compared with the record; nothing is written."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

import localensemble as le
from localensemble.api.label import LabelOptions
from localensemble.api.label import label as le_label
from localensemble.core.errors import InputError
from tests.cli.conftest import Ended, Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels a study

TEXTS = [f"comment {n}" for n in range(150)]
TEXTS[3] = " "


def label(run: Run, files: StudyFiles) -> Ended:
    return run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)


@pytest.fixture(scope="module")
def labeled_once(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    """A labeled study; tests work on copies of it."""
    files = study_files(tmp_path_factory.mktemp("replay"), TEXTS)
    options = LabelOptions(ensemble=files.ensemble)
    le_label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def labeled(labeled_once: StudyFiles, tmp_path: Path) -> StudyFiles:
    return StudyFiles(Path(shutil.copytree(labeled_once.folder, tmp_path / "first")))


def replay(run: Run, files: StudyFiles, *more: object) -> Ended:
    return run("replay", files.study, "--items", files.items, "-e", files.ensemble, *more)


def content(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_same_raters_give_every_label_again_and_nothing_is_written(
    run: Run, labeled: StudyFiles
) -> None:
    before = content(labeled.study)
    ended = replay(run, labeled, "--sample", 40)
    assert ended.code == 0, ended.err
    assert "Labeled 40 of 150 items again, with 3 raters: equal." in ended.out
    assert ended.out.count("equal; of 80 labels, 80 equal") == 3
    assert content(labeled.study) == before


def test_another_model_behind_a_name_is_found_and_named(run: Run, labeled: StudyFiles) -> None:
    changed = SCRIPTED.replace("model: second", "model: other, name: second")
    labeled.ensemble.write_text(changed, encoding="utf-8")
    ended = replay(run, labeled, "--sample", 200)
    assert ended.code == 1
    assert "150 of 150 items" in ended.out
    assert ended.out.count("different; of 300 labels") == 1
    assert "hash of the model was" in ended.out
    assert "more" in ended.out
    assert "Nothing that the study records has changed" not in ended.out


def test_a_changed_prompt_is_named(run: Run, labeled: StudyFiles) -> None:
    with labeled.ensemble.open("a", encoding="utf-8") as stream:
        stream.write("prompt: {layout: item_first, orders: 2}\n")
    ended = replay(run, labeled, "--sample", 5)
    assert ended.code == 1
    assert "The layout of the prompt was codebook_first, and is item_first." in ended.out
    assert "setting orders" in ended.out


def test_rows_added_later_are_packed_as_they_were(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path / "first", TEXTS[:70])
    label(run, files)
    study_files(tmp_path / "first", TEXTS)
    label(run, files)
    ended = replay(run, files, "--sample", 150)
    assert (ended.code, "computed together" in ended.out) == (0, False)


def test_where_items_were_withdrawn_the_packing_is_another(run: Run, labeled: StudyFiles) -> None:
    assert run("withdraw", labeled.study, "--id", "i-7", "--items", labeled.items).code == 0
    ended = replay(run, labeled, "--sample", 149)
    assert ended.code == 0, ended.err
    assert "126 labels were computed together with other items" in ended.out


def test_labels_that_were_imported_cannot_be_made_again(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path / "first", ["one", "two"])
    table = tmp_path / "ratings.csv"
    table.write_text("id,a,b\ni-0,x,y\ni-1,x,x\n", encoding="utf-8")
    made = run("import", table, "--level", "nominal", "--items", files.items, "-o", files.study)
    assert made.code in (0, 3), made.err
    ended = run("replay", files.study, "--items", files.items)
    assert (ended.code, "imported" in ended.err) == (2, True)


def test_a_rater_that_the_ensemble_file_lacks_is_named(run: Run, labeled: StudyFiles) -> None:
    labeled.ensemble.write_text("raters:\n  - {model: first, engine: scripted}\n", encoding="utf-8")
    ended = replay(run, labeled)
    assert (ended.code, 'no rater "second"' in ended.err) == (2, True)


def test_python_gives_the_same_and_refuses_another_table(labeled: StudyFiles) -> None:
    found = le.replay(labeled.study, items=labeled.items, sample=9, ensemble=labeled.ensemble)
    assert (found.items, found.item_count, found.verdict) == (9, 150, "equal")
    assert [rater.labels for rater in found.raters] == [18, 18, 18]
    other = study_files(labeled.folder.parent / "other", TEXTS[:9])
    with pytest.raises(InputError, match="not the table"):
        le.replay(labeled.study, items=other.items, ensemble=labeled.ensemble)
