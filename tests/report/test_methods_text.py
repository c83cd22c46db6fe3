"""The methods paragraph states what was done in this study, and nothing that was not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from localensemble.agreement import measure_agreement
from localensemble.api.label import LabelOptions, label
from localensemble.core.label_matrix import LabelMatrix
from localensemble.engines.registry import usable_kinds
from localensemble.findings.fitted_pools import PoolFindings
from localensemble.findings.people.people_counts import PeopleCounts
from localensemble.findings.study_findings import RaterFindings, StudyFindings
from localensemble.report.methods_text import agreement_methods, study_methods
from localensemble.study.recorded_deidentification import RecordedDeidentification
from tests.studies import study_files

FACTS = {name: kind.facts for name, kind in usable_kinds().items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> StudyFindings:
    """The findings of a study of three scripted raters, without a gap."""
    files = study_files(tmp_path_factory.mktemp("methods"), [f"text {n}" for n in range(12)])
    options = LabelOptions(ensemble=files.ensemble)
    labeled = label(files.items, codebook=files.codebook, study=files.study, options=options)
    return labeled.findings


def with_raters(found: StudyFindings, *changes: dict[str, Any]) -> str:
    """Give the paragraph as if each rater had these traits."""
    raters: list[RaterFindings] = [
        dataclasses.replace(rater, **change)
        for rater, change in zip(found.raters, changes, strict=True)
    ]
    changed = dataclasses.replace(found, raters=tuple(raters))
    return study_methods(changed, engines=FACTS).paragraphs[0]


def test_scripted_raters_are_not_called_language_models(found: StudyFindings) -> None:
    text = study_methods(found, engines=FACTS).paragraphs[0]
    assert "by 3 scripted raters without a language model, whose labels mean nothing" in text
    assert "language models" not in text
    assert "log-probability" not in text
    mixed = with_raters(found, {"engine": "llama-cpp"}, {"engine": "llama-cpp"}, {})
    assert "by 2 language models run on a local machine: first" in mixed
    assert "; and by 1 scripted rater without a language model" in mixed
    assert "Raters first and second each scored every category" in mixed
    served = with_raters(found, {"engine": "llama-cpp"}, {"engine": "ollama"}, {})
    assert "Raters second" not in served
    assert "Rater first scored every category of a variable by the log-probability" in served
    assert "Rater second scored every category of a variable by the log-probability" in served
    assert "among the 20 most probable tokens, by the upper bound" in served


def test_the_same_instructions_are_claimed_only_where_they_were_the_same(
    found: StudyFindings,
) -> None:
    same = with_raters(found, *({"layout": "item_first"},) * 3)
    assert "Every rater was given the same instructions" in same
    assert "item first)" in same
    order = with_raters(found, {"layout": "item_first"}, *({"layout": "codebook_first"},) * 2)
    assert "but in a different order (first: item first; second: codebook first" in order
    other = with_raters(found, {"prompt_template_sha256": "0" * 64}, {}, {})
    assert "The raters were given different instructions" in other
    assert "same instructions" not in other


def test_instructions_are_claimed_only_of_raters_that_get_a_prompt(found: StudyFindings) -> None:
    one = with_raters(found, {"engine": "embedding"}, {}, {})
    assert "Raters second and third were given the same instructions" in one
    assert "Every rater was given" not in one
    two = with_raters(found, {"engine": "embedding"}, {"engine": "probe"}, {})
    assert "Rater third was given the instructions" in two
    assert "were given" not in two
    none = with_raters(found, *({"engine": "embedding"},) * 3)
    assert "instructions" not in none
    layout = {"layout": "item_first"}
    order = with_raters(found, {"engine": "probe"}, layout, {"layout": "codebook_first"})
    assert "Raters second and third were given the same instructions" in order
    assert "in a different order (second: item first; third: codebook first)" in order
    other = {"prompt_template_sha256": "0" * 64}
    assert "Raters second and third were given different instructions" in with_raters(
        found, {"engine": "probe"}, other, {}
    )


def test_raters_of_different_readouts_did_not_get_the_same_instructions(
    found: StudyFindings,
) -> None:
    option, prefilled = (
        {"settings": (("readout", name), ("readout_sha256", name))}
        for name in ("option", "prefilled")
    )
    same = with_raters(found, option, option, option)
    assert "Every rater was given the same instructions" in same
    text = with_raters(found, option, prefilled, {})
    assert "same instructions" not in text
    assert "same codebook and prompt template" in text
    assert "different instructions on how to answer" in text
    two = with_raters(found, {"engine": "probe"}, option, prefilled)
    assert "Raters second and third were given the same codebook" in two


def test_raters_without_a_language_model_are_called_what_they_are(found: StudyFindings) -> None:
    text = with_raters(found, {"engine": "llama-cpp"}, {"engine": "embedding"}, {"engine": "probe"})
    assert "by 1 language model run on a local machine: first" in text
    assert "by 1 embedding model run on a local machine: second" in text
    assert "by 1 classifier run on a local machine: third" in text


def test_de_identification_is_stated_with_its_limits(found: StudyFindings) -> None:
    assert "placeholder" not in study_methods(found, engines=FACTS).paragraphs[0]
    recorded = RecordedDeidentification(
        "0" * 64, "1" * 64, "", {"study number": "2" * 64}, 12, 3, {"NAME": 4, "DATE": 1}
    )
    changed = dataclasses.replace(found, deidentified=recorded)
    text = study_methods(changed, engines=FACTS).paragraphs[0]
    assert "5 identifiers (name 4, date 1) in 3 of 12 texts" in text
    assert "1 pattern of the codebook (study number)" in text
    assert "Patterns miss identifiers" in text


def test_the_readout_is_described_where_the_ensemble_file_states_one(found: StudyFindings) -> None:
    assert "answered with" not in study_methods(found, engines=FACTS).paragraphs[0]
    summed = (("readout", "prefilled"), ("spellings", "summed"))
    raters = list(found.raters)
    raters[0] = dataclasses.replace(raters[0], settings=(("readout", "option"),))
    raters[1] = dataclasses.replace(raters[1], settings=summed)
    changed = dataclasses.replace(found, raters=tuple(raters))
    text = study_methods(changed, engines=FACTS).paragraphs[0]
    assert "Rater first answered with a letter or number" in text
    assert "Rater second answered with the name of a category, which followed" in text
    assert text.count("sum over spellings") == 1


def test_whole_texts_are_claimed_only_of_engines_that_never_cut(found: StudyFindings) -> None:
    assert "No text was truncated." in study_methods(found, engines=FACTS).paragraphs[0]
    assert "truncated" not in with_raters(found, {"engine": "elsewhere"}, {}, {})


def test_labels_without_a_category_are_counted(found: StudyFindings) -> None:
    whole = study_methods(found, engines=FACTS).paragraphs[0]
    assert "Every rater assigned every text a category" in whole
    with_gaps = dataclasses.replace(found, unlabeled=5)
    gaps = study_methods(with_gaps, engines=FACTS).paragraphs[0]
    assert "5 of 72 labels have no category" in gaps
    assert "none was imputed" in gaps


def test_a_pool_is_described_for_its_variable_and_the_method_for_the_others(
    found: StudyFindings,
) -> None:
    first, *others = [one.name for one in found.variables]
    pool = PoolFindings(first, "log_linear", (), 60, (), "One.", "Two.", "the clause", "Genest C")
    text = study_methods(dataclasses.replace(found, pools=(pool,)), engines=FACTS)
    (decided,) = [one for one in text.paragraphs if "consensus label" in one]
    assert f"label for {others[0]}" in decided
    assert "One. Two. The consensus is the clause [" in decided
    assert "Genest C" in text.references
    every = tuple(dataclasses.replace(pool, variable=name) for name in (first, *others))
    alone = " ".join(
        study_methods(dataclasses.replace(found, pools=every), engines=FACTS).paragraphs
    )
    assert "derived by the method" not in alone


@pytest.mark.parametrize(
    ("rule", "named", "cited"),
    [
        ({"method": "majority"}, "more than half of an item's labels", ""),
        ({"method": "majority", "minimum_share": 0.6}, "at least the share 0.6", ""),
        ({"method": "dawid_skene"}, "one confusion matrix per rater", "Dawid AP, Skene AM (1979)"),
    ],
)
def test_the_consensus_method_is_explained_and_its_source_cited(
    found: StudyFindings, rule: dict[str, str | float], named: str, cited: str
) -> None:
    record = dataclasses.replace(found.record, rules={"consensus": rule, "escalation": []})
    text = study_methods(dataclasses.replace(found, record=record), engines=FACTS)
    (decided,) = [one for one in text.paragraphs if "consensus label was derived" in one]
    assert named in decided
    sources = [n for n, one in enumerate(text.references, 1) if cited and one.startswith(cited)]
    assert all(f"{named} [{n}]" in decided for n in sources)
    assert len(sources) == (1 if cited else 0)


@pytest.mark.parametrize("singles", [60, 0])
def test_items_with_one_label_are_said_to_count_where_they_do(singles: int) -> None:
    rows = [[0, 0]] * 15 + [[1, 1]] * 12 + [[0, 1]] * 13 + [[0, -1]] * singles
    matrix = LabelMatrix(np.array(rows, dtype=np.int16), ("a", "b"), ("one", "two"))
    agreement = measure_agreement(matrix, level="nominal", resamples=0, jackknife=False)
    text = " ".join(
        agreement_methods([agreement], program_version="1", resamples=0, seed=0).paragraphs
    )
    ac1 = agreement.coefficient("AC1").value or 0.0
    assert ("counted in the category shares" in text) == bool(singles)
    assert ("excluded from observed agreement" in text) == bool(singles)
    assert (f"AC1 is {ac1:.3f} with them and" in text) == bool(singles)
    assert "were left out of Krippendorff's alpha" in text or not singles


def test_the_methods_paragraph_names_the_intervals_that_were_used() -> None:
    def text_of(rows: list[list[int]]) -> str:
        matrix = LabelMatrix(np.array(rows, dtype=np.int16), ("a", "b"), ("one", "two"))
        agreement = measure_agreement(matrix, level="nominal", resamples=0, jackknife=False)
        return agreement_methods([agreement], program_version="1", resamples=0, seed=0).paragraphs[
            0
        ]

    few = text_of([[0, 0]] * 20 + [[0, 1], [1, 1]] * 5)
    assert "one further item" in few
    assert "They are analytic" not in few
    assert "Those from fewer than 100 items" in few
    assert "They from" not in few
    many = text_of([[0, 0]] * 200 + [[0, 1], [1, 1]] * 80)
    assert "They are analytic" in many
    assert "one further item" not in many
    assert "exact binomial bound" in text_of([[0, 0], [1, 1]] * 10)


def test_labels_by_people_are_in_the_methods_paragraph(found: StudyFindings) -> None:
    alone = " ".join(study_methods(found, engines=FACTS).paragraphs)
    assert "people gave" not in alone
    first, *others = found.variables
    people = PeopleCounts(3, 7, 1, 1, 0, 2, (4, 3))
    decided = dataclasses.replace(
        found, variables=(dataclasses.replace(first, people=people), *others)
    )
    text = " ".join(study_methods(decided, engines=FACTS).paragraphs)
    assert f"On {first.name}, people gave 7 items the final label, left 1 without one" in text
    assert "have not settled 1; 3 final labels came from the consensus" in text
    settled = dataclasses.replace(people, unresolved=0, open=0)
    decided = dataclasses.replace(
        found, variables=(dataclasses.replace(first, people=settled), *others)
    )
    text = " ".join(study_methods(decided, engines=FACTS).paragraphs)
    assert "people gave 7 items the final label; 3 final labels" in text
