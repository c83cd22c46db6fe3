"""A study in Python: frames with stable columns, rules tried before they are recorded."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import localensemble as le
from localensemble.api.notebook.given import table_given
from localensemble.ledger.ledger import Ledger
from tests.studies import CODEBOOK

pytestmark = pytest.mark.slow  # labels a study

RATERS = [{"model": name, "engine": "scripted"} for name in ("first", "second", "third")]
SECRET = "the ward cat is called Mrs Example"


@pytest.fixture(scope="module")
def codebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("codebook") / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return path


def items(count: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"i-{n}" for n in range(count)],
            "text": [f"{SECRET} {n}" for n in range(count)],
            "ward": pd.Categorical([f"ward {n % 3}" for n in range(count)]),
        }
    )


@pytest.fixture(scope="module")
def labeled(codebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labeled")
    return le.label(items(), codebook=codebook, raters=RATERS, output=folder).path


@pytest.fixture
def study(labeled: Path, tmp_path: Path) -> le.Study:
    """A copy of the study that ``label`` returned."""
    folder = shutil.copytree(labeled, tmp_path / "study")
    return le.Study(folder, items=table_given(items(), name="items"))


def test_a_frame_is_labeled_as_its_file_is(codebook: Path, tmp_path: Path) -> None:
    frame = items()
    before = frame.copy(deep=True)
    frame.to_csv(tmp_path / "items.csv", index=False)
    of_frame = le.label(frame, codebook=codebook, raters=RATERS, output=tmp_path / "frame")
    of_file = le.label(
        tmp_path / "items.csv", codebook=codebook, raters=RATERS, output=str(tmp_path / "file")
    )
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(of_frame.labels(), of_file.labels())
    pd.testing.assert_frame_equal(of_frame.decisions(), of_file.decisions())
    for name in ("labels.csv", "escalations.csv"):
        assert (of_frame.path / name).read_bytes() == (of_file.path / name).read_bytes()


def test_a_study_tells_what_it_is_made_of(study: le.Study) -> None:
    assert study.items == tuple(f"i-{n}" for n in range(30))
    assert study.raters == ("first", "second", "third")
    assert [variable.name for variable in study.codebook.variables] == ["topic", "urgent"]
    assert study.rules["consensus"]["method"] == "majority"
    assert len(study.labels()) == 30 * 3 * 2
    assert len(study.decisions()) == 30 * 2
    assert len(study.queue()) == (study.decisions()["status"] == "escalated").sum()
    assert len(study.labels("topic")) == 30 * 3


def test_a_variable_that_is_not_there_is_refused(study: le.Study) -> None:
    for ask in (study.labels, study.decisions, study.queue):
        with pytest.raises(le.LocalEnsembleError, match="topics"):
            ask("topics")


def test_other_rules_are_tried_without_a_trace(study: le.Study) -> None:
    before = study.decisions()
    all_escalated = study.with_rules(policies=[{"policy": "support_below", "limit": 1.0}])
    none_escalated = study.with_rules(policies=[])
    assert none_escalated.rules["escalation"] == []
    assert len(all_escalated.queue()) >= len(none_escalated.queue())
    pd.testing.assert_frame_equal(study.decisions(), before)
    with pytest.raises(le.LocalEnsembleError, match="not recorded"):
        none_escalated.report()


def test_settings_of_another_method_are_not_carried_over(study: le.Study) -> None:
    half = study.with_rules(settings={"minimum_share": 0.9})
    assert half.rules["consensus"] == {"method": "majority", "minimum_share": 0.9}
    assert half.with_rules(method="unanimous").rules["consensus"] == {"method": "unanimous"}


def test_rules_that_do_not_fit_are_refused_at_once(study: le.Study) -> None:
    with pytest.raises(le.LocalEnsembleError, match="majorty"):
        study.with_rules(method="majorty")
    with pytest.raises(le.LocalEnsembleError, match="limit"):
        study.with_rules(policies=[{"policy": "support_below", "limit": 7}])


def test_deciding_records_the_rules_and_writes_the_tables(study: le.Study) -> None:
    decided = study.with_rules(method="unanimous", policies=[]).decide()
    assert decided.rules["consensus"] == {"method": "unanimous"}
    assert le.open_study(study.path).rules == decided.rules
    tables = pd.read_csv(study.path / "labels.csv")
    assert list(tables["topic.status"]) == list(decided.decisions("topic")["status"])
    assert list(tables["ward"]) == list(items()["ward"])


def test_gold_labels_fit_a_pool_that_is_kept_until_a_method_is_chosen(
    codebook: Path, tmp_path: Path
) -> None:
    table = items(90)
    study = le.label(table, codebook=codebook, raters=RATERS, output=tmp_path / "study")
    given = study.labels("topic")
    said = given[given["rater"] == "second"]
    gold = pd.DataFrame({"id": said["item"], "gold_topic": said["category"].astype(str)})
    tried = study.with_rules(gold=gold)
    assert "pools" in tried.rules
    assert "pools" not in study.rules
    decided = le.decide(study, gold=gold)
    assert decided.rules == tried.rules
    assert any("urgent is still decided by majority" in one for one in decided.messages)
    other = decided.with_rules(policies=[])
    assert other.rules["pools"] == decided.rules["pools"]
    assert "pools" not in decided.with_rules(method="unanimous").rules
    with pytest.raises(le.LocalEnsembleError, match="method and by gold"):
        study.with_rules(method="majority", gold=gold)


def test_a_study_that_was_opened_needs_its_items_to_decide(study: le.Study) -> None:
    opened = le.open_study(study.path)
    with pytest.raises(le.LocalEnsembleError, match="texts"):
        opened.with_rules(policies=[]).decide()
    with pytest.raises(le.LocalEnsembleError, match="labeled"):
        opened.decide(items=items(29))
    assert le.decide(opened, policies=[], items=items()).rules["escalation"] == []


def test_a_study_that_is_held_does_not_block_labeling(study: le.Study, codebook: Path) -> None:
    held = le.open_study(study.path)
    assert len(held.items) == 30
    le.label(items(40), codebook=codebook, raters=RATERS, output=study.path)
    assert len(held.items) == 40
    with Ledger.open(study.path / "study.sqlite", create=False):
        assert len(held.decisions("topic")) == 40


def test_labeling_goes_on_where_it_stopped(
    codebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def labeled(limit: int | None) -> le.Study:
        return le.label(
            items(), codebook=codebook, raters=RATERS, output=tmp_path, limit=limit, progress=True
        )

    assert len(labeled(10).items) == 10
    assert len(labeled(None).items) == 30
    assert "third: 30 of 30 items" in capsys.readouterr().err


def test_without_a_folder_the_study_goes_with_its_object(codebook: Path) -> None:
    study = le.label(items(5), codebook=codebook, raters=RATERS)
    path = study.path
    assert (path.stat().st_mode & 0o077) == 0
    other = study.with_rules(policies=[])
    del study
    gc.collect()
    assert len(other.items) == 5
    del other
    gc.collect()
    assert not path.exists()


def test_closing_removes_a_temporary_folder_and_no_other(
    codebook: Path, study: le.Study, tmp_path: Path
) -> None:
    with le.label(items(5), codebook=codebook, raters=RATERS) as temporary:
        assert temporary.path.is_dir()
    assert not temporary.path.exists()
    temporary.close()
    with study:
        pass
    assert len(le.open_study(study.path).items) == 30


def test_a_page_of_a_study_is_short_and_holds_no_text_and_no_id(study: le.Study) -> None:
    page = study._repr_html_()
    for part in ("30 items", "3 raters", "first, second and third", "topic", "urgent", "AC1"):
        assert part in page
    assert "Example" not in page
    assert "i-1" not in page
    assert len(page) < 4000
    assert repr(study) == f"Study({str(study.path)!r})"


def gold(count: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"i-{n}" for n in range(count)],
            "gold_topic": ["staff", "food", None] * (count // 3),
        }
    )


def test_gold_labels_say_how_often_labels_are_right(study: le.Study) -> None:
    found = study.evaluate(gold())
    table = found.table()
    assert list(table.columns) == [
        *("variable", "who", "items", "unlabeled", "correct"),
        *("accuracy", "interval_low", "interval_high", "macro_f1"),
    ]
    assert set(table["variable"]) == {"topic"}
    raters = table[table["who"].isin(study.raters)]
    assert (raters["items"] + raters["unlabeled"] == 20).all()
    assert (raters["correct"] / raters["items"]).tolist() == raters["accuracy"].tolist()
    assert "Comparison with gold labels" in found._repr_html_()
    assert not (study.path / "report.html").read_text(encoding="utf-8").count("gold label,")
    pd.testing.assert_frame_equal(le.evaluate(study.path, gold=gold()).table(), table)
    learned = le.evaluate(study.path, gold=gold(), items=items())
    assert any("logistic regression" in sentence for sentence in learned.sentences)


def test_a_report_with_gold_labels_is_written_when_asked_for(study: le.Study) -> None:
    written = le.write_report(study, gold=gold())
    assert written.html == study.path / "report.html"
    assert any(variable.gold is not None for variable in written.findings.variables)
    assert "Report" in written._repr_html_()
    assert len(repr(written)) < 1000


def test_a_gold_table_without_ids_or_columns_is_refused(study: le.Study) -> None:
    with pytest.raises(le.LocalEnsembleError, match=r"gold: .*ids"):
        study.evaluate(gold().drop(columns="id"))
    with pytest.raises(le.LocalEnsembleError, match="gold labels"):
        study.evaluate(gold().drop(columns="gold_topic"))
    with pytest.raises(le.LocalEnsembleError, match="DataFrame"):
        study.evaluate(gold().to_dict())


def test_the_ids_of_gold_labels_may_be_the_index(study: le.Study) -> None:
    by_index = gold().set_index("id")
    pd.testing.assert_frame_equal(study.evaluate(by_index).table(), study.evaluate(gold()).table())
    pd.testing.assert_frame_equal(
        study.evaluate(by_index.rename_axis(None)).table(), study.evaluate(gold()).table()
    )


def test_a_certificate_is_applied_or_says_what_it_would_take(study: le.Study) -> None:
    right = study.decisions("topic").rename(columns={"item": "id", "consensus": "gold_topic"})
    certified = study.certify(right[["id", "gold_topic"]][:20], variable="topic", alpha=0.3)
    assert certified.path is not None
    assert certified.sentence in certified._repr_html_()
    applied = study.with_rules(certificates=[certified]).decide()
    assert applied.rules["certificates"][0]["variable"] == "topic"
    nothing = le.certify(study, gold=gold(6), variable="topic", alpha=0.01)
    assert nothing.path is None
    assert "No certificate was written" in nothing._repr_html_()
    with pytest.raises(le.LocalEnsembleError, match="certified nothing"):
        study.with_rules(certificates=[nothing])


def test_a_calibration_is_applied(study: le.Study) -> None:
    every = gold().fillna("other")
    calibrated = study.calibrate(variable="topic", method="temperature", gold=every)
    before = study.decisions("topic")["mean_probability"]
    after = study.with_rules(calibrations=[calibrated]).decisions("topic")["mean_probability"]
    assert calibrated.path.parent == study.path
    assert len(repr(calibrated)) < 500
    assert not before.equals(after)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"raters": "first"}, "expected a list"),
        ({"raters": RATERS, "ensemble": {"raters": RATERS}}, "both given"),
        ({"raters": []}, "at least 1"),
        ({"raters": [{"modle": "first"}]}, "unknown"),
        ({"ensemble": {"raters": RATERS, "consensus": {"method": "majorty"}}}, "majorty"),
        ({"raters": RATERS, "codebook": 7}, "Codebook"),
        ({"raters": RATERS, "codebook": {"name": "x"}}, "codebook, version"),
        ({"raters": RATERS, "items": 7}, "DataFrame"),
        (
            {"raters": RATERS, "items": items()[["id", "ward"]].assign(site="north")},
            "not clear which column",
        ),
        ({"raters": RATERS, "items": items().assign(id="same")}, "items, column"),
        ({"raters": RATERS, "text_column": "txt"}, 'no column "txt"'),
    ],
)
def test_what_cannot_be_labeled_is_refused_with_the_reason(
    codebook: Path, tmp_path: Path, given: dict[str, Any], found: str
) -> None:
    arguments: dict[str, Any] = {"codebook": codebook, "items": items()} | given
    with pytest.raises(le.LocalEnsembleError, match=found) as refused:
        le.label(arguments.pop("items"), output=tmp_path / "study", **arguments)
    assert refused.value.exit_code == 2
    assert refused.value.hint
    assert SECRET not in str(refused.value)
    assert not (tmp_path / "study" / "study.sqlite").exists()


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(le.LocalEnsembleError, match="study"):
        le.open_study(tmp_path)
    (tmp_path / "ratings.csv").write_text("id,a\n", encoding="utf-8")
    with pytest.raises(le.LocalEnsembleError, match="is a file"):
        le.open_study(tmp_path / "ratings.csv")


def test_raters_may_be_paths_but_not_one_path(codebook: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.gguf"
    with pytest.raises(le.LocalEnsembleError, match=r"there is no file at .*gone\.gguf"):
        le.label(items(1), codebook=codebook, raters=[gone])
    for one in (gone, str(gone)):
        with pytest.raises(le.LocalEnsembleError, match="raters: expected a list") as refused:
            le.label(items(1), codebook=codebook, raters=one)  # type: ignore[arg-type]
        assert refused.value.hint == f'Write ["{gone}"].'


def test_combined_ids_match_gold_by_the_same_columns(codebook: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"record": [1, 1, 2], "visit": list("aba"), "text": ["x", "y", "z"]})
    frame.to_excel(tmp_path / "items.xlsx", index=False)
    ids = "record,visit"
    of_frame = le.label(frame, codebook=codebook, raters=RATERS, id_column=ids)
    of_book = le.label(tmp_path / "items.xlsx", codebook=codebook, raters=RATERS, id_column=ids)
    assert list(of_frame.decisions("topic")["item"]) == ["1|a", "1|b", "2|a"]
    pd.testing.assert_frame_equal(of_frame.labels(), of_book.labels())
    gold = frame.drop(columns="text").assign(gold_topic=["staff", "food", "other"])
    assert of_frame.evaluate(gold, id_column=ids) is not None


def test_an_item_can_be_withdrawn_with_the_table_it_came_from(study: le.Study) -> None:
    found = le.withdraw(study, ["i-3"], items=items())
    assert (found.items, found.items_left) == (1, 29)
    assert "i-3" not in study.items
    assert any("still has 1 row" in message for message in found.messages)
