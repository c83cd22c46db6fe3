"""The report of a study shows what findings.json holds, and no text unless told to."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.label import LabelOptions, label
from localensemble.api.report import write_report
from localensemble.core.errors import InputError
from localensemble.core.estimates import estimate, interval, number, share, share_interval
from tests.report.page import Page, check_page, is_mark
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels, decides and draws a study for most tests

TEXTS = [f"wording {n} that only <i>item</i> {n} has" for n in range(40)]
MARKUP_CODEBOOK = """\
name: "<b>small</b>"
version: "1"
description: "Comments & <i>more</i>."
variables:
  - name: topic
    level: ordinal
    question: "Is <b>it</b> {{ 7 * 7 }}?"
    rules: ["Prefer <u>low</u>."]
    categories:
      - name: "a < b"
        definition: "<script>alert(1)</script>"
      - name: "</td>"
        definition: Meals.
        always_review: true
      - name: "x & y"
        definition: Anything else.
"""


def labeled(folder: Path, texts: Sequence[str] = TEXTS, **given: str) -> StudyFiles:
    files = study_files(folder, texts, **given)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


def page_of(files: StudyFiles) -> Page:
    return check_page((files.study / "report.html").read_text(encoding="utf-8"))


def findings_of(files: StudyFiles) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    return found


def gold_table(files: StudyFiles, *, items: int = 30) -> Path:
    path = files.folder / "gold.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic", "site"))
        for n in range(items):
            writer.writerow((f"i-{n}", ("staff", "food", "other")[n % 3], f"site <{n % 2}>"))
    return path


def test_labeling_writes_the_report(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    text = page_of(files).text
    assert "3 model raters (first, second and third) labeled 40 items on 2 variables" in text
    assert text.count("first, second, third are scripted: their labels mean nothing.") == 1
    assert "No gold labels were given" in text


def test_reasons_not_to_trust_labels_stand_beside_the_verdict(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    cautions = findings_of(files)["cautions"]
    assert cautions == ["first, second, third are scripted: their labels mean nothing."]
    (files.study / "report.html").unlink()
    write_report(files.study)
    text = page_of(files).text
    verdict = text.index("on 2 variables of the codebook")
    assert all(text.index(caution) < verdict for caution in cautions)


def test_every_section_is_there_in_order(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    page = page_of(files)
    assert [" ".join(one.text.split()) for one in page.all("h2")] == [
        "At a glance",
        "Verdict",
        "Contents",
        "The verdict in detail",
        "Items, raters, codebook",
        "What was left out",
        "Agreement",
        "Consensus and escalation",
        "Confidence",
        "Evaluation against gold labels",
        "Speed",
        "Identities",
        "Limits",
        "Methods text to paste",
        "How to reproduce",
    ]


def test_the_page_shows_the_numbers_of_the_file(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    write_report(files.study, gold=gold_table(files))
    page, found = page_of(files), findings_of(files)
    cells = {" ".join(one.text.split()) for one in page.all("td")}
    for variable in found["variables"]:
        for one in variable["agreement"]["coefficients"]:
            ends = (one["interval_low"], one["interval_high"])
            assert estimate(one["value"], *ends) in cells
            assert interval(*ends) in cells
        for count in (variable["accepted"], variable["escalated"]):
            assert f"{count:,}" in cells
        assert {
            str(count) for rater in variable["raters"] for count in rater["category_counts"]
        } <= {cell.split(" ")[0] for cell in cells}
        for rater in variable["confidence"]["raters"]:
            assert number(rater["assigned"]["mean"]) in cells
    for named in found["variables"][0]["gold"]["evaluated"]:
        assert number(named["evaluation"]["macro_f1"]["value"]) in cells
    hashes = {one.text for one in page.elements if one.attributes.get("class") == "hash"}
    assert found["record"]["codebook_sha256"] in hashes
    assert {rater["identity_sha256"] for rater in found["raters"]} <= hashes


def test_no_text_of_an_item_is_in_it_unless_asked_for(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    page = page_of(files)
    assert "wording" not in page.source
    assert "contains no item text" in page.text
    write_report(files.study, items=files.items)
    page = page_of(files)
    assert "This report contains item texts." in page.text
    shown = [one.text for one in page.all("p") if one.attributes.get("class") == "text"]
    with (files.study / "escalations.csv").open(encoding="utf-8-sig", newline="") as stream:
        queue = [row["text"] for row in csv.DictReader(stream)]
    assert shown == [*dict.fromkeys(queue)]
    assert page.all("i") == []


def test_the_page_shows_an_item_once_with_all_its_open_variables(tmp_path: Path) -> None:
    both_open = "escalation:\n  - {policy: random_audit, share: 1.0, seed: 1}\n"
    files = labeled(tmp_path, TEXTS[:5], ensemble=SCRIPTED + both_open)
    write_report(files.study, items=files.items)
    page = page_of(files)
    shown = [one.text for one in page.all("p") if one.attributes.get("class") == "text"]
    assert sorted(shown) == TEXTS[:5]
    assert [one.text for one in page.all("h4")].count("topic") == 5
    assert [one.text for one in page.all("h4")].count("urgent") == 5
    assert "5 most doubtful items of 5" in page.text


def test_items_of_another_table_are_refused(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    other = study_files(tmp_path / "other", [*TEXTS[:-1], "another"])
    before = (files.study / "report.html").read_bytes()
    with pytest.raises(InputError, match="not the table that was labeled"):
        write_report(files.study, items=other.items)
    assert (files.study / "report.html").read_bytes() == before


def test_gold_labels_add_an_evaluation(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    write_report(files.study, gold=gold_table(files), group_column="site", random_sample=True)
    page = page_of(files)
    captions = [" ".join(one.text.split()) for one in page.all("caption")]
    for part in (
        "Accuracy on topic",
        "Confusion matrix on topic: first",
        "Calibration on topic",
        "Reliability on topic",
        "Accuracy on topic by group",
        "corrected for label error",
    ):
        assert any(part in caption for caption in captions), part
    assert "accepted labels with a gold label" in page.text
    assert "Clopper CJ, Pearson ES (1934)" in page.text
    assert "site <1>" in page.text
    assert "No gold labels for this variable." in page.text


def test_markup_in_a_codebook_is_text(tmp_path: Path) -> None:
    files = labeled(tmp_path, codebook=MARKUP_CODEBOOK)
    page = page_of(files)
    assert page.all("script", "b", "i", "u") == []
    for name in ("<b>small</b>", "a < b", "</td>", "x & y", "<script>alert(1)</script>"):
        assert name in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "Always reviewed by a person." in page.text


def test_labels_without_a_category_are_counted_with_their_reason(tmp_path: Path) -> None:
    ensemble = (
        "raters:\n  - {model: first, engine: scripted}\n"
        "  - {model: second, engine: scripted, context_tokens: 400}\n"
    )
    files = labeled(tmp_path, [*TEXTS, "word " * 390], ensemble=ensemble)
    page = page_of(files)
    assert "2 of 164 labels have no category" in page.text
    assert "too_long (1)" in page.text


def test_one_rater_and_one_item_still_give_a_report(tmp_path: Path) -> None:
    ensemble = "raters:\n  - {model: only, engine: scripted}\n"
    text = page_of(labeled(tmp_path, ["one"], ensemble=ensemble)).text
    assert "1 model rater (only) labeled 1 item on 2 variables" in text
    assert "Agreement cannot be measured" in text
    assert "there are fewer than two raters" in text


def test_a_limited_run_says_so(tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS, codebook=CODEBOOK)
    options = LabelOptions(ensemble=files.ensemble, limit=10)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    text = page_of(files).text
    assert "the table has 40 items, of which the first 10 were labeled" in text
    assert "--limit 10" in text


def test_gold_labels_draw_risk_and_cost_with_their_numbers_beside(tmp_path: Path) -> None:
    files = labeled(tmp_path)
    write_report(files.study, gold=gold_table(files))
    page = page_of(files)
    said = [one.attributes["aria-label"] for one in page.all("svg") if not is_mark(one)]
    topic = findings_of(files)["variables"][0]
    accepted, consensus = topic["accuracy_accepted"], topic["accuracy_consensus"]
    low, high = 1 - accepted["interval_high"], 1 - accepted["interval_low"]
    (risk,) = [one for one in said if one.startswith("Risk and coverage on topic")]
    assert (
        f"As decided, {share(accepted['items'] / consensus['items'])} are accepted and "
        f"{share(1 - accepted['value'], low, high)} of these are wrong (95% interval "
        f"{share_interval(low, high)})."
    ) in risk
    (cost,) = [one for one in said if one.startswith("Cost frontier on topic")]
    escalation = topic["gold"]["escalation"]
    left = (escalation["wrong"] - escalation["wrong_escalated"]) / escalation["gold_items"]
    read = escalation["escalated"] / escalation["gold_items"]
    assert f"As decided, {share(read)} are read and {share(left)} are left wrong." in cost
    rows = [" ".join(one.text.split()) for one in page.all("tr")]
    for point in topic["gold"]["frontier"]:
        name = "all items are read" if point["threshold"] is None else f"{point['threshold']:.6g}"
        ends = (point["interval"]["low"], point["interval"]["high"])
        cells = (name, point["accepted"], point["errors"], share(point["reviewed_share"]))
        wrong = (share(point["error_share"], *ends), share_interval(*ends))
        expected = "".join(map(str, (*cells, *wrong)))
        assert any(row.startswith(expected) for row in rows), expected
    curve = next(one for one in topic["gold"]["rankings"] if one["score"] == "mean_probability")
    whole = share(curve["quality"]["curve"][-1]["risk"])
    assert any(row.startswith("100.0%") and whole in row for row in rows)


def test_a_score_that_tells_nothing_apart_draws_its_one_point(tmp_path: Path) -> None:
    files = labeled(tmp_path, TEXTS[:3])
    write_report(files.study, gold=gold_table(files, items=1))
    assert "Cost frontier on topic" in page_of(files).text


def test_a_crowd_is_summarized_and_the_page_says_so(tmp_path: Path) -> None:
    ratings, gold = tmp_path / "ratings.csv", tmp_path / "gold.csv"
    with ratings.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("id", *(f"r{j}" for j in range(41))))
        rows.writerows((f"i-{i}", *("ab"[(i * j) % 3 == 0] for j in range(41))) for i in range(9))
    gold.write_text(
        "id,gold_ratings,ward\n" + "".join(f"i-{i},a,w{i % 2}\n" for i in range(9)),
        encoding="utf-8",
    )
    import_ratings(ratings, output=tmp_path / "study", options=RatingsOptions(level="nominal"))
    write_report(tmp_path / "study", gold=gold, group_column="ward")
    page = check_page((tmp_path / "study" / "report.html").read_text(encoding="utf-8"))
    assert "41 raters make 820 pairs" in page.text
    assert "Not shown here: the confusion matrix of each of 41 raters." in page.text
    assert "tests of each pair of 41 raters." in page.text
    assert "Both wrong on" not in page.text
    findings = json.loads((tmp_path / "study" / "findings.json").read_text(encoding="utf-8"))
    assert findings["variables"][0]["gold"]["dependence"]["pairs"] == []
