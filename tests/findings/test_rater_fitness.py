"""What shows whether a rater is fit: counted by hand, and in the findings of a study."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.label import LabelOptions, label
from localensemble.api.report import write_report
from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.rater_fitness import Disagreement, disagreements
from localensemble.study.study import Study
from tests.studies import study_files

CATEGORIES = ("a", "b", "c")


def matrix_of(rows: list[list[int]], raters: int) -> LabelMatrix:
    indices = np.array(rows, dtype=np.int16).reshape(-1, raters)
    return LabelMatrix(indices, CATEGORIES, tuple(f"r{j}" for j in range(raters)))


def by_hand(rows: list[list[int]], column: int) -> tuple[int, int]:
    items = differing = 0
    for row in rows:
        others = Counter(label for j, label in enumerate(row) if j != column and label >= 0)
        leading = [label for label, count in others.items() if count == max(others.values())]
        if row[column] >= 0 and len(leading) == 1:
            items += 1
            differing += leading[0] != row[column]
    return items, differing


rows_of = st.integers(1, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.integers(-1, 2), min_size=raters, max_size=raters), min_size=1, max_size=30
    )
)


@given(rows=rows_of)
def test_disagreement_with_the_others_is_counted_as_by_hand(rows: list[list[int]]) -> None:
    for column, found in enumerate(disagreements(matrix_of(rows, len(rows[0])))):
        items, differing = by_hand(rows, column)
        assert (found.items, found.differing) == (items, differing)
        assert found.share == (differing / items if items else None)


def test_an_item_on_which_the_others_are_divided_is_not_compared() -> None:
    found = disagreements(matrix_of([[0, 1, 2], [0, 1, 1], [0, 0, 0]], 3))
    assert list(found) == [
        Disagreement(2, 1, 0.5),
        Disagreement(1, 0, 0.0),
        Disagreement(1, 0, 0.0),
    ]


def test_differing_from_raters_that_show_signs_of_being_unfit_does_not_count() -> None:
    # The first rater reads the texts; the others always give the same answer.
    matrix = matrix_of([[0, 2, 2], [1, 2, 2], [2, 2, 2]], 3)
    assert disagreements(matrix)[0] == Disagreement(3, 2, 2 / 3)
    found = disagreements(matrix, without=[False, True, True])
    assert list(found) == [
        Disagreement(0, 0, None),
        Disagreement(3, 2, 2 / 3),
        Disagreement(3, 2, 2 / 3),
    ]


def test_a_rater_alone_disagrees_with_nobody() -> None:
    assert list(disagreements(matrix_of([[0], [1]], 1))) == [Disagreement(0, 0, None)]
    assert list(disagreements(matrix_of([], 2))) == [Disagreement(0, 0, None)] * 2


@pytest.mark.slow  # labels a study
def test_the_findings_have_the_fitness_of_every_rater(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text number {n}" for n in range(60)])
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    found = write_report(files.study).findings
    with Study.open(files.study) as loaded:
        labels = loaded.recorded
        for variable in found.variables:
            block = labels.block(variable.name, start=0, stop=60)
            (decided,) = [one for one in loaded.decide() if one.variable.name == variable.name]
            for column, one in enumerate(variable.fitness):
                median = float(np.median(block.off_codebook_mass[:, column]))
                assert one.rater == labels.rater_names[column]
                assert one.inside_codebook == pytest.approx(1 - median)
                assert one.distinct_answers == len(np.unique(block.category[:, column]))
                named = sum(
                    any(one.rater in reason for reason in decided.reasons(item))
                    for item in range(60)
                )
                assert one.escalated == named
                assert one.signs == ()


@pytest.mark.slow  # imports a study
def test_a_rater_without_labels_and_one_that_answers_alike_show_signs(tmp_path: Path) -> None:
    ratings = tmp_path / "ratings.csv"
    rows = "".join(f"i-{n},{'ab'[n % 2]},a,\n" for n in range(30))
    ratings.write_text(f"id,varied,alike,silent\n{rows}", encoding="utf-8")
    import_ratings(ratings, output=tmp_path / "study", options=RatingsOptions(level="nominal"))
    (variable,) = write_report(tmp_path / "study").findings.variables
    signs = {one.rater: one.signs for one in variable.fitness}
    assert signs == {"varied": (), "alike": ("same_answer",), "silent": ("no_label",)}
    assert all(one.inside_codebook is None for one in variable.fitness)
