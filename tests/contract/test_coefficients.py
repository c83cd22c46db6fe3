"""Every coefficient through the same checks."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from localensemble.agreement import (
    ALL_COEFFICIENTS,
    AgreementError,
    AgreementSettings,
    Bootstrap,
    Coefficient,
    CoefficientMethod,
    Jackknife,
    coefficient_named,
    method_named,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import label_matrices, matrix_from, matrix_of, random_matrix

pytestmark = pytest.mark.slow  # generates many label matrices

NOMINAL = AgreementSettings(level="nominal")
SETTINGS = (NOMINAL, AgreementSettings(level="ordinal", weights="quadratic"))
# Every test runs for nine coefficients, most under two settings.
few = settings(max_examples=40)
every_coefficient = pytest.mark.parametrize(
    "method", ALL_COEFFICIENTS, ids=lambda method: method.name
)
every_setting = pytest.mark.parametrize("under", SETTINGS, ids=lambda under: f"{under.level}")


def raters_for(method: CoefficientMethod) -> int:
    return 2 if method.two_raters else 4


def small_matrices(method: CoefficientMethod) -> st.SearchStrategy[LabelMatrix]:
    return label_matrices(max_raters=raters_for(method))


def same(one: Coefficient, other: Coefficient) -> bool:
    """Equal up to rounding, and undefined for the same reason."""
    for field in fields(Coefficient):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, float) and isinstance(theirs, float):
            if not math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-10):
                return False
        elif mine != theirs:
            return False
    return True


@every_coefficient
@every_setting
@few
@given(data=st.data())
def test_no_number_is_ever_without_meaning(
    method: CoefficientMethod, under: AgreementSettings, data: st.DataObject
) -> None:
    matrix = data.draw(small_matrices(method))
    result = method.compute(matrix, under)
    for field in fields(Coefficient):
        number = getattr(result, field.name)
        assert not isinstance(number, float) or math.isfinite(number), field.name
    assert (result.value is None) == bool(result.undefined_because)
    assert result.items_used + result.items_left_out == matrix.item_count
    if result.value is None:
        assert result.interval_low is None
        assert result.standard_error is None
    else:
        assert result.value <= 1.0
        assert (result.interval_low is None) == bool(result.interval_undefined_because)
        assert (result.interval_low is None) == (result.interval_method == "")
    if result.interval_low is not None and result.value is not None:
        assert result.interval_high is not None
        assert result.interval_low <= result.value <= result.interval_high + 1e-12


@every_coefficient
@every_setting
@few
@given(data=st.data())
def test_the_order_and_names_of_raters_and_items_change_nothing(
    method: CoefficientMethod, under: AgreementSettings, data: st.DataObject
) -> None:
    matrix = data.draw(small_matrices(method))
    raters = data.draw(st.permutations(range(len(matrix.raters))))
    items = data.draw(st.permutations(range(matrix.item_count)))
    other = LabelMatrix(
        matrix.indices[np.ix_(items, raters)],
        matrix.categories,
        tuple(f"somebody {j}" for j in range(len(matrix.raters))),
    )
    assert same(method.compute(matrix, under), method.compute(other, under))


@every_coefficient
@few
@given(data=st.data())
def test_the_order_of_nominal_categories_changes_nothing(
    method: CoefficientMethod, data: st.DataObject
) -> None:
    matrix = data.draw(small_matrices(method))
    order = np.array(data.draw(st.permutations(range(matrix.category_count))))
    place = np.append(np.argsort(order), -1)
    other = LabelMatrix(
        place[matrix.indices].astype(np.int16),
        tuple(matrix.categories[k] for k in order),
        matrix.raters,
    )
    assert same(method.compute(matrix, NOMINAL), method.compute(other, NOMINAL))


@every_coefficient
@few
@given(data=st.data())
def test_reversing_ordered_categories_changes_nothing(
    method: CoefficientMethod, data: st.DataObject
) -> None:
    matrix = data.draw(small_matrices(method))
    last = matrix.category_count - 1
    turned = np.where(matrix.indices >= 0, last - matrix.indices, -1).astype(np.int16)
    other = LabelMatrix(turned, tuple(reversed(matrix.categories)), matrix.raters)
    assert same(method.compute(matrix, SETTINGS[1]), method.compute(other, SETTINGS[1]))


@every_coefficient
@every_setting
@few
@given(data=st.data())
def test_a_rater_of_gaps_and_items_of_gaps_change_nothing_but_the_count_left_out(
    method: CoefficientMethod, under: AgreementSettings, data: st.DataObject
) -> None:
    matrix = data.draw(small_matrices(method))
    indices = np.pad(matrix.indices, ((0, 2), (0, 1)), constant_values=-1)
    padded = LabelMatrix(indices, matrix.categories, (*matrix.raters, "absent"))
    result, other = method.compute(matrix, under), method.compute(padded, under)
    assert other.items_left_out == result.items_left_out + 2
    assert same(result, replace(other, items_left_out=result.items_left_out))


@every_coefficient
@every_setting
@few
@given(
    cells=st.lists(st.integers(0, 2), min_size=2, max_size=12),
    changed=st.data(),
)
def test_planted_disagreement_lowers_perfect_agreement(
    method: CoefficientMethod,
    under: AgreementSettings,
    cells: list[int],
    changed: st.DataObject,
) -> None:
    assume(len(set(cells)) > 1)
    raters = raters_for(method)
    perfect = matrix_from([[k] * raters for k in cells], category_count=3)
    before = method.compute(perfect, under)
    assert before.value == 1.0
    indices = perfect.indices.copy()
    item = changed.draw(st.integers(0, len(cells) - 1))
    rater = changed.draw(st.integers(0, raters - 1))
    indices[item, rater] = (indices[item, rater] + changed.draw(st.integers(1, 2))) % 3
    after = method.compute(LabelMatrix(indices, perfect.categories, perfect.raters), under)
    assert after.value is not None
    assert after.value < 1.0


@every_coefficient
def test_more_planted_disagreement_lowers_it_further(method: CoefficientMethod) -> None:
    generator = np.random.default_rng(7)
    hidden = generator.integers(0, 3, size=(300, 1))
    values = []
    for rate in (0.0, 0.1, 0.3, 0.6):
        cells = np.repeat(hidden, raters_for(method), axis=1)
        wrong = generator.random(cells.shape) < rate
        cells = np.where(wrong, generator.integers(0, 3, size=cells.shape), cells)
        value = method.compute(matrix_from(cells.tolist(), category_count=3), NOMINAL).value
        assert value is not None
        values.append(value)
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


@every_coefficient
@pytest.mark.parametrize("interval", [Bootstrap(400, seed=3), Jackknife()], ids=["boot", "jack"])
def test_resampled_standard_errors_are_near_the_analytic_one(
    method: CoefficientMethod, interval: Bootstrap | Jackknife
) -> None:
    matrix = random_matrix(11, items=400, raters=raters_for(method), gaps=0.1)
    analytic = method.compute(matrix, NOMINAL)
    other = method.compute(matrix, replace(NOMINAL, interval=interval))
    assert other.value == analytic.value
    assert other.standard_error == pytest.approx(analytic.standard_error, rel=0.1)
    assert other.interval_low == pytest.approx(analytic.interval_low, abs=0.02)
    assert other.interval_high == pytest.approx(analytic.interval_high, abs=0.02)


@every_coefficient
def test_the_same_seed_gives_the_same_bootstrap_interval(method: CoefficientMethod) -> None:
    matrix = random_matrix(5, raters=raters_for(method))
    one, again, other = (
        method.compute(matrix, replace(NOMINAL, interval=Bootstrap(200, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one.interval_low != other.interval_low


@every_coefficient
@every_setting
def test_inputs_are_never_written_to(method: CoefficientMethod, under: AgreementSettings) -> None:
    matrix = random_matrix(2, raters=raters_for(method))
    before = matrix.indices.copy()
    matrix.indices.flags.writeable = False
    method.compute(matrix, under)
    np.testing.assert_array_equal(matrix.indices, before)


@every_coefficient
def test_every_coefficient_is_cited_and_says_what_chance_is(method: CoefficientMethod) -> None:
    assert method.citation.endswith(".")
    assert method.corrected == (method.name != "percent agreement")
    matrix = matrix_of("ab", "aa", "bb") if method.two_raters else matrix_of("aab", "abb", "bbb")
    assert method.compute(matrix, NOMINAL).name == method.name


@pytest.mark.parametrize("name", sorted(m.name for m in ALL_COEFFICIENTS))
def test_every_name_is_used_once(name: str) -> None:
    assert [method.name for method in ALL_COEFFICIENTS].count(name) == 1


@every_coefficient
def test_what_people_type_is_read_as_this_coefficient_and_no_other(
    method: CoefficientMethod,
) -> None:
    for name in (method.name, method.possessive, *method.aliases):
        assert coefficient_named(name.upper()) is method
    assert method_named(method.name) is method


@every_coefficient
def test_every_coefficient_has_a_docstring_of_its_own(method: CoefficientMethod) -> None:
    for word in ("Undefined when: ", "Source: "):
        assert word in (method.__doc__ or "")


@pytest.mark.parametrize("name", ["ac1", "Brennan", "AC1 "])
def test_a_name_that_is_not_in_the_list_is_an_error(name: str) -> None:
    with pytest.raises(AgreementError, match="Unknown coefficient"):
        method_named(name)


@every_coefficient
def test_a_codebook_may_require_what_any_number_of_raters_has(method: CoefficientMethod) -> None:
    assert method.in_codebooks == (not method.two_raters)


@every_coefficient
def test_the_table_of_the_documentation_has_its_row(
    method: CoefficientMethod, repository: Path
) -> None:
    document = (repository / "docs" / "agreement.md").read_text(encoding="utf-8")
    raters = "two" if method.two_raters else "any number"
    chance = method.chance or "not corrected for"
    assert f"| {method.name} | {raters} | {chance} | {method.citation} |" in document
