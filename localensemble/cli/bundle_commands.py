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
from localensemble.cli.terms import AgreedTerms, asked
from localensemble.core.options import Option


@click.command("bundle")
@click.argument("names", nargs=-1)
@with_options
def bundle_command(
    names: tuple[str, ...],
    *,
    folder: Annotated[Path, Option("A folder, new or empty.", "-o --output", folder=True)],
    codebooks: Annotated[tuple[Path, ...], Option("Add a codebook.", "-c --codebook")] = (),
    ensembles: Annotated[
        tuple[Path, ...],
        Option("Add an ensemble file and the models that it names.", "-e --ensemble"),
    ] = (),
    platform_tag: Annotated[
        str | None,
        Option(
            "The platform there, for example manylinux_2_28_x86_64. [default: this one]",
            "--platform",
            metavar="TAG",
        ),
    ] = None,
    python: Annotated[
        Literal["3.11", "3.12", "3.13"] | None,
        Option("The version of Python there. [default: this one]"),
    ] = None,
    compiled: Annotated[
        Path | None,
        Option(
            "The wheel of llama-cpp-python built for that platform. [default: the one built here]",
            "--llama-cpp-wheel",
        ),
    ] = None,
) -> None:
    """Write all that a machine without a network needs into a folder to carry there.

    The program with all its packages, the models NAMES (by default all that were pulled, or
    those of the ensemble files), an installer, and SHA256SUMS, the list of every file's hash.
    Shows the SHA-256 of that list. Send it by another way: the other machine compares it.
    Runs pip, which asks the package index it is set up for. Needs a checkout of the program.
    """
    console = progress_output()
    made = bundle_models(
        folder,
        names=names,
        codebooks=codebooks,
        ensembles=ensembles,
        python=python,
        platform_tag=platform_tag,
        compiled=compiled,
        on_step=lambda step: say(console, f"{step} ..."),
    )
    _show_made(made)


def _show_made(made: BundledProgram) -> None:
    console, written = output(), made.written
    named = ", ".join(model.name for model in made.models) or "none beside the embedded ones"
    say(console, f"Bundle: {written.folder}")
    say(console, f"{written.file_count} files, {written.size_bytes / 1e6:,.0f} MB; models: {named}")
    for terms in made.terms:
        say(console, f"Passed on with it: {terms.title}, in short: {terms.terms} {terms.url}")
    say(console, f"SHA-256 of SHA256SUMS: {written.sha256}")
    say(console, "Send these digits by another way than the bundle. There, in its folder:")
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
        Option("Of its file SHA256SUMS, as shown when the bundle was made.", metavar="DIGITS"),
    ],
    output: Annotated[
        Path | None,
        Option("Where its codebooks and ensemble files are copied to.", "-o --output", folder=True),
    ] = None,
    agree: AgreedTerms = (),
    check_only: Annotated[
        bool, Option("Check every byte, and take in nothing.", "--check")
    ] = False,
) -> None:
    """Check a bundle and take its models into the models folder.

    A file that is changed, missing or unexpected is named, and nothing is taken.
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
            f"Prompt template {prompt} of the bundle is not here, or has another wording here. "
            "To label with it, install the program of the bundle."
        )


def _show_checked(checked: CheckedBundle) -> None:
    _say(f"All {len(checked.files)} files are those of SHA256SUMS.")


def _say(line: str) -> None:
    say(output(), line)
