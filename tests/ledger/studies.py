"""Small studies to put into a ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from localensemble.core.identity import JsonValue, canonical_json, sha256_text
from localensemble.core.labels import ItemId, Label, LabelStatus, RaterName
from localensemble.core.raters import Rater, RaterIdentity
from localensemble.ledger.digests import ItemSetHash
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import (
    AskedForPassages,
    BlockUsage,
    ItemPassages,
    ItemSetKey,
    NewDecision,
    Passage,
    RaterKey,
    RaterUsage,
    RunKey,
    VariableKey,
    VariableRecord,
)

Items = Sequence[tuple[ItemId, str]]

THEME = VariableRecord("theme", canonical_json({"name": "theme"}), ("staff", "access", "other"))
TONE = VariableRecord("tone", canonical_json({"name": "tone"}), ("bad", "good"))
CODEBOOK = canonical_json({"name": "feedback", "variables": [THEME.sha256, TONE.sha256]})
IDENTITY = RaterIdentity(
    engine="scripted",
    engine_version="1",
    model_name="small",
    model_sha256=sha256_text("small"),
    chat_template_sha256=sha256_text("template"),
    prompt_template="label/v1",
    prompt_template_sha256=sha256_text("prompt"),
    codebook_sha256=sha256_text(CODEBOOK),
    layout="codebook_first",
    settings=(("mode", "batched"),),
)
USAGE = BlockUsage(prompt_tokens=900, evaluated_tokens=400, seconds=0.1, peak_memory_bytes=1 << 20)


# A study that was made before migration 0002; its README says how.
BEFORE_0002 = Path(__file__).parent / "before_0002"


def items(count: int) -> list[tuple[ItemId, str]]:
    """Ids and content hashes of so many items."""
    return [(ItemId(f"item-{i}"), sha256_text(f"text {i}")) for i in range(count)]


def item_set_sha256(members: Items) -> str:
    digest = ItemSetHash()
    for item_id, content_sha256 in members:
        digest.add(item_id, content_sha256)
    return digest.hexdigest()


def register(ledger: Ledger, members: Items) -> ItemSetKey:
    return ledger.register_items([members], item_set_sha256=item_set_sha256(members))


def register_variables(ledger: Ledger) -> Mapping[str, VariableKey]:
    return ledger.register_codebook(CODEBOOK, sha256=sha256_text(CODEBOOK), variables=(THEME, TONE))


def rater(name: str) -> Rater:
    """A rater whose model is named like itself."""
    return Rater(RaterName(name), replace(IDENTITY, model_name=name))


def label(index: int, *, category_count: int) -> Label:
    """A label that only depends on where it belongs; every seventh has failed."""
    if index % 7 == 6:
        return Label(LabelStatus.FAILED, reason=f"too_long: {index} of 5 tokens")
    category = index * index % category_count
    rest = (1 - 0.7) / (category_count - 1)
    probabilities = tuple(0.7 if k == category else rest for k in range(category_count))
    return Label(LabelStatus.ASSIGNED, category, probabilities, index % 10 / 16)


def labels(
    variables: Mapping[str, VariableKey], *, start: int, stop: int
) -> dict[VariableKey, list[Label]]:
    """One label per variable and position."""
    return {
        variables[record.name]: [
            label(i + offset, category_count=len(record.categories)) for i in range(start, stop)
        ]
        for offset, record in enumerate((THEME, TONE))
    }


def decision(variable: VariableKey, position: int, category: int = 1) -> NewDecision:
    """Return a decision in which every field has a value."""
    return NewDecision(
        position=position,
        variable=variable,
        kind="category",
        category=category,
        shown="labels",
        decided_at="2026-03-01T09:30:00+00:00",
        seconds=4.5,
        confidence=2,
        error_type="negation",
        note=f"says so in line {position}",
        category_order=(1, 0, 2) if category == 2 else None,
    )


def passages(stop: int, *, start: int = 0) -> dict[int, ItemPassages]:
    """Return what was found in items: two passages, one, none, or why there is no answer."""
    kinds = (
        ItemPassages((Passage(0, 4, 1, 0.75), Passage(2, 9)), left_out=1),
        ItemPassages((Passage(3, 5, score=-0.125),)),
        ItemPassages(),
        ItemPassages(reason="too_long: 9 of 8 tokens"),
    )
    return {position: kinds[position % 4] for position in range(start, stop)}


def without(settings: JsonValue, names: Collection[str]) -> JsonValue:
    """Leave out what is named of the items that the settings of a run list."""
    if not isinstance(settings, dict) or not isinstance(settings.get("control"), list):
        return settings
    control = settings["control"]
    assert isinstance(control, list)
    return {**settings, "control": [one for one in control if one not in names]}


class Study:
    """A ledger with items, a codebook, two raters and a run; nothing labeled yet."""

    def __init__(self, path: Path, *, item_count: int = 10) -> None:
        self.path = path
        self.ledger = Ledger.open(path, create=True)
        self.reader = self.ledger.reader
        self.item_count = item_count
        self.item_set: ItemSetKey = register(self.ledger, items(item_count))
        self.variables = register_variables(self.ledger)
        self.theme = self.variables["theme"]
        self.tone = self.variables["tone"]
        self.first: RaterKey = self.ledger.register_rater(rater("first"))
        self.second: RaterKey = self.ledger.register_rater(rater("second"))
        self.run: RunKey = self.ledger.start_run({"raters": ["first", "second"]})

    def append(self, rater: RaterKey, *, start: int, stop: int) -> int:
        """Append the labels of one rater for a stretch of items."""
        return self.ledger.append_block(
            labels(self.variables, start=start, stop=stop),
            run=self.run,
            rater=rater,
            item_set=self.item_set,
            start=start,
            usage=USAGE,
        )

    def withdraw(self, *ids: str) -> int:
        """Withdraw items; for this, the ledger is opened again."""
        with Ledger.open(self.path, create=False) as ledger:
            return ledger.withdraw(list(map(ItemId, ids)), redact=without)

    def decide(self) -> None:
        """Make a file, find passages and let people decide; the ledger is opened again."""
        with Ledger.open(self.path, create=False) as ledger:
            ledger.register_file("certificate", variable="theme", sha256=sha256_text("made"))
            ledger.append_passages(passages(8), asked=self.asked(), seconds=0.5)
        self.let_people_decide()

    def asked(self, *, by: RaterKey | None = None, embedder: str = "bag") -> AskedForPassages:
        """Say which rater is asked for passages about the theme, scored by which embedder."""
        method = canonical_json({"embedder": embedder})
        rater = self.first if by is None else by
        return AskedForPassages(rater, self.theme, self.item_set, method)

    def let_people_decide(self) -> None:
        """Let two people decide the first items: one on the page; the other brings a file."""
        with Ledger.open(self.path, create=False) as ledger:
            page, file = (ledger.register_reviewer(name) for name in ("AB", "Cleo"))
            for position in range(8):
                ledger.append_decisions(
                    [decision(self.theme, position, category=2), decision(self.tone, position)],
                    reviewer=page,
                    item_set=self.item_set,
                    origin="page",
                )
            ledger.append_decisions(
                [
                    replace(decision(self.theme, position), kind="cannot_decide", category=None)
                    for position in range(2, 6)
                ],
                reviewer=file,
                item_set=self.item_set,
                origin=f"file theme.csv {sha256_text('file')}",
            )

    def usage(self, rater: RaterKey, *, stop: int | None = None) -> RaterUsage:
        """Sum the work behind a rater's labels of the first items; None is of all."""
        return self.reader.usage(
            rater,
            item_set=self.item_set,
            variables=(self.theme, self.tone),
            stop=self.item_count if stop is None else stop,
        )

    def finish(self) -> None:
        """Label everything in blocks of four, end the run and close the ledger."""
        for rater_key in (self.first, self.second):
            for start in range(0, self.item_count, 4):
                self.append(rater_key, start=start, stop=min(start + 4, self.item_count))
        self.ledger.finish_run(self.run, status="finished", summary={"items": self.item_count})
        self.ledger.close()
