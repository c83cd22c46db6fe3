"""Check whether this machine is ready to label, and say what to do about each finding."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import stat
import tempfile
from pathlib import Path

from localensemble import __version__
from localensemble.api.models import models_folder, verify_embedded
from localensemble.catalog.installed import FOLDER_VARIABLE, ModelsFolder
from localensemble.catalog.known import GIBIBYTE, fitting_sets
from localensemble.core.checks import Check, Severity
from localensemble.core.errors import EngineUnavailableError, LocalEnsembleError
from localensemble.engines.hardware import usable_cores
from localensemble.engines.machine import machine_memory
from localensemble.engines.registry import engine_kind, engine_names
from localensemble.privacy.egress import guard_refuses, guard_state
from localensemble.privacy.isolation import isolation_refused

__all__ = ["Check", "Severity", "examine"]

_ROOM_FOR_MODELS = 10 * GIBIBYTE
_ROOM_FOR_STUDIES = GIBIBYTE
_LITTLE_MEMORY = 2 * GIBIBYTE
_FEW_CORES = 2


def examine() -> tuple[Check, ...]:
    """Examine the machine, the engines, the models and the guard; change nothing.

    The guard is tested by attempts that it refuses; none reaches another machine.
    """
    return (
        _program(),
        _cores(),
        _memory(),
        *_disks(),
        *_engines(),
        *_models(),
        _guard(),
        _isolation(),
        *_permissions(),
        _text_encoding(),
    )


def _program() -> Check:
    found = (
        f"localensemble {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} on {platform.machine()}"
    )
    return Check("program", "ok", found)


def _cores() -> Check:
    cores = usable_cores()
    found = f"{cores:g} usable of {os.cpu_count()}"
    if cores < _FEW_CORES:
        return Check("processor cores", "note", found, "Give the container or the user more cores.")
    return Check("processor cores", "ok", found)


def _memory() -> Check:
    memory = machine_memory()
    fitting = fitting_sets(memory.total)
    found = f"{memory.total / GIBIBYTE:.1f} GiB"
    if memory.available is not None:
        found += f", {memory.available / GIBIBYTE:.1f} GiB free now"
        if memory.available < _LITTLE_MEMORY:
            return Check("memory", "problem", found, "Close other programs before labeling.")
    if not fitting:
        return Check(
            "memory", "note", found, "Choose models that fit: `localensemble models list`."
        )
    return Check("memory", "ok", f"{found}; the set for {fitting[-1].memory_gb} GB fits")


def _disks() -> list[Check]:
    return [
        _disk("disk for models", models_folder(), _ROOM_FOR_MODELS, f"Set {FOLDER_VARIABLE}."),
        _disk("disk for studies here", Path.cwd(), _ROOM_FOR_STUDIES, "Free some room."),
    ]


def _disk(name: str, folder: Path, wanted: int, what_to_do: str) -> Check:
    # The folder itself may not exist yet.
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / GIBIBYTE:.1f} GiB free for {folder}"
    if free < wanted:
        advice = f"{what_to_do} Aim for at least {wanted // GIBIBYTE} GiB."
        return Check(name, "note", found, advice)
    return Check(name, "ok", found)


def _engines() -> list[Check]:
    """List the engines and the checks that each makes of itself."""
    checks = [Check("engines", "ok", ", ".join(engine_names()))]
    for name in engine_names():
        try:
            checks.extend(engine_kind(name).examine())
        except EngineUnavailableError as error:
            checks.append(Check(name, "problem", error.message, error.hint))
    return checks


def _models() -> list[Check]:
    """Check the embedded models by hash; check only that the others, which can be large, exist."""
    embedded = verify_embedded()
    bad = [model.name for model in embedded if model.state != "whole"]
    checks = [
        Check(
            "embedded models",
            "problem",
            f"damaged or missing: {', '.join(bad)}",
            "Install localensemble again.",
        )
        if bad
        else Check("embedded models", "ok", f"{len(embedded)} found, all intact")
    ]
    folder = ModelsFolder()
    try:
        installed = folder.installed()
    except LocalEnsembleError as error:
        return [*checks, Check("models", "problem", error.message, error.hint)]
    gone = [one.name for one in installed if not folder.file_of(one).is_file()]
    if gone:
        advice = "Pull them again, or restore the files."
        return [*checks, Check("models", "problem", f"missing: {', '.join(gone)}", advice)]
    if not installed:
        advice = "The embedded models are for the demo. For real work: `localensemble models pull`."
        return [*checks, Check("models", "note", "none pulled or added", advice)]
    found = ", ".join(one.name for one in installed)
    return [*checks, Check("models", "ok", f"{found}; `models verify` checks every byte")]


def _guard() -> Check:
    state = guard_state()
    if not state.on:
        return Check(
            "egress guard",
            "note",
            "off in this process",
            "Call localensemble.api.privacy.guard_egress() before anything else.",
        )
    if not guard_refuses():
        return Check(
            "egress guard",
            "problem",
            "on, but an attempt was not refused",
            "Some package disables it: label in an environment without other packages.",
        )
    return Check(
        "egress guard",
        "ok",
        f"on; refused {state.attempts} attempts, and every attempt of its test",
    )


def _isolation() -> Check:
    refused = isolation_refused()
    if refused:
        return Check(
            "isolation",
            "note",
            f"not possible here: {refused.rstrip('.')}",
            "`--isolated` will refuse to run; unplug the network if the guard is not enough.",
        )
    return Check("isolation", "ok", "possible: `--isolated` runs without a network")


def _permissions() -> list[Check]:
    folder = models_folder()
    checks = []
    if folder.is_dir() and os.name == "posix" and folder.stat().st_mode & stat.S_IWOTH:
        checks.append(
            Check(
                "permissions",
                "problem",
                f"everyone can write to {folder}",
                f"Remove that permission: `chmod o-w {folder}`.",
            )
        )
    for place in (Path.cwd(), Path(tempfile.gettempdir())):
        if not os.access(place, os.W_OK):
            advice = "Work in a folder that you can write to."
            checks.append(Check("permissions", "problem", f"cannot write to {place}", advice))
    return checks or [Check("permissions", "ok", "you can write to the folders used")]


def _text_encoding() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        return Check(
            "text encoding",
            "note",
            encoding,
            "Files are still read and written as UTF-8, but printed text can be garbled. "
            "Set PYTHONUTF8=1.",
        )
    return Check("text encoding", "ok", encoding)
