"""Compare a new labeling plan with what its study folder already holds.

A study is one item set under one codebook. A folder lets a study continue with more items, more
raters, corrected texts or corrected wording of variables. Refuses another study in the same
folder, because its tables would replace the existing ones. Tables that would still lose something
are backed up, and a message names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.core.words import listed
from localensemble.labeling.labeling_plan import LabelingPlan
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import refuse_changed
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import put_aside, written_before
from localensemble.study.people.current_decisions import counted_decisions
from localensemble.study.run_record import codebook_content, newest_finished
from localensemble.study.study import Study

_ITEMS_AT_ONCE = 4096
_SHOWN = 3
_CUT_OFF = "The tables are from an earlier run: writing those of the last run was cut off."
_ELSEWHERE = "or label into another folder (--output)."


@dataclass(frozen=True, slots=True)
class Reuse:
    """What labeling into a folder again changes in it.

    Attributes:
        messages: sentences for the user; empty if nothing leaves the tables.
        raters: name of each rater of the last finished run, and a hash of its identity.
        corrected: whether the codebook was corrected; the hashes then leave it out, because that
            is reported by itself.
        notes: sentences on what stays as it is.
    """

    messages: tuple[str, ...] = ()
    raters: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    corrected: bool = False

    def keep_tables(self, folder: StudyFolder, loaded: Study) -> tuple[str, ...]:
        """Back up the tables in which something would be lost, and return messages about it.

        Args:
            folder: the study's folder.
            loaded: the newest run, whose tables are written next.
        """
        before = dict(self.raters)
        other = tuple(
            f"{name} is not the rater that used this name before (another model, prompt, "
            "setting or engine version): the tables hold its new labels, the ledger both."
            for name, identity in _identities(loaded, corrected=self.corrected)
            if before.get(name, identity) != identity
        )
        return (*other, *put_aside(folder)) if self.messages or other else ()


def check_reuse(plan: LabelingPlan, *, folder: StudyFolder, reader: LedgerReader) -> Reuse:
    """Compare a plan with the last finished run in a folder, if there is one.

    Raises:
        InputError: items or all raters of that run would leave the tables, or the codebook
            has changed.
        LedgerError: the ledger was changed.
    """
    if newest_finished(reader) is None:
        refuse_changed(reader.path)
        return Reuse()
    held = Study.load(reader)
    corrected = _corrected_variables(folder, held, plan.codebook)
    gone = _gone_raters(folder, held, [str(engine.name) for engine in plan.engines])
    texts = _changed_texts(folder, held, plan)
    review = _changed_review(held.codebook, plan.codebook)
    older = (_CUT_OFF,) if written_before(folder, held.run) else ()
    return Reuse(
        (*older, *corrected, *gone, *review, *texts),
        _identities(held, corrected=bool(corrected)),
        _non_answers(held, plan),
        bool(corrected),
    )


def _non_answers(held: Study, plan: LabelingPlan) -> tuple[str, ...]:
    """Report that another list of non-answers changes nothing for texts that have labels."""
    if set(held.codebook.no_answer) == set(plan.codebook.no_answer):
        return ()
    return (
        "The codebook lists other texts under `no_answer` than before. Texts that have labels keep "
        "them; to apply the list to them too, label into another folder (--output).",
    )


def _identities(study: Study, *, corrected: bool) -> tuple[tuple[str, str], ...]:
    of_key = {
        # Other shots change the codebook's hash, too, and nothing else reports them.
        one.key: (
            replace(one.rater.identity, codebook_sha256="") if corrected else one.rater.identity
        ).sha256
        for one in study.labeled.reader.raters()
    }
    return tuple(
        (name, of_key[key])
        for name, key in zip(study.labeled.rater_names, study.labeled.rater_keys, strict=True)
    )


def _corrected_variables(folder: StudyFolder, held: Study, codebook: Codebook) -> tuple[str, ...]:
    """Report which variables are worded differently; refuse a codebook of another study.

    A corrected codebook has the same variables with the same categories.
    """
    if codebook_content(held.codebook) == codebook_content(codebook):
        return ()
    before = {one.name: one.shown_to_raters() for one in held.codebook.variables}
    now = {one.name: one.shown_to_raters() for one in codebook.variables}
    answers = [
        [(one.name, one.answers) for one in some.variables] for some in (held.codebook, codebook)
    ]
    if answers[0] == answers[1]:
        changed = [name for name in now if now[name] != before[name]]
        kept = [name for name in now if name not in changed]
        rest = f" The labels of {listed(kept)} are kept." if kept else ""
        return (
            f"The codebook now words {listed(changed)} differently: "
            f"{'it is' if len(changed) == 1 else 'they are'} asked again.{rest}"
            f"{_decisions_lost(held, changed)}",
        )
    differences = [
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("removed variables", [name for name in before if name not in now]),
            ("new variables", [name for name in now if name not in before]),
            ("changed variables", [n for n in now if n in before and now[n] != before[n]]),
        )
        if names
    ] or ["the order of its variables"]
    raise InputError(
        f"{folder.path} was labeled with a different codebook: {_with_version(held.codebook)} "
        f"and {_with_version(codebook)} show the raters different words "
        f"({'; '.join(differences)}).",
        hint=f"A label answers what was asked. Give the codebook of that study, {_ELSEWHERE}",
    )


def _with_version(codebook: Codebook) -> str:
    # The codebook of imported ratings has no version.
    return f"{codebook.name} version {codebook.version}" if codebook.version else codebook.name


def _changed_review(held: Codebook, codebook: Codebook) -> tuple[str, ...]:
    """Report where the codebook now asks for different reviews, which changes final labels."""
    messages = []
    for now in codebook.variables:
        before = held.variable(now.name)
        was, becomes = _always_reviewed(before), _always_reviewed(now)
        changes = [
            f"{what}: {', '.join(names)}"
            for what, names in (
                ("no longer always reviewed", [name for name in was if name not in becomes]),
                ("always reviewed now", [name for name in becomes if name not in was]),
                (
                    "always reviewed above a different probability",
                    [name for name in was if becomes.get(name, was[name]) != was[name]],
                ),
            )
            if names
        ]
        if before.required_agreement != now.required_agreement:
            changes.append("different required agreement")
        if changes:
            messages.append(
                f"{now.name}: the codebook asks for different reviews than before "
                f"({'; '.join(changes)}). Final labels may change."
            )
    return tuple(messages)


def _always_reviewed(variable: Variable) -> dict[str, float | None]:
    return {
        category.name: category.always_review.above
        for category in variable.categories
        if category.always_review is not None
    }


def _gone_raters(folder: StudyFolder, held: Study, raters: Sequence[str]) -> tuple[str, ...]:
    gone = [name for name in held.labeled.rater_names if name not in raters]
    if len(gone) == len(held.labeled.rater_names):
        raise InputError(
            f"{folder.path} was labeled by {', '.join(gone)}; none of them is in this "
            f"ensemble, which has {', '.join(raters)}.",
            hint=f"Give the ensemble file of that study (--ensemble), {_ELSEWHERE}",
        )
    return tuple(
        f"{name} labeled in this study but is not in this ensemble: its labels leave the "
        "tables and stay in the ledger."
        for name in gone
    )


def _changed_texts(folder: StudyFolder, held: Study, plan: LabelingPlan) -> tuple[str, ...]:
    """Report how many texts changed; refuse if an item would leave the tables."""
    items, limit = plan.items, plan.limit
    count = held.recorded.item_count
    wanted = min(items.item_count, limit or items.item_count)
    before = held.run.settings.deidentified
    shown_otherwise = items.shown_sha256 != ("" if before is None else before.sha256)
    if items.sha256 == held.items_sha256 and wanted >= count and not shown_otherwise:
        return ()
    given = {
        str(row.item.id): (row.item.position, sha256_text(row.item.text))
        for block in items.blocks(_ITEMS_AT_ONCE)
        for row in block
    }
    missing, beyond, changed, places = [], 0, [], []
    for start in range(0, count, _ITEMS_AT_ONCE):
        stop = min(start + _ITEMS_AT_ONCE, count)
        hashes = held.recorded.reader.item_hashes(held.recorded.item_set, start=start, stop=stop)
        for place, (item_id, content_sha256) in enumerate(hashes, start=start):
            position, found = given.get(str(item_id), (-1, ""))
            if position < 0:
                missing.append(str(item_id))
            elif position >= wanted:
                beyond += 1
            elif found != content_sha256:
                changed.append(str(item_id))
                places.append(place)
    if missing or (2 * len(changed) > count and not shown_otherwise):
        what = "are missing from it" if missing else "have a different text in it"
        raise InputError(
            f"{items.path.name} does not belong to the study in {folder.path}: of its {count:,} "
            f"labeled items, {_named(missing or changed)} {what}.",
            hint="Give the table of that study, with its --id-column and --text-column, "
            f"{_ELSEWHERE}"
            + (
                " To take items out, for example if consent is withdrawn, run "
                f"`localensemble withdraw {folder.path} --id ID --items {items.path.name}`."
                if missing
                else ""
            ),
        )
    if beyond:
        raise InputError(
            f"{folder.path} holds labels of {count:,} items; --limit {limit} would remove "
            f"{beyond:,} of them from its tables.",
            hint=f"Leave out --limit, raise it, {_ELSEWHERE}",
        )
    if shown_otherwise:
        return (
            "The texts are de-identified differently than before, so all labels are made again. Of "
            f"{count:,} labeled items, {len(changed):,} are shown differently."
            f"{_decisions_lost(held, [*held.recorded.variable_keys], places=places)}",
        )
    if not changed:
        return ()
    return (
        f"Of {count:,} labeled items, {_named(changed)} have a changed text and are labeled again."
        f"{_decisions_lost(held, [*held.recorded.variable_keys], places=places)}",
    )


def _decisions_lost(
    held: Study, variables: Sequence[str], *, places: Sequence[int] | None = None
) -> str:
    """Say how many people's decisions do not count for a new wording or text.

    A decision is about the text and the question that a person read.

    Args:
        places: positions of the items with a changed text; None for all items.
    """
    labels = held.recorded
    decided = 0
    for variable in variables:
        rows = labels.reader.person_decisions(labels.item_set, labels.variable_keys[variable])
        found = np.unique(rows.position[counted_decisions(rows)])
        decided += len(found if places is None else np.intersect1d(found, places))
    if not decided:
        return ""
    return (
        f" People had decided {decided:,} of these labels. Their decisions stay in the ledger but "
        "no longer count, so the labels may be open again."
    )


def _named(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:_SHOWN])
    return f"{len(ids):,} ({shown}{', ...' if len(ids) > _SHOWN else ''})"
