"""Say what has changed since labels were made, from what a study records.

The record is the raters' identities and the runs in the ledger, and the machine in
`manifest.json`. What it does not hold, such as the model of the processor, cannot be compared.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping

from localensemble import __version__
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.foreign_json import ForeignJsonError
from localensemble.core.input_files import read_json_file
from localensemble.core.raters import RaterIdentity
from localensemble.core.words import listed
from localensemble.study.folder import StudyFolder
from localensemble.study.run_record import RunSettings

# Field of an identity -> what people call it.
_CONDITIONS = {
    "engine": "engine",
    "engine_version": "build of the engine",
    "model_name": "name in the model file",
    "model_sha256": "hash of the model",
    "chat_template_sha256": "chat template of the model",
    "prompt_template": "prompt template",
    "prompt_template_sha256": "texts of the prompt template",
    "codebook_sha256": "codebook, or examples, that the prompts show",
    "layout": "layout of the prompt",
}
_SHOWN_OF_A_HASH = 12


def changed_conditions(recorded: RaterIdentity, now: RaterIdentity) -> tuple[str, ...]:
    """Return a sentence for each condition of a rater that is not as it was."""
    before, after = recorded.as_json(), now.as_json()
    fields = [(word, str(before[name]), str(after[name])) for name, word in _CONDITIONS.items()]
    settings, set_now = dict(recorded.settings), dict(now.settings)
    fields += [
        (f"setting {name}", settings.get(name, "not set"), set_now.get(name, "not set"))
        for name in sorted({*settings, *set_now})
    ]
    return tuple(
        f"The {word} was {_short(one)}, and is {_short(other)}."
        for word, one, other in fields
        if one != other
    )


def changed_program(
    runs: Collection[RunSettings], *, rater: str, origin: EngineOrigin | None
) -> tuple[str, ...]:
    """Return a sentence if another program, or another engine's code, made a rater's labels.

    Args:
        runs: the settings of the runs that made them.
        rater: the rater's name.
        origin: where the code of its engine comes from now.
    """
    versions = sorted({run.program_version for run in runs} - {__version__})
    if versions:
        return (f"The program was version {listed(versions)}, and is {__version__}.",)
    known = {run.engines[rater].sha256 for run in runs if rater in run.engines} - {""}
    if origin is None or not origin.sha256 or known <= {origin.sha256}:
        return ()
    return ("The code of the program, or of the engine, was another under the same version.",)


def changed_machine(folder: StudyFolder) -> tuple[str, ...]:
    """Return a sentence if the study's manifest names another kind of machine."""
    try:
        manifest = read_json_file(folder.manifest)
    except (OSError, ForeignJsonError):
        return ()
    machine = manifest.get("machine") if isinstance(manifest, Mapping) else None
    if not isinstance(machine, Mapping):
        return ()
    now = {"system": platform.system(), "processor": platform.machine()}
    return tuple(
        f"The {name} was {machine[name]}, and is {found}."
        for name, found in now.items()
        if isinstance(machine.get(name), str) and machine[name] != found
    )


def _short(text: str) -> str:
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:_SHOWN_OF_A_HASH] if is_hash else text or "unknown"
