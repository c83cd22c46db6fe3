"""Ratings in frames: gaps, codes and categories mean what a person means by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import localensemble as le

pytestmark = pytest.mark.slow  # decides many small studies

LEVELS = ["low", "medium", "high"]


def wide(**columns: Any) -> pd.DataFrame:
    """A frame of six items and the raters' columns."""
    return pd.DataFrame({"id": list("abcdef")} | columns)


def values(frame: pd.DataFrame, **options: Any) -> dict[str, float]:
    """The value of every coefficient."""
    table = le.agree(frame, bootstrap=0, **options).table()
    names = table["coefficient"] + " " + table["weights"]
    return dict(zip(names, table["value"].tolist(), strict=True))


PLAIN = wide(ann=["x", "y", "x", "y", "x", "y"], bob=["x", "y", "y", "y", "x", ""])


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT])
def test_every_missing_value_is_a_gap(gap: Any) -> None:
    frame = wide(ann=list("xyxyxy"), bob=pd.Series(["x", "y", "y", "y", "x", gap], dtype=object))
    assert values(frame, level="nominal") == values(PLAIN, level="nominal")


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_the_dtype_of_texts_does_not_matter(dtype: str) -> None:
    frame = PLAIN.replace("", None).astype({"ann": dtype, "bob": dtype})
    assert values(frame, level="nominal") == values(PLAIN, level="nominal")


def test_a_rater_of_integers_and_one_of_floats_use_the_same_categories() -> None:
    integers = wide(ann=[1, 2, 1, 2, 1, 2], bob=pd.array([1, 2, 2, 2, 1, None], dtype="Int64"))
    floats = wide(ann=[1, 2, 1, 2, 1, 2], bob=[1.0, 2.0, 2.0, 2.0, 1.0, None])
    texts = wide(ann=list("121212"), bob=["1", "2", "2", "2", "1", None])
    assert values(integers, level="nominal") == values(floats, level="nominal")
    assert values(integers, level="nominal") == values(texts, level="nominal")


def test_one_and_a_half_is_another_category_than_one() -> None:
    frame = wide(ann=[1, 2, 1, 2, 1, 2], bob=[1.5, 2, 1, 2, 1, 2])
    report = le.agree(frame, level="nominal", bootstrap=0).report
    assert set(report.variables[0].agreement.categories) == {"1", "1.5", "2"}


def test_truth_values_are_two_categories() -> None:
    frame = wide(
        ann=[True, False] * 3, bob=pd.array([True, False] * 2 + [None] * 2, dtype="boolean")
    )
    assert values(frame, level="nominal")["AC1 identity"] == 1.0


def test_the_order_of_an_ordered_categorical_is_taken() -> None:
    dtype = pd.CategoricalDtype(LEVELS, ordered=True)
    words = ["low", "high", "medium", "low", "high", "low"]
    frame = wide(ann=words, bob=list(reversed(words))).astype({"ann": dtype, "bob": dtype})
    plain = frame.astype({"ann": "object", "bob": "object"})
    assert values(frame, level="ordinal") == values(plain, level="ordinal", categories=LEVELS)
    with pytest.raises(le.LocalEnsembleError, match="needs the order"):
        le.agree(plain, level="ordinal")


def test_categories_are_given_in_their_order_and_as_their_numbers() -> None:
    frame = wide(ann=[1, 2, 3, 1, 2, 3], bob=[1, 3, 3, 1, 2, 2])
    found = values(frame, level="nominal", categories=[1.0, 2.0, 3.0])
    assert found == values(frame, level="nominal", categories=["1", "2", "3"])
    # A set has no order, so that an ordinal coefficient would change from run to run.
    wrong: tuple[Any, ...] = (set(LEVELS), frozenset(LEVELS), "123")
    for categories in wrong:
        for verb in (le.agree, le.import_ratings):
            with pytest.raises(le.LocalEnsembleError, match="expected a list"):
                verb(frame, level="ordinal", categories=categories)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("level", "Nominal"), ("layout", "Long"), ("bootstrap", -1), ("bootstrap", 1.5)),
        *(("seed", -1), ("confidence", 1), ("confidence", float("nan"))),
    ],
)
def test_an_option_the_command_line_would_refuse_is_refused(name: str, value: Any) -> None:
    options: dict[str, Any] = {"level": "nominal", name: value}
    with pytest.raises(le.LocalEnsembleError, match=rf"{name}: found .*expected"):
        le.agree(PLAIN, **options)


@pytest.mark.parametrize("level", ["interval", "Ordinal", "binary"])
def test_a_study_of_ratings_is_nominal_or_ordinal(level: Any) -> None:
    with pytest.raises(le.LocalEnsembleError, match='"nominal" or "ordinal"'):
        le.import_ratings(PLAIN, level=level)


def test_words_of_certify_and_calibrate_are_refused_as_on_the_command_line() -> None:
    gold = pd.DataFrame({"id": list("abcdef"), "gold_ratings": list("xyxyxy")})
    other: Any = "Temperature"
    with le.import_ratings(PLAIN, level="nominal") as study:
        with pytest.raises(le.LocalEnsembleError, match=r'method: .*"temperature" or "isotonic"'):
            study.calibrate(variable="ratings", method=other, gold=gold)
        with pytest.raises(le.LocalEnsembleError, match=r'by: .*"support"'):
            study.certify(gold, variable="ratings", by=other)


@pytest.mark.parametrize("option", ["limit", "threads"])
@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_a_run_is_refused_where_a_count_is_not_at_least_1(option: str, value: Any) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(le.LocalEnsembleError, match=f"{option}: found .*at least 1"):
        le.label(PLAIN, codebook={}, **options)


def test_a_long_frame_with_repeated_index_values_is_read() -> None:
    long = PLAIN.replace("", None).melt(id_vars="id", var_name="rater", value_name="label")
    doubled = long.set_index(pd.Index([0] * len(long)))
    assert values(doubled, level="nominal") == values(PLAIN, level="nominal")
    by_item = long.set_index("id")
    assert values(by_item, level="nominal") == values(PLAIN, level="nominal")


def test_an_index_of_texts_gives_the_items_and_must_not_repeat() -> None:
    indexed = PLAIN.set_index("id").rename_axis(None)
    assert values(indexed, level="nominal") == values(PLAIN, level="nominal")
    indexed.index = pd.Index(list("abcdea"))
    with pytest.raises(le.LocalEnsembleError, match="rows 1 and 6"):
        le.agree(indexed, level="nominal")


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (PLAIN.set_axis(["id", "ann", "ann"], axis=1), "the same name"),
        (pd.concat({"r": PLAIN}, axis=1), "2 levels"),
        (wide(ann=list("xyxyxy"), bob=pd.Series([b"secret"] * 6)), '"bob", row 1.*type bytes'),
        (wide(ann=list("xyxyxy"), bob=pd.Series([["secret"]] * 6)), '"bob", row 1.*type list'),
        (PLAIN.head(0), "no row"),
        (wide(ann=["x", "NA", "x", "y", "x", "y"], bob=list("xyxyxy")), "gap"),
        (PLAIN.drop(columns=["ann", "bob"]), "not clear which columns"),
    ],
    ids=["names", "levels", "bytes", "lists", "empty", "words", "raters"],
)
def test_what_could_be_read_in_two_ways_is_refused(frame: pd.DataFrame, found: str) -> None:
    for verb in (le.agree, le.import_ratings):
        with pytest.raises(le.LocalEnsembleError, match=found) as refused:
            verb(frame, level="nominal")
        assert refused.value.message.startswith("ratings")
        assert "secret" not in str(refused.value)


def test_a_level_is_asked_for() -> None:
    with pytest.raises(le.LocalEnsembleError, match="level"):
        le.agree(PLAIN)


def test_the_table_of_coefficients_has_stable_columns_and_dtypes() -> None:
    one_category = le.agree(wide(ann=list("xxxxxx"), bob=list("xxxxxx")), level="nominal")
    usual = le.agree(PLAIN, level="nominal")
    pd.testing.assert_series_equal(one_category.table().dtypes, usual.table().dtypes)
    undefined = one_category.table().set_index("coefficient").loc["Fleiss kappa"]
    assert pd.isna(undefined["value"])
    assert undefined["undefined_because"]
    items = usual.by_item()
    assert list(items["item"]) == list("abcdef")
    assert items["labels"].tolist() == [2, 2, 2, 2, 2, 1]
    assert items["agreement"].isna().tolist() == [False] * 5 + [True]


def test_what_agreement_means_is_said_in_words_and_written_as_a_page(tmp_path: Path) -> None:
    found = le.agree(PLAIN, level="nominal", require="AC1 >= 0.99")
    assert not found.met
    assert "AC1" in found.sentences[0]
    assert repr(found).startswith("Agreement in ratings")
    page = found._repr_html_()
    assert "<table>" in page
    assert "AC1" in page
    written = found.write_html(tmp_path / "agreement.html")
    assert "<html" in written.read_text(encoding="utf-8")


def test_names_in_pages_are_escaped() -> None:
    frame = PLAIN.rename(columns={"ann": "<script>ann"})
    assert "<script>" not in le.agree(frame, level="nominal", name="<b>table")._repr_html_()
    assert "<b>table" not in le.agree(frame, level="nominal", name="<b>table")._repr_html_()
    with le.import_ratings(frame, level="nominal") as study:
        assert "<script>" not in study._repr_html_()


def test_a_forest_plot_shows_every_variable_and_is_saved(tmp_path: Path) -> None:
    long = pd.DataFrame(
        {
            "item": ["a", "b", "a", "b"] * 2,
            "rater": ["ann", "ann", "bob", "bob"] * 2,
            "topic": ["x", "y", "x", "x"] * 2,
            "round": ["first"] * 4 + ["second"] * 4,
        }
    )
    found = le.agree(long, level="nominal", label="topic", group="round", bootstrap=0)
    plot = le.forest_plot(found)
    assert plot.svg.count("<svg") == 2
    assert len(repr(plot)) < 100
    assert "--ink" in plot._repr_html_()
    assert plot.save(tmp_path / "plot.html").read_text(encoding="utf-8").count("<svg") == 2


def test_imported_ratings_are_a_study(tmp_path: Path) -> None:
    study = le.import_ratings(PLAIN, level="nominal", output=tmp_path / "study", name="harm")
    assert study.raters == ("ann", "bob")
    assert [variable.name for variable in study.codebook.variables] == ["harm"]
    assert study.items == tuple("abcdef")
    labels = study.labels("harm")
    assert labels["category"].tolist()[:2] == ["x", "x"]
    assert (labels["status"] == "missing").sum() == 1
    assert study.with_rules(policies=[{"policy": "missing_raters"}]).decide().queue() is not None
    agreed = values(PLAIN, level="nominal")
    assert study.agreement(bootstrap=0).table()["value"].tolist() == list(agreed.values())
    corrected = PLAIN.assign(bob="x")
    again = le.import_ratings(corrected, level="nominal", output=study.path, name="harm")
    assert any("kept as" in message for message in again.messages)


def test_a_codebook_names_variables_and_categories() -> None:
    codebook = {
        "name": "ward",
        "version": "1",
        "variables": [
            {
                "name": "harm",
                "level": "ordinal",
                "question": "How bad is it?",
                "categories": [
                    {"name": name, "definition": f"It is {name} here."} for name in LEVELS
                ],
            }
        ],
    }
    frame = wide(ann=LEVELS * 2, bob=LEVELS * 2)
    with le.import_ratings(frame, codebook=codebook) as study:
        assert study.decisions("harm")["label"].cat.ordered
        assert study.decisions("harm")["label"].cat.categories.tolist() == LEVELS
    assert le.agree(frame, codebook=codebook).report.variables[0].variable == "harm"


def test_options_about_a_table_are_refused_for_a_study() -> None:
    with le.import_ratings(PLAIN, level="nominal") as study:
        with pytest.raises(le.LocalEnsembleError, match="a study has its own"):
            study.agreement(raters=["ann", "bob"])
        assert le.agree(study, bootstrap=0).table().equals(study.agreement(bootstrap=0).table())


CODES = st.lists(st.one_of(st.integers(0, 3), st.none()), min_size=6, max_size=6)


@settings(max_examples=25)
@given(ann=CODES, bob=CODES, dtypes=st.tuples(*[st.sampled_from(["Int64", "float", "object"])] * 2))
def test_agreement_does_not_depend_on_the_dtype_of_codes(
    ann: list[int | None], bob: list[int | None], dtypes: tuple[str, str]
) -> None:
    texts = wide(ann=ann, bob=bob).astype({"ann": "Int64", "bob": "Int64"}).astype("string")
    typed = texts.astype({"ann": "Int64", "bob": "Int64"})
    for name, dtype in zip(("ann", "bob"), dtypes, strict=True):
        typed[name] = typed[name].astype("Float64" if dtype == "float" else dtype)
    options: dict[str, Any] = {"level": "nominal", "raters": ("ann", "bob")}
    options["categories"] = ["0", "1", "2", "3"]
    before, after = values(texts, **options), values(typed, **options)
    assert str(before) == str(after)
