"""Write a record of processing activities (Article 30 GDPR) as far as the manifest knows it.

Fills in what the program recorded. Leaves a named blank for what only the controller knows: the
program cannot know a purpose, a legal basis or a period, and guesses none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.foreign_json import ForeignJsonError
from localensemble.core.input_files import read_json_file
from localensemble.core.shown_text import shown
from localensemble.core.words import counted
from localensemble.study.folder_files.kept_tables import keeping_previous
from localensemble.study.recorded_deidentification import RecordedDeidentification

_NOT_RECORDED = "not recorded"
_HINT = "Run `localensemble report STUDY` with this version of the program, and try again."


def write_data_sheet(manifest: Path, *, path: Path) -> tuple[str, ...]:
    """Write the sheet as Markdown; only the owner can read it.

    A sheet that is there with another text is kept beside it, because its blanks may be completed.

    Args:
        manifest: the manifest of the study.
        path: the file to write.

    Returns:
        What was kept, in a sentence.

    Raises:
        InputError: the manifest cannot be read, or is not a manifest.
    """
    try:
        content = read_json_file(manifest)
        text = data_sheet(content)
    except OSError as error:
        raise InputError(f"Cannot read {manifest}: {error.strerror}.", hint=_HINT) from error
    except (ForeignJsonError, AttributeError, KeyError, TypeError) as error:
        detail = f": {error}" if isinstance(error, ForeignJsonError) else ""
        raise InputError(
            f"{manifest} is not the manifest of a study{detail}.", hint=_HINT
        ) from error
    with keeping_previous(path) as kept, replaced_text_file(path) as stream:
        stream.write(text)
    return tuple(kept)


def data_sheet(manifest: Mapping[str, Any]) -> str:
    """Return the sheet of a study as Markdown."""
    items, codebook = manifest["item_set"], manifest["codebook"]
    columns = ", ".join(map(_cell, items["columns"])) or "no columns"
    runs = manifest["runs"]
    began = _cell(runs[0]["started_at"]) if runs else _NOT_RECORDED
    return f"""\
# Record of processing activities (Article 30 GDPR)

Filled in from `manifest.json` of the study. Every "[to be completed: ...]" is for the controller:
the program does not know it. This sheet is a draft, not legal advice.

| Article 30(1) | entry |
| --- | --- |
| Name of the activity | Labeling texts with the codebook "{_cell(codebook["name"])}", version \
{_cell(codebook["version"]) or _NOT_RECORDED} |
| (a) Controller | {_blank("name and contact details")} |
| (a) Joint controller, representative | {_blank("name and contact details, or none")} |
| (a) Data protection officer | {_blank("name and contact details")} |
| (b) Purposes of the processing | {_blank("the research question or task")} |
| Legal basis (Articles 6 and 9) | {_blank("legal basis, and ethics approval or exemption")} |
| (c) Categories of data subjects | {_blank("for example patients, staff")} |
| (c) Categories of personal data | Texts and columns of the table: {columns}. \
{_blank("which of them are personal data, and which are data concerning health")} |
| Extent | {counted(int(items["items_labeled"]), "item")} labeled of \
{int(items["items"]):,}; first run {began} |
| De-identification before labeling | {_deidentified(manifest)} |
| (d) Recipients | The program discloses nothing to recipients. {_blank("who gets the results")} |
| (e) Transfers to third countries | {_transfers(manifest)} \
{_blank("transfers of the results, or none")} |
| (f) Time limits for erasure | \
{_blank("date or period, for table, study folder and backups")}; \
`localensemble study shred` deletes the files of the study, `localensemble withdraw` single items |
| (g) Security measures | {_measures(manifest)} \
{_blank("disk encryption, access control, backups")} |

## Automated means

Labels are proposed by models on this machine. \
{_blank("whether decisions about persons rest on them, Article 22")}

| rater | model | engine | package | SHA-256 of the model |
| --- | --- | --- | --- | --- |
{_raters(manifest)}

## Identities

| what | SHA-256 |
| --- | --- |
| items | `{_cell(items["sha256"])}` |
| codebook | `{_cell(codebook["sha256"])}` |
| newest event of the ledger | `{_cell(manifest["ledger_head_sha256"])}` |

Written by localensemble {_cell(manifest["localensemble"])}. Checked and completed by \
{_blank("name, date")}.
"""


def _blank(what: str) -> str:
    return f"[to be completed: {what}]"


def _transfers(manifest: Mapping[str, Any]) -> str:
    guard = manifest["egress_guard"]
    if manifest["isolation"]["isolated"]:
        return "None by the program: the run had no network."
    if not guard["on"]:
        return "Not ruled out: the guard against connections was off, or failed its own test."
    return (
        "None by Python code of the program, which was kept from connecting to other machines "
        f"({counted(int(guard['attempts']), 'attempt')} refused). Other code was not checked."
    )


def _deidentified(manifest: Mapping[str, Any]) -> str:
    recorded = manifest.get("deidentified")
    if recorded is None:
        return "None: models were shown the texts as they are."
    found = RecordedDeidentification.from_json(recorded)
    return _cell(found.sentence if found else _NOT_RECORDED)


def _measures(manifest: Mapping[str, Any]) -> str:
    machine, guard = manifest["machine"], manifest["egress_guard"]
    test = _cell(guard.get("self_test", _NOT_RECORDED))
    return (
        f"Processed on one machine ({_cell(machine['system'])}, {_cell(machine['processor'])}); "
        f"guard against connections {'on' if guard['on'] else 'off'}, its self-test: {test}; "
        f"isolated from the network: {'yes' if manifest['isolation']['isolated'] else 'no'}; "
        "append-only ledger with hashes, without texts of items; new study folders are readable "
        "only by their owner."
    )


def _raters(manifest: Mapping[str, Any]) -> str:
    return "\n".join(map(_rater, manifest["raters"])) or "| none | | | | |"


def _rater(rater: Mapping[str, Any]) -> str:
    identity, engine = rater["identity"], rater.get("engine") or {}
    package = f"{_cell(engine.get('package', ''))} {_cell(engine.get('version', ''))}".strip()
    cells = (
        _cell(rater["name"]),
        _cell(identity["model_name"]) or _NOT_RECORDED,
        f"{_cell(identity['engine'])} {_cell(identity['engine_version'])}".strip(),
        package or _NOT_RECORDED,
        f"`{_cell(identity['model_sha256'])}`" if identity["model_sha256"] else _NOT_RECORDED,
    )
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    """Return a value that stays in its cell, whatever a name contains."""
    text = shown(str(value)).replace("\n", " ").replace("\\", "\\\\")
    for mark in "|<>`*_[]":
        text = text.replace(mark, f"\\{mark}" if mark != "`" else "'")
    return text
