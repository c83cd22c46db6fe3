"""Tables as people have them: read as what they are, or refused; never silently misread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localensemble.agreement import AgreementError
from localensemble.api.agree import (
    AgreementReport,
    AgreeOptions,
    NamedColumns,
    agree,
    write_agreement_html,
)
from localensemble.api.codebook import init
from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.core.errors import TableError


def measured(folder: Path, text: str, **options: Any) -> AgreementReport:
    path = folder / "ratings.csv"
    path.write_text(text, encoding="utf-8")
    columns = {name: options.pop(name) for name in NamedColumns.__slots__ if name in options}
    settings = AgreeOptions(
        level="nominal", resamples=0, columns=NamedColumns(**columns), **options
    )
    return agree(path, options=settings)


def values(report: AgreementReport, *names: str) -> list[float | None]:
    found = [one.agreement.coefficient(name).value for one in report.variables for name in names]
    return [None if value is None else round(value, 3) for value in found]


def lines(*rows: Sequence[object]) -> str:
    return "".join(",".join(map(str, cells)) + "\n" for cells in rows)


def test_qualtrics_header_rows_are_skipped(tmp_path: Path) -> None:
    # AC1 0.930 on 20 items: irrCAC.
    letters = "nsnnsrrsnrrrrrnrrrrr"
    rows = [(f"R_{n:03}", one, one) for n, one in enumerate(letters)]
    rows[11] = ("R_011", "r", "s")
    report = measured(
        tmp_path,
        "ResponseId,coder_a,coder_b\n"
        "Response ID,Coder A - how urgent?,Coder B - how urgent?\n"
        '"{""ImportId"":""_recordId""}","{""ImportId"":""QID7""}","{""ImportId"":""QID8""}"\n'
        + lines(*rows),
    )
    assert values(report, "AC1") == [0.930]
    assert report.variables[0].agreement.counts.items == 20
    assert "2 more header rows" in " ".join(report.messages)


def test_columns_by_rater_and_variable_give_each_variable_its_value(tmp_path: Path) -> None:
    # AC1 0.054 and 0.385: irrCAC.
    labels = {
        "ann_pain": "ynynynnnnnynyynynnnnnynyn",
        "ben_pain": "ynyynyynnyynnyynynyynnnyn",
        "ann_sleep": "nynynyyynnyynynynyyynyyyn",
        "ben_sleep": "yynnynynnnyynynyyyyynnyyy",
    }
    text = lines(
        ("item", *labels), *((n, *row) for n, row in enumerate(zip(*labels.values(), strict=True)))
    )
    with pytest.raises(TableError, match="several variables"):
        measured(tmp_path, text)
    assert values(measured(tmp_path, text, pattern="{rater}_{variable}"), "AC1") == [0.054, 0.385]
    for name, value in (("pain", 0.054), ("sleep", 0.385)):
        raters = (f"ann_{name}", f"ben_{name}")
        assert values(measured(tmp_path, text, raters=raters), "AC1") == [value]


@pytest.mark.parametrize("third", ["CURATION_USER", "adjudicated", "Gold standard"])
def test_a_curator_is_asked_about_and_can_be_left_out(tmp_path: Path, third: str) -> None:
    # AC1 -0.159 without: irrCAC.
    labels = {"ann": "yxyyyyyyxxxy", "ben": "xxxyyxxyxyyx", third: "yxxxyxxyxyyy"}
    tables = {
        "long": lines(
            ("document", "annotator", "label"),
            *((f"d{n}", name, row[n]) for n in range(12) for name, row in labels.items()),
        ),
        "wide": lines(
            ("document", *labels),
            *((n, *row) for n, row in enumerate(zip(*labels.values(), strict=True))),
        ),
    }
    for text in tables.values():
        with pytest.raises(TableError, match=third) as refused:
            measured(tmp_path, text)
        assert "--raters" in str(refused.value.hint)
        assert values(measured(tmp_path, text, without_raters=(third,)), "AC1") == [-0.159]
        assert values(measured(tmp_path, text, raters=("ann", "ben")), "AC1") == [-0.159]
        assert values(measured(tmp_path, text, raters=tuple(labels)), "AC1") == [0.114]


def test_checkboxes_alone_have_no_raters(tmp_path: Path) -> None:
    text = (
        "record_id,note,theme___1,theme___2,theme___3\n"
        '1,"Pain at night, poor sleep",1,1,0\n2,Eats well,0,0,1\n3,Pain in the hip,1,0,0\n'
        '4,Slept badly,0,1,0\n5,"Pain, no appetite",1,0,1\n6,Fine,0,0,0\n'
    )
    with pytest.raises(TableError, match="checkboxes"):
        measured(tmp_path, text)


SEVERAL = (
    "s/p psfm/psfm pm/p pm/pm psm/pfm pm/pm sf/ps psfm/psm p/p sm/sm m/m m/m pfm/sfm psf/psf m/m "
    "s/s m/m s/f s/s p/p sf/sf pfm/pfm pf/p sm/sm"
)


@pytest.mark.parametrize(("separator", "option"), [(" ", " "), ("#", "#"), ("; ", ";")])
def test_several_labels_in_a_cell_are_asked_about_then_measured_each(
    tmp_path: Path, separator: str, option: str
) -> None:
    # AC1 of each category: Gwet's formula by hand, (pa - pe) / (1 - pe) with pe = 2 pi (1 - pi).
    words = {"s": "sleep", "p": "pain", "f": "food", "m": "mood"}
    rows = [
        [separator.join(words[letter] for letter in cell) for cell in pair.split("/")]
        for pair in SEVERAL.split()
    ]
    text = lines(("_id", "coder1", "coder2"), *((n, *row) for n, row in enumerate(rows)))
    with pytest.raises(TableError, match="26 cells seem to hold several labels") as refused:
        measured(tmp_path, text)
    assert f"--split-labels '{option}'" in str(refused.value.hint)
    report = measured(tmp_path, text, split_labels=option)
    assert [one.variable for one in report.variables] == [
        f"ratings.{name}" for name in ("sleep", "pain", "food", "mood")
    ]
    assert values(report, "AC1") == [0.669, 0.750, 0.635, 0.918]
    assert len(measured(tmp_path, text, split_labels="no").variables) == 1


def test_lists_of_label_studio_are_asked_about_then_measured_each(tmp_path: Path) -> None:
    # AC1 of each category: Gwet's formula by hand, as above.
    both = '"{""choices"":[""Positive"",""Neutral""]}"'
    first = ["Positive", "Positive", both, "Neutral", *["Positive"] * 5, "Neutral"]
    second = ["Neutral", both, "Positive", "Negative", *["Positive"] * 2, both, "Positive"]
    second += [both, both]
    text = "id,annotator,sentiment,lead_time\n" + "".join(
        f"{n},{name},{label},3.2\n"
        for n, pair in enumerate(zip(first, second, strict=True))
        for name, label in zip("37", pair, strict=True)
    )
    with pytest.raises(TableError, match="as a list") as refused:
        measured(tmp_path, text, labels=("sentiment",))
    assert "--split-labels json" in str(refused.value.hint)
    report = measured(tmp_path, text, labels=("sentiment",), split_labels="json")
    assert [one.variable.partition(".")[2] for one in report.variables] == [
        *("Positive", "Neutral", "Negative"),
    ]
    assert values(report, "AC1") == [0.706, -0.154, 0.890]


def test_a_codebook_with_several_categories_for_a_text_names_the_variables(tmp_path: Path) -> None:
    codebook = tmp_path / "codebook.yaml"
    codebook.write_text(
        "name: t\nversion: '1'\ndescription: Themes.\nvariables:\n  - name: theme\n"
        "    level: multi_label\n    question: Does the text mention {category}?\n    categories:\n"
        "      - {name: Back pain, definition: It hurts.}\n"
        "      - {name: sleep, definition: Bad nights.}\n",
        encoding="utf-8",
    )
    text = "id,ann,ben\n1,Back pain;sleep,sleep\n2,sleep,sleep\n3,Back pain,Back pain;sleep\n"
    (tmp_path / "ratings.csv").write_text(text, encoding="utf-8")
    named = NamedColumns(raters=("ann", "ben"))
    options = AgreeOptions(resamples=0, columns=named, codebook=codebook, split_labels=";")
    report = agree(tmp_path / "ratings.csv", options=options)
    assert [one.variable for one in report.variables] == ["theme.back_pain", "theme.sleep"]


def test_labels_that_a_spreadsheet_made_dates_are_refused(tmp_path: Path) -> None:
    text = "item,ann,ben\n1,1-2,2026-02-01\n2,3-4,3-4\n3,1-2,2026-02-01\n4,3-4,3-4\n"
    with pytest.raises(TableError, match="date in rows 1, 3"):
        measured(tmp_path, text)


COUNTED = "0 0 14, 0 2 12, 3 5 6, 2 2 10, 7 7 0, 14 0 0, 0 14 0, 4 4 6"


@pytest.mark.parametrize("names", [("neg", "neu", "pos"), ("1", "2", "3")])
@pytest.mark.parametrize("total", [False, True])
def test_counts_per_category_are_asked_about_then_measured(
    tmp_path: Path, names: tuple[str, ...], total: bool
) -> None:
    # Fleiss kappa 0.486: statsmodels. AC1 0.503: irrCAC.
    rows = [row.split() for row in COUNTED.split(", ")]
    more = ["total"] if total else []
    text = lines(
        ("subject", *names, *more),
        *((n, *row, *(["14"] if total else [])) for n, row in enumerate(rows)),
    )
    with pytest.raises(TableError, match="seem to count") as refused:
        measured(tmp_path, text)
    assert "--layout counts" in str(refused.value.hint)
    report = measured(tmp_path, text, layout="counts")
    assert values(report, "Fleiss kappa", "AC1") == [0.486, 0.503]
    agreement = report.variables[0].agreement
    assert agreement.coefficient("AC1").raters == 14
    assert (agreement.by_rater, agreement.by_pair, agreement.without_rater) == ((), (), ())
    with pytest.raises(AgreementError, match="which rater gave a label"):
        measured(tmp_path, text, layout="counts", coefficients=("Conger kappa",))
    write_agreement_html(report, path=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "does not tell the raters apart" in page
    assert "By rater" not in page


def test_two_counted_raters_have_no_kappa_of_cohen(tmp_path: Path) -> None:
    text = "id,a,b\n1,2,0\n2,2,0\n3,1,1\n4,0,2\n5,0,2\n"
    names = [
        one.name
        for one in measured(tmp_path, text, layout="counts").variables[0].agreement.coefficients
    ]
    assert "Scott pi" in names
    assert {"Cohen kappa", "Conger kappa"}.isdisjoint(names)


SURVEY = (
    "ResponseId,Q1,Q2\nResponse ID,How are you today?,Urgent?\n"
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n'
    + "".join(
        f"R_{n},{'The ward was loud at night and I slept badly.'},{'yn'[n % 2]}\n" for n in range(6)
    )
)


def test_init_and_import_know_the_header_rows_of_a_survey(tmp_path: Path) -> None:
    items = tmp_path / "survey.csv"
    items.write_text(SURVEY, encoding="utf-8")
    started = init(items, folder=tmp_path)
    assert started.label_columns == ("Q2",)
    assert "2 more header rows" in " ".join(started.messages)
    draft = (tmp_path / "codebook.yaml").read_text(encoding="utf-8")
    assert "Urgent?" not in draft
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(SURVEY.replace("Q1", "ann").replace("Q2", "ben"), encoding="utf-8")
    options = RatingsOptions(
        level="nominal", columns=NamedColumns(raters=("ben",)), items=items, text_column="Q1"
    )
    imported = import_ratings(ratings, output=tmp_path / "study", options=options)
    assert imported.findings.item_count == 6
