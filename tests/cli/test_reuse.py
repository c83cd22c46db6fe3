"""Labeling into a folder again goes on with its study, or is refused; nothing leaves unsaid."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.ledger.ledger import Ledger
from tests.cli.conftest import Ended, Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels every study several times, in processes of their own

TEXTS = tuple(f"comment {n}" for n in range(40))


def label(run: Run, files: StudyFiles, study: Path, *more: object) -> Ended:
    return run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", study, *more)


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    """Give a labeled study of forty items."""
    files = study_files(tmp_path / "first", TEXTS)
    assert label(run, files, files.study).code == 0
    return files


def contents(study: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in study.iterdir()
        if path.suffix in {".csv", ".json", ".html"}
    }


def assert_refused(ended: Ended, study: Path, before: dict[str, bytes], *said: str) -> None:
    assert ended.code == 2
    for words in (*said, "or label into another folder (--output)"):
        assert words in ended.err
    assert contents(study) == before


def test_another_table_is_refused(run: Run, labeled: StudyFiles, tmp_path: Path) -> None:
    before = contents(labeled.study)
    other = study_files(tmp_path / "other", [f"another {n}" for n in range(60)])
    assert_refused(
        label(run, other, labeled.study),
        labeled.study,
        before,
        "items.csv does not belong to the study",
        "of its 40 labeled items, 40 (i-0, i-1, i-2, ...) have a different text",
    )


def test_a_table_that_lacks_labeled_items_is_refused(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    fewer = study_files(tmp_path / "fewer", TEXTS[:38])
    assert_refused(
        label(run, fewer, labeled.study),
        labeled.study,
        before,
        "of its 40 labeled items, 2 (i-38, i-39) are missing",
        "consent is withdrawn",
    )


def test_a_limit_below_what_is_labeled_is_refused(run: Run, labeled: StudyFiles) -> None:
    before = contents(labeled.study)
    assert_refused(
        label(run, labeled, labeled.study, "--limit", 30),
        labeled.study,
        before,
        "holds labels of 40 items; --limit 30 would remove 10",
    )
    assert label(run, labeled, labeled.study, "--limit", 40).code == 0


def test_another_codebook_is_refused_with_what_differs(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    changed = CODEBOOK.replace("Meals and drinks.", "Meals.").replace("urgent", "soon")
    other = study_files(tmp_path / "other", TEXTS, codebook=changed)
    assert_refused(
        label(run, other, labeled.study),
        labeled.study,
        before,
        "different codebook: small version 1",
        "removed variables: urgent; new variables: soon; changed variables: topic",
    )


def test_a_codebook_that_shows_raters_the_same_goes_on(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    renumbered = CODEBOOK.replace('version: "1"', 'version: "2"')
    other = study_files(tmp_path / "other", TEXTS, codebook=renumbered)
    assert label(run, other, labeled.study).code == 0
    assert not list(labeled.study.glob("*.before-*"))


def test_an_ensemble_with_none_of_the_raters_is_refused(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    ensemble = "raters:\n  - {model: fourth, engine: scripted}\n"
    other = study_files(tmp_path / "other", TEXTS, ensemble=ensemble)
    assert_refused(
        label(run, other, labeled.study),
        labeled.study,
        before,
        "was labeled by first, second, third; none of them is in this ensemble",
    )


def test_more_items_and_more_raters_go_on(run: Run, labeled: StudyFiles, tmp_path: Path) -> None:
    before = read_table(labeled.study / "labels.csv")
    more = study_files(
        tmp_path / "more",
        [*TEXTS, "one more", "and one more"],
        ensemble=SCRIPTED + "  - {model: fourth, engine: scripted}\n",
    )
    assert label(run, more, labeled.study).code == 0
    after = read_table(labeled.study / "labels.csv")
    assert len(after) == 42
    for old, new in zip(before, after, strict=False):
        for rater in ("first", "second", "third"):
            assert new[f"topic.rater.{rater}"] == old[f"topic.rater.{rater}"]
        assert new["topic.rater.fourth"]
    assert not list(labeled.study.glob("*.before-*"))


def test_a_corrected_text_is_labeled_again_and_the_tables_before_are_kept(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    corrected = study_files(tmp_path / "corrected", ["comment zero", *TEXTS[1:]])
    ended = label(run, corrected, labeled.study)
    assert ended.code == 0
    assert "Of 40 labeled items, 1 (i-0) have a changed text" in ended.err
    assert "The previous labels.csv is kept as labels.before-1.csv" in ended.err
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]
    assert read_table(labeled.study / "labels.csv")[0]["text"] == "comment zero"


def test_decisions_of_people_that_no_longer_count_are_counted(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    decided = tmp_path / "decisions.csv"
    rows = [f"i-{n},topic,staff\ni-{n},urgent,no\n" for n in range(3)]
    decided.write_text(f"id,variable,decision\n{''.join(rows)}", encoding="utf-8")
    done = run(
        *("review", "import", labeled.study, decided, "--items", labeled.items, "--reviewer", "AB")
    )
    assert done.code == 0, done.err
    control = tmp_path / "control.csv"
    control.write_text(
        "id,variable,decision,role\ni-5,topic,staff,control\n", encoding="utf-8"
    )  # decides nothing
    done = run(
        *("review", "import", labeled.study, control, "--items", labeled.items, "--reviewer", "AB")
    )
    assert done.code == 0, done.err
    changed = [*TEXTS]
    changed[0], changed[5] = "comment zero", "comment five"
    corrected = study_files(tmp_path / "corrected", changed)
    assert "People had decided 2 of these labels" in label(run, corrected, labeled.study).err
    words = CODEBOOK.replace("Meals and drinks.", "Meals, snacks and drinks.")
    corrected.codebook.write_text(words, encoding="utf-8")
    assert "People had decided 2 of these labels" in label(run, corrected, labeled.study).err


def test_a_rater_that_leaves_is_said_and_the_tables_before_are_kept(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    fewer = study_files(
        tmp_path / "fewer", TEXTS, ensemble="\n".join(SCRIPTED.splitlines()[:-1]) + "\n"
    )
    ended = label(run, fewer, labeled.study)
    assert ended.code == 0
    assert "third labeled in this study but is not in this ensemble" in ended.err
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]
    assert (labeled.study / "escalations.before-1.csv").read_bytes() == before["escalations.csv"]


def test_a_rater_of_the_same_name_that_is_another_is_said(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    before = contents(labeled.study)
    other = study_files(
        tmp_path / "other",
        TEXTS,
        ensemble=SCRIPTED.replace("{model: third,", "{name: third, model: fourth,"),
    )
    ended = label(run, other, labeled.study)
    assert ended.code == 0
    assert "third is not the rater that used this name before" in ended.err
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]


def test_what_an_unfinished_first_run_began_does_not_bind(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    files.study.mkdir()
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        ledger.start_run({"codebook": "another"})
    assert label(run, files, files.study).code == 0


@pytest.mark.parametrize("content", [b"", None], ids=["no bytes", "no tables"])
def test_a_ledger_whose_making_was_cut_off_is_begun_anew(
    run: Run, tmp_path: Path, content: bytes | None
) -> None:
    files = study_files(tmp_path, TEXTS)
    files.study.mkdir()
    ledger = files.study / "study.sqlite"
    if content is None:
        with closing(sqlite3.connect(ledger)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    else:
        ledger.write_bytes(content)
    assert label(run, files, files.study).code == 0
    assert label(run, files, files.study).code == 0


def test_a_folder_in_the_place_of_the_ledger_is_named(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    (files.study / "study.sqlite").mkdir(parents=True)
    ended = label(run, files, files.study)
    assert (ended.code, 'study.sqlite": it is not a file' in ended.err) == (1, True)


@pytest.mark.parametrize("command", ["label", "consensus"])
def test_a_column_that_leaves_the_table_is_said_and_the_tables_before_are_kept(
    run: Run, labeled: StudyFiles, command: str
) -> None:
    before = contents(labeled.study)
    rows = "".join(f"i-{n},{text}\n" for n, text in enumerate(TEXTS))
    labeled.items.write_text(f"id,text\n{rows}", encoding="utf-8")
    if command == "label":
        ended = label(run, labeled, labeled.study)
    else:
        ended = run("consensus", labeled.study, "--items", labeled.items)
    assert ended.code == 0
    shown = ended.out + ended.err
    assert 'The table no longer has "ward".' in shown
    assert "The previous labels.csv is kept as labels.before-1.csv" in shown
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]


def test_half_a_table_that_a_killed_process_left_is_removed(run: Run, labeled: StudyFiles) -> None:
    half = labeled.study / ".labels.csv.x1y2z3_4.part"
    half.write_text("id,text\ni-0,secr", encoding="utf-8")
    report = labeled.study / ".report.html.x1y2z3_4.part"
    report.write_text("<html>", encoding="utf-8")
    of_another = labeled.study / ".notes.part"
    of_another.write_text("mine", encoding="utf-8")
    assert label(run, labeled, labeled.study).code == 0
    assert (half.exists(), report.exists(), of_another.exists()) == (False, False, True)


def test_a_name_that_is_too_long_for_the_disk_is_no_fault(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    ended = label(run, files, tmp_path / ("x" * 300))
    assert "too long" in ended.err
    assert "fault" not in ended.err


def test_a_codebook_that_asks_for_other_reviews_says_so_and_keeps_the_tables(
    run: Run, labeled: StudyFiles
) -> None:
    before = contents(labeled.study)
    definition = "definition: Meals and drinks."
    labeled.codebook.write_text(
        CODEBOOK.replace(definition, f"{definition}\n        always_review: true")
    )
    ended = label(run, labeled, labeled.study)
    assert "topic: the codebook asks for different reviews" in ended.err
    assert "(always reviewed now: food)" in ended.err
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]
    labeled.codebook.write_text(CODEBOOK)
    ended = label(run, labeled, labeled.study)
    assert "(no longer always reviewed: food). Final labels may change." in ended.err
    assert (labeled.study / "labels.before-2.csv").exists()
    assert "Final labels may change." not in label(run, labeled, labeled.study).err


def test_tables_are_kept_where_the_last_run_died_before_it_wrote_its_own(
    run: Run, labeled: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(labeled.study)
    with labeled.items.open("a", encoding="utf-8", newline="") as stream:
        stream.write("i-40,one more,ward 1\r\n")

    def die(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("localensemble.api.label.write_decided", die)
        assert label(run, labeled, labeled.study).code == 1
    ended = label(run, labeled, labeled.study)
    assert "The tables are from an earlier run" in ended.err
    assert (labeled.study / "labels.before-1.csv").read_bytes() == before["labels.csv"]
    assert len(read_table(labeled.study / "labels.csv")) == 41
    assert "earlier run" not in label(run, labeled, labeled.study).err


def answers(study: Path) -> dict[str, int]:
    """Count the labels for which a model was asked, by variable."""
    with closing(sqlite3.connect(study / "study.sqlite")) as connection:
        rows = connection.execute(
            "SELECT name, sum(label_count) FROM block_variable JOIN block USING (block_key)"
            " JOIN variable USING (variable_key) WHERE seconds IS NOT NULL GROUP BY 1"
        )
        return dict(rows.fetchall())


def test_one_changed_word_asks_again_for_that_variable_only(run: Run, labeled: StudyFiles) -> None:
    all_asked = 3 * len(TEXTS)
    assert answers(labeled.study) == {"topic": all_asked, "urgent": all_asked}
    before = recorded(labeled.study)
    words = CODEBOOK.replace("Meals and drinks.", "Meals, snacks and drinks.")
    labeled.codebook.write_text(words, encoding="utf-8")
    ended = label(run, labeled, labeled.study)
    assert ended.code == 0, ended.err
    assert "words topic differently: it is asked again" in ended.err
    assert "labels of urgent are kept" in ended.err
    assert "is not the rater that used this name before" not in ended.err + ended.out
    assert answers(labeled.study) == {"topic": 2 * all_asked, "urgent": all_asked}
    after = recorded(labeled.study)
    assert [row for row in after if row[0] == "urgent"] == [
        row for row in before if row[0] == "urgent"
    ]
    assert len(after) == len(before)
    assert (labeled.study / "labels.before-1.csv").exists()
    assert run("ledger", "verify", labeled.study).code == 0
    label(run, labeled, labeled.study)
    assert answers(labeled.study) == {"topic": 2 * all_asked, "urgent": all_asked}
    # The first wording again: every label is known.
    labeled.codebook.write_text(CODEBOOK, encoding="utf-8")
    label(run, labeled, labeled.study)
    assert answers(labeled.study) == {"topic": 2 * all_asked, "urgent": all_asked}
    assert recorded(labeled.study) == before


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("Does somebody have to act today?", "Must somebody act today?", ["urgent"]),
        (
            "  - name: urgent\n",
            "    rules: [Complaints about food are food.]\n  - name: urgent\n",
            ["topic"],
        ),
        ("level: nominal", "level: ordinal", ["topic"]),
        ("today", "now", ["urgent"]),
        ("?", " now?", ["topic", "urgent"]),
    ],
)
def test_whatever_is_worded_anew_is_asked_again_and_nothing_else(
    run: Run, tmp_path: Path, old: str, new: str, again: list[str]
) -> None:
    # Texts that no model is asked about have labels without probabilities.
    files = study_files(tmp_path, [*TEXTS[:10], "", "n/a"])
    assert label(run, files, files.study).code in (0, 3)
    asked, before = answers(files.study), recorded(files.study)
    assert old in CODEBOOK
    files.codebook.write_text(CODEBOOK.replace(old, new), encoding="utf-8")
    assert label(run, files, files.study).code in (0, 3)
    for name, count in answers(files.study).items():
        assert count == asked[name] * (2 if name in again else 1), name
    kept = [row for row in before if row[0] not in again]
    assert [row for row in recorded(files.study) if row[0] not in again] == kept


def test_other_shots_ask_again_about_everything(run: Run, tmp_path: Path) -> None:
    gold = tmp_path / "shots.csv"
    gold.write_text("id,text,gold_topic\ng-1,nice nurse,staff\ng-2,cold soup,food\n")
    shots = f"prompt: {{shots: {{gold: {gold}, per_category: 1}}}}\n"
    files = study_files(tmp_path, TEXTS[:10])
    assert label(run, files, files.study).code == 0
    asked = answers(files.study)
    files.ensemble.write_text(SCRIPTED + shots, encoding="utf-8")
    files.codebook.write_text(CODEBOOK.replace("today", "now"), encoding="utf-8")
    assert label(run, files, files.study).code == 0
    assert answers(files.study) == {name: 2 * count for name, count in asked.items()}


def test_a_correction_after_more_items_keeps_what_was_labeled(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    more = study_files(
        tmp_path / "more",
        [*TEXTS, *(f"more {n}" for n in range(30))],
        codebook=CODEBOOK.replace("Meals and drinks.", "Meals."),
    )
    assert label(run, more, labeled.study).code == 0
    # Forty known items and thirty new ones, asked by three raters.
    assert answers(labeled.study) == {"topic": 3 * (40 + 70), "urgent": 3 * 70}
    assert run("ledger", "verify", labeled.study).code == 0
