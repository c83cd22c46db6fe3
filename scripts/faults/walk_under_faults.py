"""Break every command at every change that it makes on the disk, and look at what is left.

Each command runs on a copy of the same study, with one fault. Then `ledger verify` runs, as any
next command would, and then the command again, undisturbed. Four things must hold:

- *lost*: every label and decision that was recorded before is there right after the fault;
- *doubled* and *changed*: the records equal those of a study that nothing disturbed, after the
  fault (as far as they go) and after the repetition, and so do the tables and exports;
- *leftovers*: after the next command, no file with texts is there that the undisturbed
  command does not leave;
- the command ends with an error of its own, not with a traceback, and quotes no text.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from scripts.faults.faulty_process import (
    NO_FAULT,
    Ended,
    Fault,
    Kind,
    import_as_the_last_command,
    run_command,
)
from scripts.faults.study_files import CANARY, write_inputs, write_table

_ITEMS = 100
_KILLS = (Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.KILL_TORN)
_FAILURES = (Kind.NO_SPACE, Kind.IO_ERROR, Kind.SHORT_WRITE)
# Table -> the columns that say the same in every study that nothing disturbed.
_RECORDS = {
    "label": "SELECT item_id, variable, rater, v.status, v.category, v.off_codebook_mass, "
    "hex(l.probabilities) FROM label_view v JOIN label l USING (rater_key, variable_key, item_key) "
    "ORDER BY 1, 2, 3",
    "person_decision": "SELECT item_id, answer, category, role FROM person_decision "
    "JOIN item USING (item_key) ORDER BY 1",
}
# Finished, with or without items that wait for a person.
_DONE = (0, 3)
_OF_SQLITE = ("-wal", "-shm", ".lock", "-journal")
_MAY_DIFFER = ("manifest.json", "report.html", "study.sqlite", "findings.json", "final.xlsx")

Records = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Step:
    """A command to break.

    Attributes:
        base: the study that it starts from, ``empty`` or ``labeled``.
        refuses_to_replace: what it writes only where nothing is.
    """

    name: str
    arguments: tuple[str, ...]
    base: str = "labeled"
    refuses_to_replace: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """What was tried, and what went wrong."""

    kills: int = 0
    failures: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    leftovers: int = 0
    other: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.lost or self.doubled or self.changed or self.leftovers or self.other)


STEPS = (
    Step(
        "label",
        ("label", "items.csv", "-c", "codebook.yaml", "-e", "raters.yaml", "-o", "study"),
        "empty",
    ),
    Step("consensus", ("consensus", "study", "--items", "items.csv", "--method", "majority")),
    Step(
        "certify",
        (
            "certify",
            "study",
            "--gold",
            "gold.csv",
            "--variable",
            "tone",
            "--alpha",
            "0.4",
            "--by",
            "support",
        ),
    ),
    Step(
        "review",
        ("review", "import", "study", "decisions.csv", "--reviewer", "ann", "--items", "items.csv"),
    ),
    Step(
        "worksheet",
        ("review", "worksheet", "study", "--items", "items.csv", "-o", "out/ws.csv"),
        refuses_to_replace=("out/ws.csv",),
    ),
    Step(
        "export",
        (
            "export",
            "study",
            "--format",
            "csv",
            "--items",
            "items.csv",
            "--include-text",
            "-o",
            "out/labels.csv",
        ),
    ),
    Step(
        "workbook",
        (
            "export",
            "study",
            "--format",
            "xlsx",
            "--items",
            "items.csv",
            "--include-text",
            "-o",
            "out/labels.xlsx",
        ),
    ),
    Step("report", ("report", "study", "--items", "items.csv", "--include-text")),
)


class Walk:
    """The studies that every step starts from, and one to break."""

    def __init__(self, folder: Path) -> None:
        """Make them in a folder, which the shim watches."""
        self._folder = folder
        self._bases = {"empty": folder / "bases" / "empty"}
        self._here = folder / "here"
        empty = self._bases["empty"]
        (empty / "out").mkdir(parents=True)
        write_inputs(empty, items=_ITEMS)
        self._reset("empty")
        labeled = self._run(STEPS[0].arguments)
        if labeled.code:
            raise RuntimeError(f"Undisturbed, it ends with {labeled.code}: {labeled.printed}")
        import_as_the_last_command()
        _write_decisions(self._here)
        self._bases["labeled"] = folder / "bases" / "labeled"
        shutil.copytree(self._here, self._bases["labeled"])

    def check(self, step: Step, faults: Sequence[Fault], tally: Tally) -> None:
        """Run a step with each of the faults, and count what goes wrong."""
        self._reset(step.base)
        before = _records(self._here)
        undisturbed = self._run(step.arguments)
        if undisturbed.code not in _DONE:
            raise RuntimeError(f"Undisturbed, {step.name} ends with {undisturbed}")
        expected, files = _records(self._here), _files(self._here)
        for fault in faults:
            self._reset(step.base)
            ended = self._run(step.arguments, fault)
            where = f"{step.name}, {fault}"
            tally.kills += fault.kind.kills and ended.code == -9
            tally.failures += not fault.kind.kills and ended.changes >= fault.at
            self._look_at_the_end(ended, where, tally)
            self._compare_records(before, expected, where, tally)
            self._run(("ledger", "verify", "study"))
            self._look_for_leftovers(files, where, tally)
            for name in step.refuses_to_replace:
                (self._here / name).unlink(missing_ok=True)
            again = self._run(step.arguments)
            if again.code != undisturbed.code:
                _count(tally, "other", f"{where}: repeated, it ends with {again.code}")
            if _records(self._here) != expected:
                _count(tally, "changed", f"{where}: the records differ after the repetition")
            self._compare_files(files, where, tally)
            verified = self._run(("ledger", "verify", "study"))
            if verified.code:
                _count(tally, "changed", f"{where}: the ledger is not whole")

    def count_changes(self, step: Step) -> int:
        """Count the changes that an undisturbed step makes on the disk."""
        self._reset(step.base)
        changes = self._run(step.arguments).changes
        import_as_the_last_command()
        return changes

    def _run(self, arguments: Sequence[str], fault: Fault = NO_FAULT) -> Ended:
        os.chdir(self._here)
        return run_command(arguments, fault)

    def _reset(self, base: str) -> None:
        shutil.rmtree(self._here, ignore_errors=True)
        shutil.copytree(self._bases[base], self._here)

    def _look_at_the_end(self, ended: Ended, where: str, tally: Tally) -> None:
        if ended.code is None or ended.code == 99:
            _count(tally, "other", f"{where}: it hangs or its error is not caught")
        if CANARY in ended.printed or "Traceback" in ended.printed:
            shown = ended.printed.replace(CANARY, "(text)")[-600:]
            _count(tally, "other", f"{where}: it prints a text or a traceback: {shown}")
        if "fault in the program" in ended.printed:
            _count(tally, "other", f"{where}: {ended.printed.splitlines()[-4:]}")

    def _compare_records(
        self, before: Records, expected: Records, where: str, tally: Tally
    ) -> None:
        now = _records(self._here)
        for table, rows in now.items():
            if len(set(rows)) < len(rows):
                _count(tally, "doubled", f"{where}: {table}")
            if not set(before[table]) <= set(rows):
                _count(tally, "lost", f"{where}: {table}")
            if not set(rows) <= set(expected[table]):
                _count(tally, "changed", f"{where}: {table}")

    def _look_for_leftovers(self, files: dict[str, bytes], where: str, tally: Tally) -> None:
        base = {*files, *_files(self._bases["labeled"])}
        for name, content in _files(self._here).items():
            if name not in base and CANARY.encode() in content:
                _count(tally, "leftovers", f"{where}: {name}")
        for path in (self._folder / "tmp").iterdir():
            # Python tries the folder with a file of its own, which holds no text.
            if not path.is_file() or path.read_bytes() != b"blat"[: path.stat().st_size]:
                _count(tally, "leftovers", f"{where}: {path.name} in the temporary folder")
            path.unlink()

    def _compare_files(self, files: dict[str, bytes], where: str, tally: Tally) -> None:
        now = _files(self._here)
        for name, content in files.items():
            if name.endswith((*_MAY_DIFFER, ".xlsx")):
                continue
            if now.get(name) != content:
                _count(tally, "changed", f"{where}: {name}")
        for name in now.keys() - files.keys():
            if not name.endswith(_OF_SQLITE):
                _count(tally, "leftovers", f"{where}: {name} after the repetition")


def faults_for(changes: int, *, kills: int, failures: int, seed: int) -> Iterator[Fault]:
    """Draw faults at changes that a step makes: each change as often as every other, or nearly."""
    drawn = random.Random(seed)
    places = list(range(1, changes + 1))
    for kinds, count in ((_KILLS, kills), (_FAILURES, failures)):
        order: list[int] = []
        while len(order) < count:
            order += drawn.sample(places, len(places))
        for number, at in enumerate(order[:count]):
            kind = kinds[(number + at) % len(kinds)]
            yield Fault(at, kind, lasts=not kind.kills and drawn.random() < 0.5)


def check_all(
    walk: Walk, *, kills: int, failures: int, seed: int, tell: Callable[[str], None]
) -> Tally:
    """Break every step, the more often the more changes it makes."""
    tally = Tally()
    changes = {step.name: walk.count_changes(step) for step in STEPS}
    total = sum(changes.values())
    for number, step in enumerate(STEPS):
        share = changes[step.name] / total
        faults = faults_for(
            changes[step.name],
            kills=max(1, round(kills * share)),
            failures=max(1, round(failures * share)),
            seed=seed + number,
        )
        walk.check(step, list(faults), tally)
        tell(f"{step.name}: {changes[step.name]} changes; so far {_in_words(tally)}")
    return tally


def _in_words(tally: Tally) -> str:
    return (
        f"{tally.kills} kills, {tally.failures} write faults: {tally.lost} lost, "
        f"{tally.doubled} doubled, {tally.changed} changed, {tally.leftovers} leftovers, "
        f"{tally.other} other"
    )


def _count(tally: Tally, what: str, note: str) -> None:
    setattr(tally, what, getattr(tally, what) + 1)
    tally.notes.append(f"{what}: {note}")


def _records(folder: Path) -> Records:
    """Read what is recorded; nothing if there is no ledger yet."""
    if not (folder / "study" / "study.sqlite").exists():
        return {table: [] for table in _RECORDS}
    with tempfile.TemporaryDirectory(dir=folder.parent) as copy:
        # SQLite may have to roll a journal back first, which the next command must still do.
        for path in (folder / "study").glob("study.sqlite*"):
            shutil.copy(path, copy)
        return _records_in(Path(copy) / "study.sqlite")


def _records_in(ledger: Path) -> Records:
    with closing(sqlite3.connect(ledger)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        return {
            table: list(connection.execute(query)) if table in tables else []
            for table, query in _RECORDS.items()
        }


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(_OF_SQLITE)
    }


def _commonest(row: dict[str, str]) -> str:
    return Counter(row[f"tone.rater.{rater}"] for rater in "abc").most_common(1)[0][0]


def _write_decisions(folder: Path) -> None:
    """Write gold labels that agree with the consensus, and decisions about what is open."""
    with (folder / "study" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    gold = [(row["id"], _commonest(row)) for row in rows]
    write_table(folder / "gold.csv", ("id", "tone"), gold[: _ITEMS // 2])
    with (folder / "study" / "escalations.csv").open(encoding="utf-8", newline="") as stream:
        waiting = [row["id"] for row in csv.DictReader(stream)]
    write_table(
        folder / "decisions.csv", ("id", "decision_tone"), [(one, "complaint") for one in waiting]
    )
