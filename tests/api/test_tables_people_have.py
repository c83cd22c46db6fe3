"""Tables as people have them: read as what they are, or refused; never silently misread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localensemble.api.agree import AgreementReport, AgreeOptions, NamedColumns, agree


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
