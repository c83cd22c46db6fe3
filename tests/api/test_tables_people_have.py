"""Tables as people have them: read as what they are, or refused; never silently misread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localensemble.api.agree import AgreementReport, AgreeOptions, NamedColumns, agree
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
