"""The block of each label names the items that were scored together, and the run."""

from __future__ import annotations

from pathlib import Path

from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from tests.ledger.studies import USAGE, items, labels, rater, register, register_variables


def test_every_label_has_the_place_run_and_work_of_its_block(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with Ledger.open(path, create=True) as ledger:
        item_set, variables = register(ledger, items(9)), register_variables(ledger)
        one, run = ledger.register_rater(rater("one")), ledger.start_run({"settings": 1})
        for start, stop, usage in ((0, 4, USAGE), (4, 6, None)):
            ledger.append_block(
                labels(variables, start=start, stop=stop),
                run=run,
                rater=one,
                item_set=item_set,
                start=start,
                usage=usage,
            )
    with LedgerReader.open(path) as reader:
        found = reader.blocks_of_labels(
            item_set, rater=one, variable=variables["tone"], start=2, stop=9
        )
    assert [*found] == [2, 3, 4, 5]
    assert {block.run for block in found.values()} == {run}
    assert (found[2].place.start, found[2].place.stop, found[2].is_scored) == (0, 4, True)
    assert (found[5].place.start, found[5].place.stop, found[5].is_scored) == (4, 6, False)
