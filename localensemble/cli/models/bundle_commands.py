"""The commands ``models bundle`` and ``models unbundle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import click

from localensemble.api.bundle import (
    BundledProgram,
    CheckedBundle,
    bundle_models,
    unbundle_models,
    verify_bundle,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.models.terms import AgreedTerms, asked
from localensemble.core.options import Option


@click.command("bundle")
@click.argument("names", nargs=-1)
@with_options
def bundle_command(
    names: tuple[str, ...],
    *,
    folder: Annotated[
        Path, Option("The folder to write, new or empty.", "-o --output", folder=True)
    ],
    codebooks: Annotated[tuple[Path, ...], Option("Add a codebook.", "-c --codebook")] = (),
    ensembles: Annotated[
        tuple[Path, ...],
        Option("Add an ensemble file and the models it names.", "-e --ensemble"),
    ] = (),
    target: Annotated[
        str | None,
        Option(
            "The other machine: windows-x64, macos-arm64, macos-x86_64, linux-x86_64, or "
            "a platform as pip names it. [default: this machine]",
            "--for --platform",
            metavar="PLATFORM",
        ),
    ] = None,
    python: Annotated[
        Literal["3.11", "3.12", "3.13"] | None,
        Option("The other machine's Python version. [default: this machine's]"),
    ] = None,
    standalone_python: Annotated[
        Path | None,
        Option(
            "An archive (.tar.gz) with a Python that runs where it is unpacked, for a machine "
            "without Python.",
            "--with-python",
        ),
    ] = None,
    compiled: Annotated[
        Path | None,
        Option(
            "A wheel of llama-cpp-python built for that platform. [default: one with a prebuilt "
            "library, else the one built here]",
            "--llama-cpp-wheel",
        ),
    ] = None,
) -> None:
    """Write a folder with everything that a machine without a network needs.

    It contains the program with all its packages, the models NAMES (by default all pulled
    models, or those of the ensemble files), an installer, and SHA256SUMS, the list of every
    file's hash. The command shows the SHA-256 of that list. Send it separately from the folder,
    so that the other machine can compare it. Runs pip, which uses the package index it is
    configured for. Needs a checkout of the program.
    """
    console = progress_output()
    made = bundle_models(
        folder,
        names=names,
        codebooks=codebooks,
        ensembles=ensembles,
        python=python,
        target=target,
        standalone_python=standalone_python,
        compiled=compiled,
        on_step=lambda step: say(console, f"{step} ..."),
    )
    _show_made(made)


def _show_made(made: BundledProgram) -> None:
    console, written = output(), made.written
    named = ", ".join(model.name for model in made.models) or "only the embedded ones"
    say(console, f"Bundle: {written.folder}")
    say(console, f"{written.file_count} files, {written.size_bytes / 1e6:,.0f} MB; models: {named}")
    for terms in made.terms:
        say(console, f"Terms included: {terms.title}, in short: {terms.terms} {terms.url}")
    say(console, f"SHA-256 of SHA256SUMS: {written.sha256}")
    say(console, "Send these digits separately from the bundle. There, in its folder:")
    if written.platform.startswith("windows"):
        say(console, "  certutil -hashfile SHA256SUMS SHA256    must show the same digits")
        say(console, f"  .\\install.ps1 -Sha256 {written.sha256}")
        return
    say(console, "  sha256sum SHA256SUMS               must show the same digits")
    say(console, "  sha256sum --quiet -c SHA256SUMS    must show nothing")
    say(console, f"  sh install.sh --sha256 {written.sha256}")


@click.command("unbundle")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_options
def unbundle_command(
    folder: Path,
    *,
    sha256: Annotated[
        str,
        Option(
            "The SHA-256 of its file SHA256SUMS, as shown when the bundle was made.",
            metavar="DIGITS",
        ),
    ],
    output: Annotated[
        Path | None,
        Option("A folder for its codebooks and ensemble files.", "-o --output", folder=True),
    ] = None,
    agree: AgreedTerms = (),
    check_only: Annotated[bool, Option("Check every byte and install nothing.", "--check")] = False,
) -> None:
    """Check a bundle and install its models into the models folder.

    Changed, missing or unexpected files are listed and nothing is installed.
    """
    if check_only:
        _show_checked(verify_bundle(folder, sha256=sha256))
        return
    taken = unbundle_models(
        folder,
        sha256=sha256,
        agree=lambda license: license.name in agree or asked(license),
        output=output,
    )
    _show_checked(taken.checked)
    for model in taken.models:
        _say(f"{model.name}: verified and ready, sha256 {model.sha256}")
    for path in taken.copied:
        _say(f"Copied: {path}")
    for prompt in taken.other_prompts:
        _say(
            f"Prompt template {prompt} of the bundle is missing here or worded differently. "
            "To label with it, install the program from the bundle."
        )


def _show_checked(checked: CheckedBundle) -> None:
    _say(f"All {len(checked.files)} files match SHA256SUMS.")


def _say(line: str) -> None:
    say(output(), line)
