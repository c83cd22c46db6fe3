"""A certificate on its own texts, on others, and against gold labels that contradict it."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from localensemble.api.certificates.certify import Promise, certify
from localensemble.api.consensus import ConsensusOptions, decide_again
from localensemble.api.evaluate import evaluate
from localensemble.api.label import LabelOptions, label
from localensemble.api.sample import sample
from localensemble.cli.results.evaluation_summary import next_step
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.core.errors import InputError
from localensemble.engines.registry import usable_kinds
from localensemble.findings.certificates.promises import (
    PromiseFindings,
    is_pool,
    profile_of,
    promise_findings,
)
from localensemble.findings.study_findings import StudyFindings
from localensemble.report.methods_text import study_methods
from localensemble.study.people.final_labels import FinalLabels
from localensemble.study.study import Study
from tests.studies import SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels and decides studies

POOLED = SCRIPTED + "consensus: {method: mean_probability}\nescalation: []\n"
PROMISE = Promise("fixed_sequence", alpha=0.2, delta=0.1)


def labeled(folder: Path, texts: list[str], *certificates: Path) -> StudyFiles:
    files = study_files(folder, texts, ensemble=POOLED)
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(
            ensemble=files.ensemble, certificates=certificates, foreign_files=bool(certificates)
        ),
    )
    return files


def gold_table(files: StudyFiles, *, rows: slice, wrong_of_ten: int) -> Path:
    """Call so many of every ten labels wrong, on some rows."""
    path = files.folder / f"gold-{rows.start}-{rows.stop}-{wrong_of_ten}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        table = [row for row in read_table(files.study / "labels.csv") if row["topic.label"]]
        for n, row in enumerate(table[rows]):
            right = row["topic.label"]
            other = "food" if right == "staff" else "staff"
            writer.writerow((row["id"], other if n % 10 < wrong_of_ten else right))
    return path


@pytest.fixture(scope="module")
def certified_once(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = labeled(tmp_path_factory.mktemp("pool"), [f"comment {n}" for n in range(400)])
    gold = gold_table(files, rows=slice(0, 150), wrong_of_ten=0)
    found = certify(files.study, gold=gold, variable="topic", promise=PROMISE)
    assert found.path is not None, found.sentence
    decide_again(
        files.study, items=files.items, options=ConsensusOptions(certificates=(found.path,))
    )
    return files


@pytest.fixture
def certified(certified_once: StudyFiles, tmp_path: Path) -> StudyFiles:
    shutil.copytree(certified_once.folder, tmp_path / "pool")
    return StudyFiles(tmp_path / "pool")


@pytest.fixture(scope="module")
def elsewhere(certified_once: StudyFiles, tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    path = certified_once.study / "certificate-topic.json"
    texts = [f"another letter {n}" for n in range(300)]
    return labeled(tmp_path_factory.mktemp("elsewhere"), texts, path)


def promise_of(found: StudyFindings) -> PromiseFindings:
    [promise] = found.promises
    return promise


def certificate_of(files: StudyFiles) -> Certificate:
    with Study.open(files.study) as study:
        [held] = study.rules.certificates
    return held


def everywhere(files: StudyFiles, found: StudyFindings) -> tuple[str, ...]:
    engines = {name: kind.facts for name, kind in usable_kinds().items()}
    paragraph = study_methods(found, engines=engines).paragraphs
    page = (files.study / "report.html").read_text(encoding="utf-8")
    return (" ".join(paragraph), page, promise_of(found).sentence)


def test_on_its_own_texts_the_promise_is_about_the_items_without_a_gold_label(
    certified: StudyFiles,
) -> None:
    found = evaluate(
        certified.study, gold=gold_table(certified, rows=slice(150, 170), wrong_of_ten=1)
    )
    promise = promise_of(found)
    assert promise.state == "holds"
    assert "Of the items without a gold label" in promise.sentence
    assert "with confidence 90.0%" in promise.sentence
    assert "2 are wrong" in promise.sentence
    assert promise.advice == ""


def test_gold_labels_that_contradict_a_promise_withdraw_it_everywhere(
    certified: StudyFiles,
) -> None:
    gold = gold_table(certified, rows=slice(150, 250), wrong_of_ten=5)
    found = evaluate(certified.study, gold=gold)
    promise = promise_of(found)
    assert (promise.state, promise.assumptions) == ("withdrawn", ())
    assert (promise.gold_errors * 2 - promise.gold_items) in range(-6, 7)
    for shown in everywhere(certified, found):
        assert "is withdrawn: the gold labels here contradict it" in shown
        assert "20.0% of the accepted items are wrong is withdrawn" in shown
        assert "with confidence 90.0%" not in shown
    assert "--drop-certificates" in next_step(found, study=certified.study, gold=gold)
    assert "--drop-certificates" in promise.advice
    again = certify(certified.study, gold=gold, variable="topic", promise=PROMISE)
    assert any("is withdrawn" in message for message in again.messages)


@pytest.mark.parametrize(("wrong_of_ten", "state"), [(2, "holds"), (3, "holds"), (4, "withdrawn")])
def test_a_promise_is_withdrawn_where_the_whole_interval_lies_above_it(
    certified: StudyFiles, wrong_of_ten: int, state: str
) -> None:
    gold = gold_table(certified, rows=slice(150, 210), wrong_of_ten=wrong_of_ten)
    assert promise_of(evaluate(certified.study, gold=gold)).state == state


def test_on_other_texts_it_promises_nothing_and_says_how_many_to_label(
    elsewhere: StudyFiles,
) -> None:
    found = evaluate(elsewhere.study, gold=gold_table(elsewhere, rows=slice(0, 4), wrong_of_ten=0))
    promise = promise_of(found)
    assert promise.state == "other texts"
    assert 0 < promise.to_check <= 300
    for shown in everywhere(elsewhere, found):
        assert "certified on other texts, so it promises nothing about these" in shown
        assert f"label {promise.to_check:,} of the accepted items here" in shown
    assert "--check-certificate topic" in promise.advice
    assert f"draw {promise.to_check} accepted items" in next_step(
        found, study=elsewhere.study, gold=elsewhere.folder / "gold.csv"
    )


def test_texts_of_another_kind_are_named_by_what_differs(
    certified_once: StudyFiles, tmp_path: Path
) -> None:
    """A hundred copies of one text: one category, one score."""
    path = certified_once.study / "certificate-topic.json"
    files = labeled(tmp_path / "copies", ["the same letter"] * 100, path)
    with Study.open(files.study) as study:
        decisions = study.decide()
    found = evaluate(files.study, gold=certified_gold(files))
    promise = promise_of(found)
    assert len(decisions) == 2
    assert any(one.matters for one in promise.differences)
    assert "These texts differ" in promise.sentence or promise.state == "withdrawn"


def certified_gold(files: StudyFiles) -> Path:
    path = files.folder / "one.csv"
    path.write_text("id,gold_topic\ni-1,food\n", encoding="utf-8")
    return path


def test_a_check_that_supports_the_promise_is_said_and_one_that_contradicts_withdraws_it(
    elsewhere: StudyFiles,
) -> None:
    right = gold_table(elsewhere, rows=slice(0, 100), wrong_of_ten=0)
    promise = promise_of(evaluate(elsewhere.study, gold=right))
    assert (promise.state, promise.gold_errors) == ("checked here", 0)
    assert "If they were drawn at random" in promise.sentence
    wrong = gold_table(elsewhere, rows=slice(0, 100), wrong_of_ten=6)
    promise = promise_of(evaluate(elsewhere.study, gold=wrong))
    assert promise.state == "withdrawn"
    assert "certified on other texts on" in promise.sentence


def test_a_check_draws_from_the_accepted_labels_of_one_variable(
    elsewhere: StudyFiles, tmp_path: Path
) -> None:
    sheet = tmp_path / "check.csv"
    drawn = sample(
        elsewhere.study,
        items=elsewhere.items,
        count=None,
        seed=0,
        worksheet=sheet,
        check_certificate="topic",
    )
    accepted = {
        row["id"]
        for row in read_table(elsewhere.study / "labels.csv")
        if row["topic.status"] == "accepted"
    }
    rows = read_table(sheet)
    assert list(rows[0]) == ["id", "text", "gold_topic"]
    assert {row["id"] for row in rows} <= accepted
    found = evaluate(elsewhere.study, gold=gold_table(elsewhere, rows=slice(0, 1), wrong_of_ten=0))
    assert (drawn.drawn, drawn.item_count) == (promise_of(found).to_check, len(accepted))
    with pytest.raises(InputError, match="does not apply one"):
        sample(
            elsewhere.study,
            items=elsewhere.items,
            count=5,
            seed=0,
            worksheet=tmp_path / "no.csv",
            check_certificate="urgent",
        )


def test_conformal_risk_control_is_withdrawn_by_its_own_share(certified: StudyFiles) -> None:
    on_average = Promise("conformal_risk_control", alpha=0.2, delta=0.1)
    gold = gold_table(certified, rows=slice(0, 150), wrong_of_ten=0)
    made = certify(certified.study, gold=gold, variable="topic", promise=on_average)
    assert made.path is not None
    decide_again(
        certified.study,
        items=certified.items,
        options=ConsensusOptions(certificates=(made.path,)),
    )
    contradicting = gold_table(certified, rows=slice(0, 100), wrong_of_ten=6)
    promise = promise_of(evaluate(certified.study, gold=contradicting))
    assert promise.state == "withdrawn"
    assert "of all items are accepted and wrong is withdrawn" in promise.sentence
    assert promise.gold_items >= 100


def test_a_certificate_that_kept_no_profile_says_so(certified: StudyFiles) -> None:
    old = replace(certificate_of(certified), profile=None)
    with Study.open(certified.study) as study:
        rules = study.rules.with_certificates((old,))
        again = study.with_rules(rules)
        promise = promise_findings(old, labels=again.recorded, decided=again.decide()[0], gold=None)
    assert promise.state == "holds"
    assert "does not record which texts" in promise.sentence


def promised(files: StudyFiles, held: Certificate, *, foreign: bool) -> PromiseFindings:
    with Study.open(files.study) as study:
        decided = study.with_rules(study.rules.with_certificates((held,))).decide()[0]
        return promise_findings(
            held, labels=study.recorded, decided=decided, gold=None, foreign=foreign
        )


def test_a_foreign_certificate_that_describes_these_texts_is_about_them(
    certified: StudyFiles,
) -> None:
    found = promised(certified, certificate_of(certified), foreign=True)
    assert found.state == "holds"
    assert "foreign" in found.sentence
    assert "as the file states them" in found.sentence


@pytest.mark.parametrize("edit", ["lowest quantile", "categories"])
def test_a_foreign_certificate_that_only_names_these_texts_is_about_others(
    certified: StudyFiles, edit: str
) -> None:
    held = certificate_of(certified)
    assert held.profile is not None
    first, *others = held.profile.score_quantiles
    (name, count), (other, more), *rest = held.profile.category_counts
    profile = replace(held.profile, score_quantiles=(first - 0.01, *others))
    if edit == "categories":
        counts = ((name, count - 1), (other, more + 1), *rest)
        profile = replace(held.profile, category_counts=counts)
    edited = replace(held, profile=profile)
    assert promised(certified, edited, foreign=True).state == "other texts"
    # One on record is believed: the ledger has its hash.
    assert promised(certified, edited, foreign=False).state == "holds"


def test_what_a_withdrawal_leaves_is_still_the_pool(certified: StudyFiles) -> None:
    held = certificate_of(certified)
    assert held.profile is not None
    with Study.open(certified.study) as study:
        assert is_pool(study.recorded, held.profile)
        decided = study.decide()[0]
        here = profile_of(
            study.recorded,
            decided,
            scores=decided.scores(held.by),
            accepted=decided.accepted,
        )
        assert here == held.profile
        assert not is_pool(study.recorded, replace(held.profile, item_count=399))
        assert not is_pool(study.recorded, replace(held.profile, item_set_sha256="0" * 64))


def audited(files: StudyFiles, *, wrong_of_ten: int, unanswered: int = 0) -> PromiseFindings:
    """Let people answer an audit of 60 of the items that the study accepts."""
    held = certificate_of(files)
    with Study.open(files.study) as study:
        accepted_by_study = study.decide()[0]
        place = np.flatnonzero(accepted_by_study.accepted)[:60]
        drawn = np.zeros(len(accepted_by_study.categories), dtype=np.bool_)
        drawn[place] = True
        decided = replace(
            accepted_by_study,
            escalated=accepted_by_study.escalated | drawn,
            reason_codes=("random_audit",),
            reason_texts=("drawn at random for audit",),
            reason_causes=(None,),
            reason_bits=drawn.astype(np.uint64),
        )
        answers = decided.final.copy()
        answers[place] = decided.categories[place]
        wrong = place[np.arange(60) % 10 < wrong_of_ten]
        answers[wrong] = (decided.categories[wrong] + 1) % 2
        waits = np.zeros_like(drawn)
        waits[place[60 - unanswered :]] = True
        final = FinalLabels(
            variable=decided.variable,
            status=np.zeros(len(drawn), dtype=np.uint8),
            categories=answers,
            by_person=drawn & ~waits,
            open=waits,
            differs=np.zeros_like(drawn),
            overruled=np.zeros_like(drawn),
            reviewed=drawn & ~waits,
        )
        return promise_findings(
            held, labels=study.recorded, decided=decided, gold=None, final=final
        )


def test_an_audit_that_contradicts_a_promise_withdraws_it(certified: StudyFiles) -> None:
    promise = audited(certified, wrong_of_ten=5)
    assert (promise.state, promise.gold_items, promise.gold_errors) == ("withdrawn", 60, 30)
    assert "audit here contradicts it" in promise.sentence
    assert "gold label" not in promise.sentence
    assert promise.assumptions == ()


@pytest.mark.parametrize(
    ("wrong_of_ten", "unanswered"),
    [(1, 0), (5, 1), (5, 60)],
    ids=["few are wrong", "one waits", "all wait"],
)
def test_an_audit_that_is_not_over_or_finds_little_withdraws_nothing(
    certified: StudyFiles, wrong_of_ten: int, unanswered: int
) -> None:
    promise = audited(certified, wrong_of_ten=wrong_of_ten, unanswered=unanswered)
    assert (promise.state, promise.gold_items) == ("holds", 0)
