"""Raters are shown texts without identifiers, and the study says so; people see them on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.api.ask import AskOptions, ask
from localensemble.api.before_a_run.pilot import PilotOptions, pilot
from localensemble.api.export_formats.export_study import export_study
from localensemble.api.label import LabeledStudy, LabelOptions, label
from localensemble.api.people.finalize import finalize
from localensemble.api.people.import_decisions import ImportDecisionsOptions, import_decisions
from localensemble.api.people.worksheet import write_worksheet
from localensemble.api.relevancy.score_topics import score_topics
from localensemble.api.replay.replay_study import ReplayOptions, replay_study
from localensemble.api.review_page.open_review import ReviewOptions, opened_review
from localensemble.api.withdrawal.withdraw_items import WithdrawOptions, withdraw
from localensemble.core.errors import InputError
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.study.study import Study
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels a study a dozen times

TEXTS = (
    "Mrs Zwicky was kind on 3/4/2020",
    "the food was cold",
    "case ST-1234: call 07700 900123",
    "nobody answered the bell",
)
SHOWN = (
    "[NAME] was kind on [DATE]",
    "the food was cold",
    # The program's own patterns take "case" with the number that follows it.
    "[OTHER CODE][STUDY NUMBER]: call [TELEPHONE NUMBER]",
    "nobody answered the bell",
)
DEIDENTIFY = "deidentify:\n  patterns:\n    - {name: study number, pattern: 'ST-\\d{4}'}\n"
SECRETS = ("Zwicky", "3/4/2020", "ST-1234", "900123")
EXAMPLES = CODEBOOK.replace(
    "  - name: urgent",
    "    examples:\n      - {text: Mrs Zwicky smiles, category: staff}\n  - name: urgent",
)


def deidentified(folder: Path, *, codebook: str = EXAMPLES, deidentify: str = DEIDENTIFY,
                 ensemble: str = SCRIPTED) -> StudyFiles:  # fmt: skip
    return study_files(folder, TEXTS, codebook=codebook + deidentify, ensemble=ensemble)


def labeled(files: StudyFiles) -> LabeledStudy:
    return label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = deidentified(tmp_path_factory.mktemp("study"))
    labeled(files)
    return files


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    seen: list[str] = []
    score = ScriptedEngine._score

    def listening(
        self: ScriptedEngine, prompt: Prompt, answers: tuple[str, ...]
    ) -> Scores | ScoreFailure:
        seen.extend(message.text for message in prompt.messages)
        return score(self, prompt, answers)

    monkeypatch.setattr(ScriptedEngine, "_score", listening)
    yield seen
    assert seen
    assert not [word for word in SECRETS for text in seen if word in text]


def test_no_prompt_of_a_run_has_an_identifier(tmp_path: Path, prompts: list[str]) -> None:
    labeled(deidentified(tmp_path))
    assert any("[NAME] was kind on [DATE]" in text for text in prompts)
    assert any("[NAME] smiles" in text for text in prompts)


def test_no_prompt_of_a_pilot_or_a_question_has_one(tmp_path: Path, prompts: list[str]) -> None:
    files = deidentified(tmp_path)
    pilot(files.items, codebook=files.codebook, options=PilotOptions(ensemble=files.ensemble))
    options = AskOptions(ensemble=files.ensemble)
    ask(TEXTS[0], codebook=files.codebook, options=options)
    item = replace(options, items=files.items, item_id="i-2")
    ask(codebook=files.codebook, options=item)
    assert any(SHOWN[2] in text for text in prompts)


def test_shots_are_shown_without_identifiers(tmp_path: Path, prompts: list[str]) -> None:
    (tmp_path / "gold.csv").write_text(
        "id,text,topic,urgent\ng-1,Dr Zwicky again,staff,yes\ng-2,ST-1234 soup,food,no\n"
        "g-3,the bus,other,no\n"
    )
    labeled(deidentified(tmp_path, ensemble=SCRIPTED + "prompt:\n  shots: {gold: gold.csv}\n"))
    assert any("[NAME] again" in text for text in prompts)


def test_the_labels_are_those_of_the_texts_as_shown(study: StudyFiles, tmp_path: Path) -> None:
    codebook = EXAMPLES.replace("Mrs Zwicky smiles", "'[NAME] smiles'")
    plain = study_files(tmp_path, SHOWN, codebook=codebook)
    labeled(plain)
    assert recorded(plain.study) == recorded(study.study)
    raw = study_files(tmp_path / "raw", TEXTS, codebook=EXAMPLES)
    labeled(raw)
    assert recorded(raw.study) != recorded(study.study)
    with Study.open(raw.study) as loaded:
        # A study without the key records what it always did.
        assert loaded.run.settings.deidentified is None
        for one in loaded.recorded.reader.raters():
            assert "deidentified" not in dict(one.rater.identity.settings)


def test_the_record_has_hashes_and_counts_and_nothing_that_was_found(study: StudyFiles) -> None:
    with Study.open(study.study) as loaded:
        found = loaded.run.settings.deidentified
        raters = [one.rater.identity for one in loaded.recorded.reader.raters()]
    assert found is not None
    assert (found.texts, found.changed, found.found) == (4, 2, 5)
    kinds = ("DATE", "NAME", "OTHER CODE", "STUDY NUMBER", "TELEPHONE NUMBER")
    assert found.counts == dict.fromkeys(kinds, 1)
    assert list(found.patterns) == ["study number"]
    assert {dict(one.settings)["deidentified"] for one in raters} == {found.sha256}
    ledger = (study.study / "study.sqlite").read_bytes()
    assert not [word for word in SECRETS if word.encode() in ledger]


def test_the_message_counts_kinds_and_says_that_identifiers_are_missed(tmp_path: Path) -> None:
    (message,) = (one for one in labeled(deidentified(tmp_path)).messages if "De-identified" in one)
    assert "2 texts of 4" in message
    assert "study number 1" in message
    assert "miss" in message


def test_labels_of_the_untouched_texts_are_not_used_again(tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    labeled(files)
    before = recorded(files.study)
    deidentified(tmp_path, codebook=CODEBOOK)
    (message,) = (one for one in messages_of(files) if "differently" in one)
    assert "2 are shown differently" in message
    apart = deidentified(tmp_path / "apart", codebook=CODEBOOK)
    labeled(apart)
    assert recorded(files.study) == recorded(apart.study) != before
    # And back again: the labels of the texts as they are, are still there.
    study_files(tmp_path, TEXTS)
    labeled(files)
    assert recorded(files.study) == before


def messages_of(files: StudyFiles) -> list[str]:
    messages: list[str] = []
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
        on_message=messages.append,
    )
    return messages


def test_the_tables_of_the_study_keep_the_texts_of_the_table(study: StudyFiles) -> None:
    assert [row["text"] for row in read_table(study.study / "labels.csv")] == [*TEXTS]


def test_a_replay_needs_the_codebook_and_finds_the_same(study: StudyFiles) -> None:
    with pytest.raises(InputError) as refused:
        replay_study(study.study, items=study.items)
    assert "--deidentify" in (refused.value.hint or "")
    options = ReplayOptions(deidentify=study.codebook, ensemble=study.ensemble)
    assert replay_study(study.study, items=study.items, options=options).verdict == "equal"


def test_a_replay_with_other_patterns_names_the_difference(
    study: StudyFiles, tmp_path: Path
) -> None:
    other = deidentified(tmp_path, deidentify="deidentify: {}\n")
    options = ReplayOptions(deidentify=other.codebook, ensemble=study.ensemble)
    found = replay_study(study.study, items=study.items, options=options)
    assert found.verdict == "different"
    assert any("deidentified" in reason for one in found.raters for reason in one.changes)


def test_items_are_withdrawn_by_the_table_that_was_labeled(tmp_path: Path) -> None:
    files = deidentified(tmp_path)
    labeled(files)
    before = [row for row in recorded(files.study) if row[1] != "i-0"]
    other = tmp_path / "other.csv"
    other.write_text(files.items.read_text().replace("cold", "hot"))
    with pytest.raises(InputError, match="not the table"):
        withdraw(files.study, options=WithdrawOptions(ids=("i-0",)), items=other)
    done = withdraw(files.study, options=WithdrawOptions(ids=("i-0",)), items=files.items)
    assert done.items_left == 3
    assert recorded(files.study) == before
    again = withdraw(files.study, options=WithdrawOptions(ids=("i-1",)), items=files.items)
    assert again.items_left == 2
    lines = files.items.read_text().splitlines()
    files.items.write_text("\n".join([lines[0], *lines[3:]]) + "\n")
    labeled(files)
    assert recorded(files.study) == [row for row in before if row[1] != "i-1"]


def test_people_see_the_texts_as_they_are_unless_asked_otherwise(
    study: StudyFiles, tmp_path: Path
) -> None:
    for name, by, said in (
        ("plain.csv", None, "identifiers that raters did not see"),
        ("shown.csv", study.codebook, "Identifiers in the texts were replaced"),
    ):
        written = export_study(
            study.study, format="csv", output=tmp_path / name, items=study.items,
            include_text=True, deidentify=by,
        )  # fmt: skip
        assert said in written.messages[0]
    without = export_study(study.study, format="csv", output=tmp_path / "no-texts.csv")
    assert without.messages == ()
    assert "Zwicky" in (tmp_path / "plain.csv").read_text()
    shown = (tmp_path / "shown.csv").read_text()
    assert SHOWN[0] in shown
    assert not [word for word in SECRETS if word in shown]


def test_a_finished_table_can_be_without_identifiers_in_every_column(tmp_path: Path) -> None:
    files = deidentified(tmp_path)
    files.items.write_text(files.items.read_text().replace("ward 0", "Dr Zwicky"))
    labeled(files)
    output = tmp_path / "final.csv"
    finalize(
        files.study, items=files.items, output=output, allow_open=True, deidentify=files.codebook
    )
    rows = read_table(output)
    assert [row["text"] for row in rows] == [*SHOWN]
    assert [row["ward"] for row in rows] == ["[NAME]", "ward 1", "ward 2", "[NAME]"]
    assert [row["id"] for row in rows] == ["i-0", "i-1", "i-2", "i-3"]


@pytest.mark.parametrize("ending", ["csv", "html"])
def test_a_worksheet_without_identifiers_comes_back(tmp_path: Path, ending: str) -> None:
    files = deidentified(
        tmp_path,
        ensemble=SCRIPTED + "escalation:\n  - {policy: random_audit, share: 1.0}\n",
    )
    labeled(files)
    sheet = tmp_path / f"sheet.{ending}"
    write_worksheet(files.study, items=files.items, output=sheet, deidentify=files.codebook)
    assert not [word for word in SECRETS if word.encode() in sheet.read_bytes()]
    if ending != "csv":
        return
    rows = read_table(sheet)
    decided = tmp_path / "decided.csv"
    decided.write_text(
        "id,text,decision_topic,note\n"
        + "".join(f'{row["id"]},"{row["text"]}",staff,Mrs Zwicky again\n' for row in rows)
    )
    options = ImportDecisionsOptions(reviewer="AB", deidentify=files.codebook)
    done = import_decisions(files.study, decided, items=files.items, options=options)
    assert done.recorded == len(rows)
    folder = tmp_path / "out"
    folder.mkdir()
    files_of = export_study(
        files.study, format="agreement", output=folder / "raters.csv", items=files.items,
        include_text=True, deidentify=files.codebook,
    ).files  # fmt: skip
    written = "".join(path.read_text() for path in files_of)
    assert "[NAME] again" in written
    assert not [word for word in SECRETS if word in written]


def test_the_review_page_can_show_texts_without_identifiers(study: StudyFiles) -> None:
    options = ReviewOptions(reviewer="AB", deidentify=study.codebook)
    with opened_review(study.study, items=study.items, options=options) as session:
        assert [session.texts.item(place).text for place in range(4)] == [*SHOWN]


def test_a_codebook_without_the_key_de_identifies_nothing(
    study: StudyFiles, tmp_path: Path
) -> None:
    plain = study_files(tmp_path, TEXTS)
    with pytest.raises(InputError, match="deidentify"):
        finalize(study.study, items=study.items, output=tmp_path / "final.csv",
                 allow_open=True, deidentify=plain.codebook)  # fmt: skip


def test_passages_are_not_asked_for_in_texts_that_raters_did_not_see(study: StudyFiles) -> None:
    with pytest.raises(InputError, match="de-identified"):
        score_topics(study.study, items=study.items)


def test_a_hostile_pattern_stops_the_run_before_a_model_loads(tmp_path: Path) -> None:
    files = deidentified(
        tmp_path, deidentify="deidentify:\n  patterns:\n    - {name: slow, pattern: '(\\w+)+!'}\n"
    )
    files.items.write_text(files.items.read_text() + f"i-9,{'a' * 60},w\n")
    with pytest.raises(InputError) as refused:
        labeled(files)
    assert "slow" in refused.value.message
    assert "row 5" in refused.value.message
    assert not files.study.exists()
