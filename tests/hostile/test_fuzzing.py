"""Whatever bytes a file has, it is read or refused with a clear error that shows no text."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localensemble.codebook.load import load_codebook
from localensemble.codebook.refi_qda import read_qdc
from localensemble.core.errors import LocalEnsembleError
from localensemble.core.input_files import read_json_file
from localensemble.labeling.ensemble import load_ensemble
from localensemble.prompting.template import load_own_template
from localensemble.tables.table_files import open_table_file
from tests.hostile.hostile_files import CANARY, CODEBOOK, ENSEMBLE, TABLE, TEMPLATE

pytestmark = pytest.mark.slow  # reads thousands of damaged files

# The examples are the same on every machine; a failing one stays in no database.
FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PIECES = st.sampled_from(
    (
        *(b'"', b",", b";", b"\t", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"&a", b"*a"),
        *(b"{", b"[", b"}", b"]", b": ", b"- ", b"|", b"!!python", b"%", b"\xed\xa0\x80", b"<"),
        *(b"=1+1", b"{{", b"\xe2\x80\xae", b"9" * 400, CANARY.encode(), b"\x1b[2J"),
    )
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES | st.binary(max_size=8)), max_size=8
)


def edited(whole: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Put pieces into the content, each in the place of some bytes."""
    for share, removed, piece in edits:
        place = int(share * len(whole))
        whole = whole[:place] + piece + whole[place + removed :]
    return whole


def workbook() -> bytes:
    stream = io.BytesIO()
    book = openpyxl.Workbook()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    book.save(stream)
    return stream.getvalue()


def read_table(path: Path) -> None:
    table = open_table_file(path)
    list(table.cells(table.columns))


def read_values(path: Path) -> None:
    try:
        read_json_file(path)
    except (OSError, ValueError) as error:
        raise LocalEnsembleError(type(error).__name__) from None


CODES = '<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes><Code name="a"/></Codes></CodeBook>'


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        (read_table, TABLE.encode()),
        (read_table, TABLE.replace(",", ";").replace(CANARY, f'"{CANARY}\n more"').encode()),
        (read_table, workbook()),
        (load_codebook, CODEBOOK.encode()),
        (read_qdc, CODES.encode()),
        (load_ensemble, ENSEMBLE.encode()),
        (load_own_template, TEMPLATE.encode()),
        (read_values, b'{"variable": "theme", "alpha": 0.1, "counts": [1, 2, {"a": null}]}'),
    ],
    ids=["csv", "quoted", "workbook", "codebook", "codes", "ensemble", "template", "json"],
)
@FUZZ
@given(edits=EDITS)
def test_changed_bytes_are_read_or_refused(
    read: Callable[[Path], object],
    whole: bytes,
    edits: list[tuple[float, int, bytes]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(edited(whole, edits))
    shown = "read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except LocalEnsembleError as error:
        shown = str(error)
    assert shown
    assert f"{CANARY} patient" not in shown
