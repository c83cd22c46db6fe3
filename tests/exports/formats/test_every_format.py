"""What holds for every format: no text without being asked, and files that are the owner's."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import pytest

from localensemble.api.export_formats.export_study import ExportFormat, export_study
from localensemble.core.errors import InputError
from localensemble.exports.export_formats import EXPORT_FORMATS
from tests.exports.formats.conftest import SECRET, Reviewed

pytestmark = pytest.mark.slow  # every format of a whole study

FORMATS = cast(tuple[ExportFormat, ...], get_args(ExportFormat))


def _bytes(written: tuple[Path, ...]) -> bytes:
    files = [one for path in written for one in ([path] if path.is_file() else path.iterdir())]
    parts = []
    for path in files:
        if path.suffix == ".xlsx":
            import zipfile

            with zipfile.ZipFile(path) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        elif path.suffix == ".parquet":
            import pyarrow.parquet

            parts.append(repr(pyarrow.parquet.read_table(path).to_pylist()).encode())
        else:
            parts.append(path.read_bytes())
    return b"".join(parts)


def test_the_list_of_formats_is_complete() -> None:
    assert tuple(EXPORT_FORMATS) == FORMATS


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_holds_a_text_unless_asked(reviewed: Reviewed, form: ExportFormat) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra tables")
    name = f"out.{form.replace('-', '_')}"
    assert SECRET.encode() not in _bytes(reviewed.export(form, name).files)


@pytest.mark.parametrize("form", FORMATS)
def test_items_that_are_given_are_checked_even_without_texts(
    reviewed: Reviewed, form: ExportFormat
) -> None:
    other = reviewed.folder / "other.csv"
    other.write_text("id,text\ni-0,another text entirely\n", encoding="utf-8")
    with pytest.raises(InputError, match="not the table that was labeled"):
        export_study(reviewed.study, format=form, output=reviewed.folder / "x", items=other)


def test_texts_need_the_table_that_was_labeled(reviewed: Reviewed) -> None:
    with pytest.raises(InputError, match="--items"):
        export_study(reviewed.study, format="csv", output=reviewed.folder / "x", include_text=True)


def test_texts_of_a_study_without_texts_are_refused(rated_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without texts"):
        export_study(rated_folder, format="csv", output=tmp_path / "x", include_text=True)


@pytest.mark.parametrize("form", FORMATS)
def test_a_study_of_ratings_has_the_origin_raters(
    rated_folder: Path, tmp_path: Path, form: ExportFormat
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra tables")
    if form == "hard-samples":
        pytest.skip("nothing was reviewed")
    written = export_study(rated_folder, format=form, output=tmp_path / f"out.{form}")
    assert written.item_count == 5
    if form != "refi-qda":  # a codebook has no labels
        assert b"raters" in _bytes(written.files)


def test_an_unknown_format_is_refused_with_the_known_ones(reviewed: Reviewed) -> None:
    form = cast(ExportFormat, "word")
    with pytest.raises(InputError, match="label-studio"):
        export_study(reviewed.study, format=form, output=reviewed.folder / "x")
