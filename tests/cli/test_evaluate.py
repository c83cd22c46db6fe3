"""`evaluate` shows and writes everything that gold labels say."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from localensemble.core.command_lines import command_line
from localensemble.findings.learned_baseline import LEARNED
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

ITEMS = 80
RATER_NAMES = ("first", "second", "third")
AUDITED = SCRIPTED + "escalation:\n  - {policy: random_audit, share: 0.5}\n"


def labeled_files(run: Run, folder: Path, *, ensemble: str = SCRIPTED) -> StudyFiles:
    files = study_files(folder, [f"comment {n}" for n in range(ITEMS)], ensemble=ensemble)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return files


def gold_table(files: StudyFiles, *, every: int = 1, blank: int = 0) -> Path:
    """Take the first rater for right; so it is always right and the others are not."""
    path = files.folder / "gold.csv"
    rows = read_table(files.study / "labels.csv")[::every]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic", "site"))
        for n, row in enumerate(rows):
            label = "" if n < blank else row["topic.rater.first"]
            writer.writerow((row["id"], label, ("north", "south", "")[n % 3]))
    return path


def topic_of(files: StudyFiles) -> dict[str, Any]:
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = findings["variables"][0]
    return found


def both_gold(files: StudyFiles, *, right: str = "first") -> Path:
    """Take one rater for right on both variables."""
    path = files.folder / "both.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic", "gold_urgent"))
        for row in read_table(files.study / "labels.csv"):
            writer.writerow((row["id"], row[f"topic.rater.{right}"], row[f"urgent.rater.{right}"]))
    return path


def test_the_first_screen_holds_the_main_numbers_and_ends_with_what_to_do(
    run: Run, tmp_path: Path
) -> None:
    files = labeled_files(run, tmp_path)
    gold = both_gold(files)
    for more in ((), ("--random-sample",), ("--items", files.items)):
        ended = run("evaluate", files.study, "--gold", gold, *more)
        assert ended.code == 0, ended.err
        lines = ended.out.splitlines()
        assert len(lines) <= 24
        assert lines[-1].startswith("Next: ")
        for name in ("topic", "urgent"):
            assert f"{name}: 80 gold labels" in lines
        assert ended.out.count('; always "') == 2
        assert ended.out.count("of 80 items (") == 2
        assert ended.out.count("Best rater: first, 80 of 80 right, 100.0% (95.5% to 100.0%)") == 2
        # A random sample that contradicts nothing leaves nothing to caution against.
        assert ended.out.count("  Caution: ") == (0 if "--random-sample" in more else 2)


def test_many_variables_get_a_line_each(run: Run, tmp_path: Path) -> None:
    one = CODEBOOK[CODEBOOK.index("  - name: urgent") :]
    more = "".join(one.replace("name: urgent", f"name: urgent{n}") for n in range(30))
    files = study_files(tmp_path, [f"comment {n}" for n in range(8)], codebook=CODEBOOK + more)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    gold = tmp_path / "gold.csv"
    columns = ["topic", "urgent", *(f"urgent{n}" for n in range(30))]
    values = ["staff"] + ["yes"] * 31
    gold.write_text(f"id,{','.join(columns)}\ni-1,{','.join(values)}\n", encoding="utf-8")
    ended = run("evaluate", files.study, "--gold", gold)
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) <= 30
    assert "and 11 more (--details lists them)" in ended.out


def test_the_next_step_follows_from_what_was_found(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path / "usual")
    gold = both_gold(files)
    found = run("evaluate", files.study, "--gold", gold).out.splitlines()[-1]
    if "not clearly better" not in found:
        assert "localensemble sample" in found
        assert "--random-sample" in found
    nothing = SCRIPTED + "escalation:\n  - {policy: budget, items: 80}\n"
    files = labeled_files(run, tmp_path / "nothing", ensemble=nothing)
    ended = run("evaluate", files.study, "--gold", both_gold(files))
    last = ended.out.splitlines()[-1]
    assert "localensemble consensus" in last
    assert "--compare" in last
    assert "none has a gold label" in ended.out
    # The raters stand beside one answer for all even so, and more gold labels are not asked for.
    assert ended.out.count('; always "') == 2
    assert "label more items" not in ended.out


def test_a_probe_is_proposed_once_the_gold_labels_suffice_for_one(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path / "usual")
    gold = both_gold(files)
    table = read_table(gold)
    for variable in ("gold_topic", "gold_urgent"):
        assert min(Counter(row[variable] for row in table).values()) >= 8
    enough = run("evaluate", files.study, "--gold", gold, "--items", files.items).out
    command = command_line(list(map(str, ("localensemble", "probe", files.items, "--gold", gold))))
    assert command in " ".join(enough.split())
    assert "--hold-out 0.3" in enough
    # A rater has the name of its file, and must not be confused with the study.
    assert f"-o {files.study.name}-probe.probe" in " ".join(enough.split())
    assert "--least-per-category" not in enough
    few = run("evaluate", files.study, "--gold", gold_table(files, every=8)).out
    assert "localensemble probe" not in few


def test_a_proposed_probe_names_the_categories_that_it_cannot_learn(
    run: Run, tmp_path: Path
) -> None:
    files = labeled_files(run, tmp_path / "usual")
    rows = read_table(both_gold(files))
    rarest, _ = Counter(row["gold_topic"] for row in rows).most_common()[-1]
    kept = [row for row in rows if row["gold_topic"] != rarest]
    kept += [row for row in rows if row["gold_topic"] == rarest][:2]
    gold = tmp_path / "rare.csv"
    with gold.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(kept[0]))
        writer.writeheader()
        writer.writerows(kept)
    out = " ".join(run("evaluate", files.study, "--gold", gold, "--items", files.items).out.split())
    assert "--least-per-category 0" in out
    assert f'"{rarest}" (2)' in out


def test_a_classifier_is_compared_where_the_texts_are_given(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path)
    gold = gold_table(files)
    without = run("evaluate", files.study, "--gold", gold)
    assert "add --items" in without.out
    assert len(topic_of(files)["gold"]["baselines"]) == 2
    ended = run("evaluate", files.study, "--gold", gold, "--items", files.items, "--details")
    assert ended.code == 0, ended.err
    assert "add --items" not in ended.out
    *_, learned = topic_of(files)["gold"]["baselines"]
    assert learned["who"] == LEARNED
    assert learned["evaluation"]["items"] == 80
    assert learned["evaluation"]["interval"] is not None
    assert "raters were not trained" in topic_of(files)["gold"]["learned_sentence"]
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert LEARNED in page
    assert "raters were not trained" in " ".join(ended.out.split())
    assert "comment 1" not in ended.out + page


def test_a_classifier_that_cannot_learn_is_left_out_with_the_reason(
    run: Run, tmp_path: Path
) -> None:
    files = labeled_files(run, tmp_path)
    gold = tmp_path / "few.csv"
    gold.write_text("id,gold_topic\ni-1,staff\ni-2,food\ni-3,food\n", encoding="utf-8")
    ended = run("evaluate", files.study, "--gold", gold, "--items", files.items)
    assert (ended.code, "is left out" in ended.out) == (0, True)
    assert '"staff" has 1 gold label' in ended.out


def test_texts_of_another_table_are_refused(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path)
    other = tmp_path / "other.csv"
    other.write_text("id,text\ni-1,a private note\n", encoding="utf-8")
    ended = run("evaluate", files.study, "--gold", gold_table(files), "--items", other)
    assert (ended.code, "not the table that was labeled" in ended.err) == (2, True)
    assert "private" not in ended.err


def test_every_comparison_is_shown_and_in_the_json(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path)
    ended = run("evaluate", files.study, "--gold", gold_table(files), "--details")
    assert ended.code == 0
    for heading in (
        "topic: compared with 80 gold labels",
        "topic: consensus by category",
        "topic: gold category (rows) and consensus (columns)",
        "topic: how well scores tell right from wrong",
        "topic: how well probabilities match frequencies",
        "exact McNemar test",
        "topic: all raters are wrong on 0 of 80 gold items",
        "They never chose the same wrong category.",
    ):
        assert heading in " ".join(ended.out.split()), heading
    assert "urgent: compared" not in ended.out
    gold = topic_of(files)["gold"]
    always, accepted = gold["baselines"]
    assert always["who"].startswith('always "')
    # On the first screen, in the short table, then in the full one.
    assert ended.out.count(always["who"]) == 5
    assert accepted["who"] in " ".join(ended.out.split())
    assert always["who"].replace('"', "&#34;") in (files.study / "report.html").read_text()
    assert [named["who"] for named in gold["evaluated"]][:3] == ["first", "second", "third"]
    assert gold["evaluated"][0]["evaluation"]["accuracy"]["value"] == 1.0
    assert [ranking["score"] for ranking in gold["rankings"]] == [
        *("support", "method", "mean_probability", "margin")
    ]
    assert gold["shared_errors"]["all_wrong"] == 0
    assert gold["groups"] == gold["prevalence"] == []
    assert gold["audit"] is None


def test_only_errors_in_one_category_are_called_hidden_from_disagreement(
    run: Run, tmp_path: Path
) -> None:
    files = labeled_files(run, tmp_path)
    rows = read_table(files.study / "labels.csv")
    given = [{row[f"topic.rater.{name}"] for name in RATER_NAMES} for row in rows]
    answers = sorted(set.union(*given))
    gold = files.folder / "gold.csv"
    with gold.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        for row, chosen in zip(rows, given, strict=True):
            writer.writerow((row["id"], next((one for one in answers if one not in chosen), "")))
    ended = run("evaluate", files.study, "--gold", gold, "--details")
    errors = topic_of(files)["gold"]["shared_errors"]
    assert errors["all_wrong"] >= errors["same_wrong"] > 0
    assert (
        f"On {errors['same_wrong']} of these they chose the same category, so disagreement cannot"
        in " ".join(ended.out.split())
    )


def test_groups_are_evaluated_apart_and_add_up(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path)
    ended = run(
        "evaluate", files.study, "--gold", gold_table(files), "--group", "site", "--details"
    )
    assert (ended.code, "topic: accuracy by group" in ended.out) == (0, True)
    assert "(blank)" in ended.out
    gold = topic_of(files)["gold"]
    assert [group["group"] for group in gold["groups"]] == ["", "north", "south"]
    for place, named in enumerate(gold["evaluated"]):
        parts = [group["evaluated"][place]["evaluation"] for group in gold["groups"]]
        for count in ("items", "correct", "unlabeled"):
            assert sum(part[count] for part in parts) == named["evaluation"][count]


def test_the_share_of_each_category_needs_the_statement_that_the_sample_is_random(
    run: Run, tmp_path: Path
) -> None:
    files = labeled_files(run, tmp_path)
    gold = gold_table(files, every=2)
    without = run("evaluate", files.study, "--gold", gold, "--details")
    assert "share of each category" not in without.out
    ended = run("evaluate", files.study, "--gold", gold, "--random-sample", "--details")
    assert "topic: share of each category in the whole study" in ended.out
    assert "drawn at random from the whole file" in ended.out
    shares = topic_of(files)["gold"]["prevalence"]
    assert [one["category"] for one in shares] == ["staff", "food", "other"]
    assert {one["gold_items"] for one in shares} == {ITEMS // 2}


def test_an_audit_says_how_right_the_accepted_labels_are(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path, ensemble=AUDITED)
    complete = run("evaluate", files.study, "--gold", gold_table(files), "--details")
    assert "topic, random audit: accuracy of the" in complete.out
    assert "have no gold label" not in complete.out
    rows = read_table(files.study / "labels.csv")
    drawn = [row for row in rows if row["topic.reasons"] == "drawn at random for audit"]
    audit = topic_of(files)["gold"]["audit"]
    assert audit["audited"] == len(drawn) > 0
    assert audit["accepted"] == len(drawn) + sum(row["topic.status"] == "accepted" for row in rows)
    run("evaluate", files.study, "--gold", gold_table(files, blank=60))
    assert topic_of(files)["gold"]["audit_unlabeled"] > 0


def test_the_share_of_errors_that_a_budget_covers_is_counted(run: Run, tmp_path: Path) -> None:
    budget = SCRIPTED + "escalation:\n  - {policy: budget, items: 60}\n"
    files = labeled_files(run, tmp_path, ensemble=budget)
    ended = run("evaluate", files.study, "--gold", gold_table(files), "--details")
    covered = topic_of(files)["gold"]["escalation"]
    assert covered["escalated"] == 60
    assert 0 < covered["wrong_escalated"] < covered["wrong"]
    assert f"include {covered['wrong_escalated']} of the {covered['wrong']} wrong" in ended.out


def test_reading_more_leaves_fewer_errors_and_costs_more(run: Run, tmp_path: Path) -> None:
    files = labeled_files(run, tmp_path)
    prices = ("--person-cost", "0.55", "--model-cost", "0.01")
    ended = run("evaluate", files.study, "--gold", gold_table(files), "--details", *prices)
    assert "topic: errors left against items reviewed" in ended.out
    frontier = topic_of(files)["gold"]["frontier"]
    everything, nothing = frontier[0], frontier[-1]
    assert (everything["threshold"], everything["reviewed_share"]) == (None, 1.0)
    assert everything["cost"] == pytest.approx(ITEMS * 0.56)
    assert nothing["cost"] == pytest.approx(ITEMS * (0.01 + 0.55 * nothing["reviewed_share"]))
    for earlier, later in itertools.pairwise(frontier):
        assert earlier["reviewed_share"] > later["reviewed_share"]
        assert earlier["error_share"] <= later["error_share"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--group", "place"), 'no column "place" to group by'),
        (("--id-column", "number"), '"number"'),
    ],
)
def test_a_column_that_is_not_there_ends_with_code_2(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], found: str
) -> None:
    files = labeled_files(run, tmp_path)
    ended = run("evaluate", files.study, "--gold", gold_table(files), *arguments)
    assert (ended.code, found in ended.err) == (2, True)
