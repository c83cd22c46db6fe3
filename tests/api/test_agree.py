"""`agree` gives the values that others computed, on tables of every shape and on studies."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from localensemble.agreement import AgreementError, Level, LevelError
from localensemble.api.agree import (
    AgreementReport,
    AgreeOptions,
    NamedColumns,
    agree,
    agreement_as_json,
    write_agreement_html,
    write_agreement_json,
    write_coefficients,
    write_item_agreement,
)
from localensemble.api.cross_check import reference_environment
from localensemble.api.cross_check.reference_environment import REFERENCE_VARIABLE, ReferencePython
from localensemble.api.label import LabelOptions, label
from localensemble.core.errors import InputError, LedgerError, TableError
from tests.reference_values import TOLERANCE, coefficient_of
from tests.studies import CODEBOOK, study_files

pytestmark = pytest.mark.slow  # resamples every coefficient


def table(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def quick(level: Level | None = "nominal", **options: Any) -> AgreeOptions:
    return AgreeOptions(level=level, resamples=0, **options)


def reference(shared: Path, key: str) -> dict[str, float]:
    text = (shared / "data" / "reference_values.json").read_text(encoding="utf-8")
    values: dict[str, float] = json.loads(text)[key]
    return values


def assert_meets(report: AgreementReport, expected: dict[str, float], *, place: int = 0) -> None:
    agreement = report.variables[place].agreement
    assert agreement.counts.items == expected["items"]
    assert len(agreement.raters) == expected["raters"]
    assert agreement.counts.labels == expected["ratings"]
    compared = 0
    for key, number in expected.items():
        if name := coefficient_of(key):
            value = agreement.coefficient(name, weights="identity").value
            assert value == pytest.approx(number, abs=TOLERANCE), key
            compared += 1
    alpha = f"alpha_{agreement.level}"
    if alpha in expected:
        value = agreement.coefficient("Krippendorff alpha").value
        assert value == pytest.approx(expected[alpha], abs=TOLERANCE)
        compared += 1
    assert compared


@pytest.mark.parametrize(
    ("file", "level"),
    [
        ("annomi/client_ratings", "nominal"),
        ("annomi/therapist_ratings", "nominal"),
        ("pubmedqa/ratings", "nominal"),
        ("snow2008/wsd_ratings", "nominal"),
        ("agreement_worked_examples/fleiss1971_psychiatric", "nominal"),
        ("agreement_worked_examples/gwet_3x3_abstractors", "nominal"),
        ("agreement_worked_examples/gwet_4raters", "nominal"),
        ("agreement_worked_examples/gwet_4raters", "ordinal"),
        ("agreement_worked_examples/gwet_5observers", "ratio"),
        ("agreement_worked_examples/krippendorff2011", "interval"),
        ("agreement_worked_examples/krippendorff2011", "ratio"),
    ],
)
def test_a_public_rater_set_has_its_reference_values(shared: Path, file: str, level: Level) -> None:
    report = agree(shared / "data" / f"{file}.csv", options=quick(level))
    assert_meets(report, reference(shared, file))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_a_crowd_with_gaps_has_its_reference_values(
    shared: Path, tmp_path: Path, level: Level
) -> None:
    packed = shared / "data" / "popquorn_offensiveness" / "ratings.csv.gz"
    path = tmp_path / "ratings.csv"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    report = agree(path, options=quick(level))
    assert_meets(report, reference(shared, "popquorn_offensiveness/ratings"))


def test_two_relations_of_one_crowd_are_two_variables(shared: Path, tmp_path: Path) -> None:
    packed = shared / "data" / "medrel_crowd" / "ratings.csv.gz"
    with (
        gzip.open(packed, "rt", encoding="utf-8", newline="") as given,
        (tmp_path / "relations.csv").open("w", encoding="utf-8", newline="") as written,
    ):
        rows = csv.writer(written)
        rows.writerow(("id", "rater", "CAUSES", "TREATS"))
        for row in csv.DictReader(given):
            chosen = row["label"].split("|")
            said = ["yes" if relation in chosen else "no" for relation in ("CAUSES", "TREATS")]
            rows.writerow((row["id"], row["rater"], *said))
    report = agree(
        tmp_path / "relations.csv",
        options=quick(columns=NamedColumns(labels=("CAUSES", "TREATS"))),
    )
    for place, relation in enumerate(("CAUSES", "TREATS")):
        expected = reference(shared, f"medrel_crowd/ratings {relation} yes/no")
        assert_meets(report, expected, place=place)


def test_a_variable_column_gives_each_variable_its_values(shared: Path) -> None:
    report = agree(
        shared / "data" / "snow2008" / "emotion_ratings.csv",
        options=quick("interval", columns=NamedColumns(variable="dimension")),
    )
    assert len(report.variables) == 7
    for place, one in enumerate(report.variables):
        expected = reference(shared, f"snow2008/emotion_ratings {one.variable}")
        assert_meets(report, expected, place=place)


LONG = "item,rater,label\n" + "".join(
    f"i{n},{rater},{'abc'[(n + shift * (n % 4 == 0)) % 3]}\n"
    for n in range(24)
    for shift, rater in enumerate(("ann", "bob", "cy"))
)


def as_wide(folder: Path) -> Path:
    labels: dict[str, list[str]] = {}
    for row in csv.DictReader(LONG.splitlines()):
        labels.setdefault(row["item"], []).append(row["label"])
    rows = "".join(f"{item},{','.join(words)}\n" for item, words in labels.items())
    return table(folder, f"id,ann,bob,cy\n{rows}", "wide.csv")


def as_workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in csv.reader(LONG.splitlines()):
        book.active.append(row)
    book.save(folder / "long.xlsx")
    return folder / "long.xlsx"


def as_parquet(folder: Path) -> Path:
    rows = list(csv.DictReader(LONG.splitlines()))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "long.parquet")
    return folder / "long.parquet"


@pytest.mark.parametrize("write", [as_wide, as_workbook, as_parquet])
def test_every_shape_of_a_table_gives_the_same_numbers(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    long = agree(table(tmp_path, LONG), options=quick())
    other = agree(write(tmp_path), options=quick())
    assert other.variables[0].agreement == long.variables[0].agreement


def test_each_group_is_measured_on_its_own_items_and_raters(tmp_path: Path) -> None:
    text = "item,rater,label,ward\n1,a,x,north\n1,b,x,north\n2,c,x,south\n2,d,y,south\n"
    report = agree(table(tmp_path, text), options=quick(columns=NamedColumns(group="ward")))
    north, south = report.variables
    assert (north.title, south.title) == ("label, north", "label, south")
    assert (north.agreement.raters, south.agreement.raters) == (("a", "b"), ("c", "d"))
    # Categories are of the variable, so that groups can be compared.
    assert north.agreement.categories == south.agreement.categories == ("x", "y")
    assert [one.agreement.coefficient("AC1").value for one in (north, south)] == [1.0, -1.0]


def test_declared_categories_count_even_when_nobody_chose_them(tmp_path: Path) -> None:
    path = table(tmp_path, LONG)
    occurring = agree(path, options=quick())
    declared = agree(path, options=quick(categories=("a", "b", "c", "d", "e")))
    first, second = (one.variables[0].agreement for one in (occurring, declared))
    assert second.categories == ("a", "b", "c", "d", "e")
    assert first.coefficient("AC1").value != second.coefficient("AC1").value
    assert first.coefficient("Fleiss kappa").value == second.coefficient("Fleiss kappa").value
    assert not any("took the" in message for message in declared.messages)


@pytest.fixture
def codebook(tmp_path: Path) -> Path:
    return table(tmp_path, CODEBOOK, "codebook.yaml")


def test_a_codebook_gives_level_and_categories(tmp_path: Path, codebook: Path) -> None:
    text = "id,rater,topic,urgent\n1,a,food,yes\n1,b,food,no\n2,a,staff,no\n2,b,food,no\n"
    report = agree(table(tmp_path, text), options=quick(None, codebook=codebook))
    assert [(one.variable, one.agreement.level, one.agreement.categories) for one in
            report.variables] == [
        ("topic", "nominal", ("staff", "food", "other")),
        ("urgent", "nominal", ("yes", "no")),
    ]  # fmt: skip
    assert any('columns "topic", "urgent"' in message for message in report.messages)


def test_a_codebook_of_one_variable_is_about_the_table(tmp_path: Path, codebook: Path) -> None:
    content = codebook.read_text(encoding="utf-8")
    codebook.write_text(content[: content.index("  - name: urgent")], encoding="utf-8")
    report = agree(table(tmp_path, "id,a,b\n1,food,food\n2,food,staff\n"),
                   options=quick(None, codebook=codebook))  # fmt: skip
    assert report.variables[0].variable == "topic"


def test_a_table_about_something_else_than_the_codebook_is_refused(
    tmp_path: Path, codebook: Path
) -> None:
    with pytest.raises(InputError, match='no variable "label"'):
        agree(table(tmp_path, LONG), options=quick(None, codebook=codebook))


def test_a_study_is_measured_as_its_codebook_says(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(30)])
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    report = agree(files.study, options=quick(None, requirements=("AC1 >= -1",)))
    assert report.source == "study"
    assert [(one.variable, one.agreement.level) for one in report.variables] == [
        ("topic", "nominal"),
        ("urgent", "nominal"),
    ]
    assert report.variables[0].agreement.raters == ("first", "second", "third")
    assert report.variables[0].items[:2] == ("i-0", "i-1")
    with pytest.raises(InputError, match="a study has its own items"):
        agree(files.study, options=quick(columns=NamedColumns(item="id")))
    with pytest.raises(LevelError, match="level interval needs numbers"):
        agree(files.study, options=quick("interval"))
    (tmp_path / "none").mkdir()
    with pytest.raises(LedgerError):
        agree(tmp_path / "none", options=quick(None))


def test_without_a_level_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the level of measurement is not given"):
        agree(table(tmp_path, LONG), options=quick(None))


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("id,a\n1,x\n2,y\n", "no item has labels from two raters"),
        ("id,a,b\n1,,\n2,,\n", "no item has labels from two raters"),
        ("id,rater,label\n1,a,\n1,b,\n", "no item has labels from two raters"),
    ],
    ids=["one rater", "all gaps, wide", "all gaps, long"],
)
@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_what_is_undefined_is_said_in_words(
    tmp_path: Path, text: str, because: str, level: Level
) -> None:
    report = agree(table(tmp_path, text), options=quick(level, requirements=("AC1 >= 0",)))
    found = report.variables[0]
    for one in found.agreement.coefficients:
        assert one.value is None
        assert because in one.undefined_because
    assert not report.met
    assert json.dumps(agreement_as_json(report), allow_nan=False)


def test_twelve_raters_and_forty_categories_are_measured(tmp_path: Path) -> None:
    raters = [f"r{j}" for j in range(12)]
    rows = "".join(
        f"i{i},{','.join(f'c{(i + (j == i % 12)) % 40:02}' for j in range(12))}\n"
        for i in range(80)
    )
    report = agree(table(tmp_path, f"id,{','.join(raters)}\n{rows}"), options=quick())
    found = report.variables[0].agreement
    assert (len(found.by_pair), len(found.by_category), len(found.without_rater)) == (66, 40, 12)


@pytest.mark.parametrize(
    ("options", "error", "found"),
    [
        ({"weights": "cubic"}, AgreementError, 'weighting scheme "cubic"'),
        ({"weights": "quadratic"}, LevelError, "quadratic weights need ordered"),
        ({"coefficients": ("kapa",)}, AgreementError, "Unknown coefficient 'kapa'"),
        ({"coefficients": ("Cohen",)}, AgreementError, "two raters"),
        ({"coefficients": ("AC2",)}, AgreementError, "needs weights"),
        ({"requirements": ("AC1 > 0.6",)}, AgreementError, "Cannot read the requirement"),
        ({"level": "ordinally"}, LevelError, "'ordinally'"),
        ({"confidence_level": 1.0}, AgreementError, "confidence"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: dict[str, Any], error: type[InputError], found: str
) -> None:
    with pytest.raises(error, match=found):
        agree(table(tmp_path, LONG), options=quick(**options))


def test_a_table_of_weights_is_used_and_called_custom(tmp_path: Path) -> None:
    weights = table(tmp_path, "w,c,b,a\nc,1,0.5,0\nb,0.5,1,0.5\na,0,0.5,1\n", "weights.csv")
    path = table(tmp_path, LONG)
    own = agree(path, options=quick(weights=str(weights)))
    linear = agree(path, options=quick("ordinal", weights="linear", categories=("a", "b", "c")))
    values = [one.variables[0].agreement.coefficient("AC2") for one in (own, linear)]
    assert values[0].value == pytest.approx(values[1].value)
    assert [value.weights for value in values] == ["custom", "linear"]
    content = agreement_as_json(own)
    assert isinstance(content, dict)
    assert content["weights"] == "custom"


def test_requirements_look_at_the_lower_end_also_of_what_is_not_shown(tmp_path: Path) -> None:
    report = agree(
        table(tmp_path, LONG),
        options=quick(coefficients=("alpha",), requirements=("AC1 >= 0.2", "percent >= 0.99")),
    )
    (found,) = report.variables
    assert [one.coefficient.name for one in found.coefficients] == ["Krippendorff alpha"]
    assert [verdict.met for verdict in found.verdicts] == [True, False]
    assert not report.met


def test_a_cross_check_compares_every_variable_or_says_why_not(
    tmp_path: Path, reference_python: ReferencePython
) -> None:
    report = agree(
        table(tmp_path, LONG),
        options=quick("ordinal", categories=("a", "b", "c"), cross_check=True),
    )
    assert {check.weights for check in report.checks} >= {"identity", "ordinal"}
    for check in report.checks:
        assert (check.largest_difference is None) == bool(check.not_compared_because)
        assert (check.largest_difference or 0.0) < 1e-7
    content = agreement_as_json(report)
    assert isinstance(content, dict)
    summary = content["cross_check"]
    assert summary["largest_difference"] == max(
        one.largest_difference or 0 for one in report.checks
    )
    assert summary["compared"] + summary["not_compared"] == len(report.checks)
    assert set(summary["packages"]) == {"irrCAC", "krippendorff"}
    write_agreement_html(report, path=tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"the largest difference is {summary['largest_difference']:.1e}" in page
    assert "not compared: irrCAC" in page


def test_without_a_cross_check_nothing_is_said_of_one(tmp_path: Path) -> None:
    report = agree(table(tmp_path, LONG), options=quick())
    content = agreement_as_json(report)
    assert isinstance(content, dict)
    assert content["cross_check"] is None
    write_agreement_html(report, path=tmp_path / "a.html")
    assert "Cross-check" not in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_cross_check_without_an_environment_is_refused_before_the_table_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(REFERENCE_VARIABLE, raising=False)
    monkeypatch.setattr(reference_environment, "find_spec", lambda package: None)
    monkeypatch.setattr(reference_environment, "checkout_dir", lambda: None)
    with pytest.raises(InputError, match="Cannot cross-check"):
        agree(tmp_path / "absent.csv", options=quick(cross_check=True))


def test_the_same_seed_gives_the_same_bootstrap(tmp_path: Path) -> None:
    path = table(tmp_path, LONG)
    first, again, other = (
        agree(path, options=AgreeOptions(level="nominal", resamples=50, seed=seed))
        for seed in (1, 1, 2)
    )
    assert agreement_as_json(first) == agreement_as_json(again)
    drawn = [one.variables[0].coefficients[1].bootstrap for one in (first, other)]
    assert drawn[0] != drawn[1]


def test_files_hold_every_digit_and_every_reason(tmp_path: Path) -> None:
    text = "id,ann,bob\n1,x,x\n2,x,y\n3,y,y\n4,,x\n5,,\n"
    report = agree(table(tmp_path, text), options=quick())
    write_agreement_json(report, path=tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert content == agreement_as_json(report)
    (variable,) = content["variables"]
    found = report.variables[0].agreement
    assert variable["items"] == {
        "items": 5, "used": 3, "with_one_label": 1, "without_labels": 1, "labeled_by_all": 3,
        "unanimous": 2, "labels": 7,
    }  # fmt: skip
    assert [one["value"] for one in variable["coefficients"]] == [
        one.value for one in found.coefficients
    ]
    assert content["met"] is None
    write_coefficients(report, path=tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["value"]) for row in rows] == [one.value for one in found.coefficients]
    write_item_agreement(report, path=tmp_path / "items.csv")
    with (tmp_path / "items.csv").open(encoding="utf-8", newline="") as stream:
        items = [(row["item"], row["labels"], row["agreement"]) for row in csv.DictReader(stream)]
    assert items == [
        ("1", "2", "1.0"), ("2", "2", "0.0"), ("3", "2", "1.0"), ("4", "1", ""), ("5", "0", ""),
    ]  # fmt: skip


def test_an_undefined_coefficient_is_null_with_its_reason(tmp_path: Path) -> None:
    report = agree(table(tmp_path, "id,a,b\n1,x,x\n2,x,x\n"), options=quick())
    content = agreement_as_json(report)
    assert isinstance(content, dict)
    fleiss = next(
        one for one in content["variables"][0]["coefficients"] if one["name"] == "Fleiss kappa"
    )
    assert fleiss["value"] is None
    assert 'only the category "x" occurs' in fleiss["undefined_because"]


def test_a_word_no_category_is_named_by_its_row_and_not_repeated(tmp_path: Path) -> None:
    text = "id,rater,label\n1,a,x\n1,b,Mrs Winterbottom\n"
    with pytest.raises(TableError, match="not a declared category in row 2") as refused:
        agree(table(tmp_path, text), options=quick(categories=("x", "y")))
    assert "Winterbottom" not in str(refused.value)
