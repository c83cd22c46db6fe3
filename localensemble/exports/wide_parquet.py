"""Export a study as a Parquet file, which needs the optional package pyarrow."""

from __future__ import annotations

import itertools
from importlib import import_module
from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_binary_file
from localensemble.exports.exported_study import ExportedStudy
from localensemble.exports.typed_columns import typed_columns, typed_rows

_GROUP_ROWS = 8192


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one row per item; texts are strings, numbers 64-bit floats, and gaps are nulls.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(
            f"{path.name}: writing a Parquet file needs the package pyarrow, which is not "
            "installed.",
            hint="Install it with `pip install 'localensemble[tables]'`, or export as csv.",
        ) from error
    columns = typed_columns(study)
    kinds = {"text": pyarrow.string(), "number": pyarrow.float64()}
    schema = pyarrow.schema([(column.name, kinds[column.kind]) for column in columns])
    rows = typed_rows(study)
    with replaced_binary_file(path) as stream, parquet.ParquetWriter(stream, schema) as writer:
        while group := list(itertools.islice(rows, _GROUP_ROWS)):
            arrays = [
                pyarrow.array(cells, type=field.type)
                for cells, field in zip(zip(*group, strict=True), schema, strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
    return (path,)
