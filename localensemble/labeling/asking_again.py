"""Ask a rater again about suspected texts, without the sentences that have signs.

Decides nothing: it compares the two labels, and keeps which of them differ. Only texts with signs
of prompt injection are asked about twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from localensemble.codebook.model import Codebook
from localensemble.consensus.policies.suspected_injection import SuspectedInjection
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import sha256_text
from localensemble.core.items import Item
from localensemble.engines.protocol import Engine
from localensemble.injection.signs_in_text import InjectionScan
from localensemble.injection.without_signs import without_signs
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.placed_items import PlacedItems
from localensemble.labeling.scoring import Questions, label_block
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import ItemSetKey, RaterKey, VariableKey
from localensemble.study.labels_without_signs import AskedAgain, labels_without_signs
from localensemble.tables.item_file import ItemFile

_POSITIONS = 4096


@dataclass(frozen=True, slots=True)
class AskingAgain:
    """The suspected texts of a run, and what is kept of the second answers.

    Attributes:
        reader: the ledger that has the first labels.
        items: the table of texts.
        item_set: the items of the run.
        positions: where the suspected texts stand, in order.
        scan: finds the sentences to leave out.
        variables: the keys of the variables, by name.
        kept: gets which labels changed.
    """

    reader: LedgerReader
    items: ItemFile
    item_set: ItemSetKey
    positions: tuple[int, ...]
    scan: InjectionScan
    variables: Mapping[str, VariableKey]
    kept: AskedAgain

    @classmethod
    def of(
        cls,
        items: ItemFile,
        codebook: Codebook,
        reader: LedgerReader,
        item_set: ItemSetKey,
        variables: Mapping[str, VariableKey],
        *,
        total: int,
        texts: Collection[str],
    ) -> AskingAgain:
        """Find where the texts with these hashes stand among the first items."""
        positions = suspected_positions(reader, item_set, total=total, texts=texts)
        scan, kept = InjectionScan(codebook), AskedAgain(item_set)
        return cls(reader, items, item_set, positions, scan, variables, kept)

    def ask(self, engine: Engine, rater: RaterKey, *, questions: Questions) -> None:
        """Ask a rater about the suspected texts that no run has asked it about again.

        A text to which the rater gave no category is not asked about: nothing could change.

        Raises:
            EngineError: the engine fails on every text.
        """
        if not self.positions:
            return
        asked = labels_without_signs(self.reader).asked.get(rater, frozenset())
        items = PlacedItems(self.items)
        for start in range(0, len(self.positions), BLOCK_SIZE):
            # Packed alike by a run that resumes: what a stretch lacks is all of it, or is new.
            stretch = self.positions[start : start + BLOCK_SIZE]
            first = {one: found for one in stretch if (found := self._first(rater, one))}
            left = [one for one in self._left(items.at([*first])) if one[0] not in asked]
            if left:
                self._compare(engine, rater, questions, [item for _, item in left], first)

    def _left(self, items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
        """Yield the hash of each text, and the item with what is left of its text."""
        for item in items:
            text = without_signs(item.text, self.scan)
            if text is not None:
                yield sha256_text(item.text), replace(item, text=text)

    def _first(self, rater: RaterKey, position: int) -> Mapping[VariableKey, int]:
        """Return the categories that a rater gave to one text as it is."""
        found = {
            key: int(
                self.reader.label_block(
                    self.item_set,
                    variable=key,
                    raters=(rater,),
                    start=position,
                    stop=position + 1,
                ).category[0, 0]
            )
            for key in self.variables.values()
        }
        return {key: category for key, category in found.items() if category >= 0}

    def _compare(
        self,
        engine: Engine,
        rater: RaterKey,
        questions: Questions,
        items: Sequence[Item],
        first: Mapping[int, Mapping[VariableKey, int]],
    ) -> None:
        labels = label_block(engine, items, questions=questions)
        changed: dict[VariableKey, list[int]] = {}
        for name, second in labels.items():
            key = self.variables[name]
            for item, label in zip(items, second, strict=True):
                known = first[item.position].get(key, label.category)
                if label.category is not None and label.category != known:
                    changed.setdefault(key, []).append(item.position)
        self.kept.add(rater, asked=[item.position for item in items], changed=changed)


def suspected_positions(
    reader: LedgerReader, item_set: ItemSetKey, *, total: int, texts: Collection[str]
) -> tuple[int, ...]:
    """Return where the texts with these hashes stand among the first items, in order."""
    return tuple(
        start + place
        for start in range(0, total if texts else 0, _POSITIONS)
        for place, (_, content) in enumerate(
            reader.item_hashes(item_set, start=start, stop=min(start + _POSITIONS, total))
        )
        if content in texts
    )


def escalates_suspected(rules: DecisionRules) -> bool:
    """Tell whether the rules use signs of prompt injection; if not, nobody is asked again."""
    return any(isinstance(policy, SuspectedInjection) for policy in rules.policies)
