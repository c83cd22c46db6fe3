"""`le.ask` returns what raters say about one text, to the digit as `label` records it if strict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import localensemble as le
from localensemble.ledger.schema import STATUS_CODES
from tests.studies import CODEBOOK, recorded, study_files

pytestmark = pytest.mark.slow  # asks several raters

RATERS = [{"model": name, "engine": "scripted"} for name in ("first", "second", "third")]
SECRET = "the ward cat is called Mrs Example"


def assert_asked_as_recorded(texts: Path, *, folder: Path, **given: Any) -> None:
    """Label a table in strict mode, and ask about each of its items."""
    le.label(texts, output=folder, strict=True, **given)
    found = []
    for item_id in pd.read_csv(texts)["id"].astype(str):
        asked = le.ask(items=texts, item_id=item_id, **given).asked
        found += [
            (
                variable.variable.name,
                item_id,
                rater.name,
                STATUS_CODES[rater.label.status],
                rater.label.category,
                repr(list(rater.label.probabilities or ())),
                repr(rater.label.off_codebook_mass),
                rater.label.reason,
            )
            for variable in asked.variables
            for rater in variable.raters
        ]
    assert sorted(found) == sorted(recorded(folder))


def test_the_probabilities_are_those_that_label_records(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(5)])
    assert_asked_as_recorded(
        files.items, folder=files.study, codebook=files.codebook, raters=RATERS
    )


@pytest.mark.slow  # runs the embedded models
def test_the_embedded_models_give_the_digits_that_label_records(
    repository: Path, tmp_path: Path
) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    examples = repository / "examples"
    texts = tmp_path / "texts.csv"
    pd.read_csv(examples / "patient_feedback.csv")[["id", "text"]].head(4).to_csv(
        texts, index=False
    )
    assert_asked_as_recorded(
        texts, folder=tmp_path / "study", codebook=examples / "patient_feedback.yaml"
    )


@pytest.mark.slow  # runs a published model
@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "gemma-3-270m"])
def test_a_published_model_gives_the_digits_that_label_records(
    name: str, real_model: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    files = study_files(tmp_path, ["The nurses were kind.", "My dinner was cold."])
    assert_asked_as_recorded(
        files.items,
        folder=files.study,
        codebook=files.codebook,
        raters=[str(real_model(name))],
    )


def test_the_table_has_a_row_for_each_category_the_most_probable_first(tmp_path: Path) -> None:
    files = study_files(tmp_path, [])
    asked = le.ask(SECRET, codebook=files.codebook, raters=RATERS)
    table = asked.table()
    assert len(table) == 3 * (3 + 2)
    for _, rows in table.groupby(["variable", "rater"]):
        assert rows["probability"].is_monotonic_decreasing
        assert rows["probability"].sum() == pytest.approx(1)
    assert (table["status"] == "assigned").all()


def test_a_rater_that_gives_no_category_has_a_row_with_its_reason(tmp_path: Path) -> None:
    files = study_files(tmp_path, [])
    asked = le.ask("", codebook=files.codebook, raters=RATERS)
    table = asked.table()
    assert len(table) == 3 * 2
    assert table["category"].isna().all()
    assert table["reason"].str.startswith("empty_text").all()
    assert "empty_text" in asked._repr_html_()
    assert str(table["probability"].dtype) == "float64"


def test_a_notebook_shows_probabilities_and_consensus_but_not_the_text(tmp_path: Path) -> None:
    files = study_files(tmp_path, [SECRET], codebook=CODEBOOK)
    for asked in (
        le.ask(SECRET, codebook=files.codebook, raters=RATERS),
        le.ask(items=files.items, item_id="i-0", codebook=files.codebook, raters=RATERS),
    ):
        page = asked._repr_html_()
        for word in ("topic", "staff", "second", "Consensus (majority)", "scripted"):
            assert word in page
        shown = page + repr(asked) + repr(asked.asked) + "".join(asked.messages)
        assert SECRET not in shown
    assert "Item i-0" in page


@pytest.mark.parametrize("text", [42, ["one", "two"]])
def test_what_is_not_a_text_is_refused_without_repeating_it(text: Any, tmp_path: Path) -> None:
    files = study_files(tmp_path, [])
    with pytest.raises(le.LocalEnsembleError, match=f"found {type(text).__name__}"):
        le.ask(text, codebook=files.codebook, raters=RATERS)
