"""Recognize a file that came back from another program, and read its decisions as a table.

The table has a row for each decision, with the columns of `COLUMNS`, as `review import` takes it.
"""

from __future__ import annotations

from pathlib import Path

from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.core.input_files import open_input
from localensemble.exports.redcap import RECORD_ID, layout
from localensemble.exports.returned.label_studio_answers import label_studio_answers
from localensemble.exports.returned.redcap_answers import redcap_answers
from localensemble.tables.delimited import HeldTable, open_table

_JSON_STARTS = (b"[", b"{")
_STARTS_READ = 64


def returned_table(path: Path, *, codebook: Codebook) -> HeldTable | None:
    """Return the decisions of a Label Studio or REDCap export; None for any other file.

    Raises:
        TableError: the file is such an export, but cannot be read, or holds no decision.
    """
    try:
        with open_input(path) as stream:
            start = stream.read(_STARTS_READ)
    except OSError:
        return None  # whoever reads it as a table reports it
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_JSON_STARTS):
        return label_studio_answers(path, codebook=codebook)
    if start.startswith(b"PK"):
        return None
    try:
        table = open_table(path)
    except TableError:
        return None
    decisions = {one.decision for one in layout(codebook).variables}
    if RECORD_ID not in table.columns or not decisions & set(table.columns):
        return None
    return redcap_answers(table, codebook=codebook)
