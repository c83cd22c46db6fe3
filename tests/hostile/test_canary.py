"""A mark in every cell is found in the files that docs/privacy.md lists, and nowhere else."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run
from tests.hostile.hostile_files import CANARY, CODEBOOK, ENSEMBLE

__all__ = ["run"]

pytestmark = pytest.mark.slow  # every command once

ITEMS = 60
# docs/privacy.md, "What is on the disk".
MEANT = (
    *("labels.csv", "escalations.csv", "labels.before-*.csv", "escalations.before-*.csv"),
    *("labels.edited-*.csv", "escalations.edited-*.csv"),
    *("worksheet.csv", "worksheet.xlsx", "worksheet.html", "sample.csv", "final.csv", "final.xlsx"),
    *(
        "with_texts.html",
        "with_texts.csv",
        "with_texts.xlsx",
        "with_texts.json",
        "with_texts.jsonl",
        "with_texts.before-*.*",
    ),
)


def is_meant(path: Path) -> bool:
    return any(path.match(pattern) for pattern in MEANT)


def content_of(path: Path) -> Iterator[bytes]:
    """Read a file, and what is packed in it."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """What the user has: tables with the mark in every cell but ids, a codebook, an ensemble."""
    folder = tmp_path / "given"
    folder.mkdir()
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "ward", "remark"))
        for n in range(ITEMS):
            writer.writerow((f"h{n}", f"{CANARY} said {n}\nand {n} more", CANARY, f"{CANARY} {n}"))
    with (folder / "gold.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_theme", "remark"))
        writer.writerows((f"h{n}", ("good", "bad")[n % 2], f"{CANARY} {n}") for n in range(ITEMS))
    with (folder / "ratings.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "r1", "r2"))
        writer.writerows((f"h{n}", f"{CANARY} {n}", "good", "bad") for n in range(ITEMS))
    with (folder / "decisions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "variable", "decision"))
        writer.writerows((f"h{n}", "theme", "good") for n in range(9))
    broken = (folder / "items.csv").read_bytes()
    (folder / "broken_quotes.csv").write_bytes(broken.replace(b'"', b"", 1))
    (folder / "broken_bytes.csv").write_bytes(broken + b"h99,\xff\xfe" + CANARY.encode())
    (folder / "broken_row.csv").write_bytes(broken + f"h98,{CANARY},{CANARY}\n".encode())
    (folder / "same_ids.csv").write_bytes(broken + f"h1,{CANARY},{CANARY},x\n".encode())
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "ensemble.yaml").write_text(ENSEMBLE)
    (folder / "text_for_codebook.yaml").write_text(f"{CANARY}: [{CANARY}\n")
    return folder


def commands(given: Path, study: Path, out: Path) -> Iterator[tuple[object, ...]]:
    items, gold, book = given / "items.csv", given / "gold.csv", given / "codebook.yaml"
    rules = ("-c", book, "-e", given / "ensemble.yaml")
    of_items = ("--items", items)
    yield "init", items, "-o", out / "started"
    yield "check", book
    yield "check", items, "--privacy"
    yield "estimate", items, *rules
    yield "pilot", items, *rules, "--items", "5"
    yield "ask", *of_items, "--id", "h3", *rules
    yield "prompt", "show", *rules
    yield "label", items, *rules, "-o", study
    yield "label", items, *rules, "-o", study
    yield "agree", study
    yield "agree", study, "--html", out / "agree.html", "--json", out / "agree.json", "--details"
    yield "agree", given / "ratings.csv", "--level", "nominal", "--details"
    yield "import", given / "ratings.csv", "--level", "nominal", "-o", out / "imported"
    yield "consensus", study, "--compare"
    yield "consensus", study, *of_items, "--method", "dawid_skene"
    yield "consensus", study, *of_items, "--method", "majority"
    yield "evaluate", study, "--gold", gold, *of_items, "--details"
    yield "certify", study, "--gold", gold, "--alpha", "0.2"
    yield "calibrate", study, "--variable", "theme", "--gold", gold
    yield "report", study
    yield "report", study, "--gold", gold
    yield "report", study, *of_items, "--include-text"
    again = ("relabel", study, *of_items, *rules, "--table", out / "again.csv")
    yield *again, "--against", gold, "--audit-share", "0.2", "-o", out / "relabeled"
    yield *again, "--against", given / "broken_row.csv", "-o", out / "never"
    yield "sample", study, *of_items, "--n", "5", "-o", out / "sample.csv"
    for kind in ("csv", "xlsx", "html"):
        yield "review", "worksheet", study, *of_items, "-o", out / f"worksheet.{kind}"
    yield "review", "import", study, given / "decisions.csv", *of_items, "--reviewer", "AB"
    yield "review", "problems", study, "-o", out / "problems.csv"
    for kind in ("csv", "xlsx"):
        yield "finalize", study, *of_items, "--allow-open", "-o", out / f"final.{kind}"
    for kind, name in (
        ("csv", "csv"),
        ("xlsx", "xlsx"),
        ("jsonl", "jsonl"),
        ("label-studio", "json"),
        ("doccano", "jsonl"),
        ("redcap", "csv"),
        ("argilla", "json"),
    ):
        yield "export", study, "--format", kind, "-o", out / f"export_{kind}.{name}"
        yield (
            *("export", study, "--format", kind, *of_items, "--include-text"),
            *("-o", out / f"with_texts.{name}"),
        )
    yield "ledger", "history", study
    yield "ledger", "verify", study
    yield "withdraw", study, "--id", "h7", *of_items
    yield ("doctor",)
    # What fails.
    for broken in ("broken_quotes", "broken_bytes", "broken_row", "same_ids"):
        path = given / f"{broken}.csv"
        yield "label", path, *rules, "-o", out / "never"
        yield "init", path, "-o", out / "never_started"
        yield "agree", path, "--level", "nominal"
        yield "review", "import", study, path, *of_items, "--reviewer", "AB"
        yield "evaluate", study, "--gold", path
        yield "report", study, "--items", path, "--include-text", "-o", out / "never.html"
    yield "agree", items, "--level", "nominal"
    yield "label", items, "-c", given / "text_for_codebook.yaml", "-o", out / "never"
    yield "label", items, "-c", items, "-o", out / "never"
    yield "label", items, "-c", book, "-e", items, "-o", out / "never"
    yield "consensus", study, "--certificate", items
    yield "consensus", study, "--calibration", items
    yield "report", items
    yield "ledger", "verify", items
    yield "models", "add", items
    yield "withdraw", study, "--ids", given / "broken_bytes.csv", *of_items


def test_the_mark_is_nowhere_but_in_the_files_for_texts(
    run: Run, given: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    out.mkdir()
    shown, codes = [], []
    for command in commands(given, study, out):
        ended = run(*command)
        codes.append((ended.code, " ".join(map(str, command[:2]))))
        if CANARY in ended.out + ended.err or "fault in the program" in ended.err:
            shown.append((command[:3], (ended.out + ended.err)[-400:]))
    assert shown == []
    assert CANARY not in caplog.text
    written = [one for one in tmp_path.rglob("*") if one.is_file() and given not in one.parents]
    holding = [one for one in written if any(CANARY.encode() in part for part in content_of(one))]
    assert [one.name for one in holding if not is_meant(one)] == []
    # The commands did run, and the files that are meant to hold texts do.
    assert {"labels.csv", "worksheet.xlsx", "final.csv"} <= {one.name for one in holding}
    assert sum(code in {0, 3} for code, _ in codes) >= 40, codes
    assert not list(tmp_path.rglob("*.part"))
