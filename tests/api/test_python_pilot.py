"""`le.pilot` returns what a pilot found, as sentences and as a DataFrame with stable columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import localensemble as le
from tests.studies import study_files

RATERS = [{"model": name, "engine": "scripted"} for name in ("first", "second", "third")]
SECRET = "the ward cat is called Mrs Example"


def test_the_table_has_a_row_for_each_variable_and_rater(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"{SECRET} {n}" for n in range(60)])
    found = le.pilot(files.items, codebook=files.codebook, raters=RATERS, count=30)
    table = found.table()
    assert list(table["rater"]) == ["first", "second", "third"] * 2
    assert (table["pairs"] == 30).all()
    assert table["accuracy"].isna().all()
    assert str(table["off_codebook_median"].dtype) == "float64"
    shown = repr(found) + found._repr_html_() + "".join((*found.sentences, *found.messages))
    assert "Pilot: 30 items of 60" in shown
    assert SECRET not in shown


def test_gold_labels_in_a_frame_are_used_and_a_folder_is_written(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"{SECRET} {n}" for n in range(30)])
    gold = pd.DataFrame({"id": [f"i-{n}" for n in range(30)], "gold_urgent": ["no"] * 30})
    found = le.pilot(
        pd.read_csv(files.items),
        codebook=files.codebook,
        raters=RATERS[:1],
        count=25,
        gold=gold,
        output=tmp_path / "pilot",
    )
    accuracy = found.table().set_index("variable")["accuracy"]
    assert accuracy.notna().to_dict() == {"topic": False, "urgent": True}
    assert (tmp_path / "pilot" / "pilot.json").exists()
    assert [one.name for one in found.pilot.files] == ["pilot.json"]


def test_a_pilot_of_no_items_is_refused(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["one"])
    with pytest.raises(le.LocalEnsembleError, match="items: found 0"):
        le.pilot(files.items, codebook=files.codebook, raters=RATERS, count=0)
