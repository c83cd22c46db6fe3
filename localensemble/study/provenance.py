"""What was run, by hash: enough to tell whether another run was the same."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from localensemble import __version__
from localensemble.core.identity import JsonValue
from localensemble.study.study import Study


@dataclass(frozen=True, slots=True)
class Provenance:
    """The identities behind a study, as JSON values; no item text, no path, no user name."""

    content: Mapping[str, JsonValue]


def provenance(
    loaded: Study,
    *,
    input_columns: tuple[str, ...],
    egress_guard: Mapping[str, JsonValue],
    interfaces: tuple[str, ...] | None,
) -> Provenance:
    """Gather the identities of a loaded study and the kind of machine it ran on.

    Args:
        input_columns: columns of the table that was labeled.
        egress_guard: whether the guard kept this process from other machines, and the number
            of refused attempts to reach one.
        interfaces: network interfaces of an isolated process; None if it is not isolated.
    """
    reader, labels = loaded.recorded.reader, loaded.recorded
    item_set = next(one for one in reader.item_sets() if one.key == labels.item_set)
    identities = {record.key: record.rater for record in reader.raters()}
    engines, deidentified = loaded.run.settings.engines, loaded.run.settings.deidentified
    last = deque(reader.history(), maxlen=1)
    return Provenance(
        {
            "localensemble": __version__,
            # Verifying the ledger cannot detect that the newest events were removed; this can.
            "ledger_head_sha256": last[0].sha256,
            "item_set": {
                "sha256": item_set.sha256,
                "items": item_set.item_count,
                "items_labeled": labels.item_count,
                "columns": list(input_columns),
            },
            "codebook": {
                "name": loaded.codebook.name,
                "version": loaded.codebook.version,
                "sha256": loaded.codebook.sha256,
            },
            # How texts were de-identified before raters saw them: hashes and counts.
            "deidentified": None if deidentified is None else deidentified.as_json(),
            "rules": loaded.rules.content,
            "raters": [
                {
                    "name": name,
                    "sha256": identities[key].identity.sha256,
                    "identity": identities[key].identity.as_json(),
                    "engine": origin.as_json() if (origin := engines.get(name)) else None,
                }
                for name, key in zip(labels.rater_names, labels.rater_keys, strict=True)
            ],
            "runs": [
                {"started_at": run.started_at, "finished_at": run.finished_at, "status": run.status}
                for run in reader.runs()
            ],
            # About the process that writes this and the engine processes it started.
            "egress_guard": dict(egress_guard),
            # The names of interfaces that reach a network stay private.
            "isolation": {"isolated": False}
            if interfaces is None
            else {"isolated": True, "interfaces": list(interfaces)},
            "machine": {
                "system": platform.system(),
                "processor": platform.machine(),
                "python": platform.python_version(),
            },
        }
    )
