"""Texts that answer nothing are marked in a study, and nobody is asked about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.study.gold import shared_id_column
from localensemble.study.study import Study
from tests.studies import CODEBOOK, study_files

pytestmark = pytest.mark.slow  # labels studies

TEXTS = ["well", "n/a", "", "poor"]


@pytest.mark.parametrize(("codebook", "marked"), [("", [1, 2]), ("no_answer: []\n", [])])
def test_non_answers_are_marked_if_the_codebook_lists_them(
    tmp_path: Path, codebook: str, marked: list[int]
) -> None:
    files = study_files(tmp_path, TEXTS, codebook=CODEBOOK + codebook)
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    with Study.open(files.study) as study:
        block = study.recorded.block("topic", start=0, stop=len(TEXTS))
        assert study.recorded.non_answers(block).nonzero()[0].tolist() == marked
        (topic, *_) = study.decide()
        assert not topic.escalated[marked].any()


def test_a_gold_table_takes_the_id_columns_of_the_items_if_it_has_them(tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text("record_id,visit,gold_topic\n1,a,food\n", encoding="utf-8")
    assert shared_id_column(gold, None) is None
    assert shared_id_column(gold, "record_id,visit") == "record_id,visit"
    gold.write_text("id,gold_topic\n1,food\n", encoding="utf-8")
    # A worksheet of `sample` has the ids in a column of its own.
    assert shared_id_column(gold, "record_id") is None
