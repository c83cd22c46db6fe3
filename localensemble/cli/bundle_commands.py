"""The commands ``models bundle`` and ``models unbundle``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.bundle import (
    BundledProgram,
    CheckedBundle,
    bundle_models,
    unbundle_models,
    verify_bundle,
)
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.terms import asked

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("bundle")
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--output", "folder", type=_FOLDER, required=True, help="A folder, new or empty."
)
@click.option("-c", "--codebook", "codebooks", type=_FILE, multiple=True, help="Add a codebook.")
@click.option(
    "-e",
    "--ensemble",
    "ensembles",
    type=_FILE,
    multiple=True,
    help="Add an ensemble file and the models that it names.",
)
@click.option(
    "--platform",
    "platform_tag",
    metavar="TAG",
    help="The platform there, for example manylinux_2_28_x86_64. [default: this one]",
)
@click.option(
    "--python",
    type=click.Choice(["3.11", "3.12", "3.13"]),
    help="The version of Python there. [default: this one]",
)
@click.option(
    "--llama-cpp-wheel",
    "compiled",
    type=_FILE,
    help="The wheel of llama-cpp-python built for that platform. [default: the one built here]",
)
@click.option(
    "--key", type=_FILE, help="A PEM file with an Ed25519 key that signs. [default: your own]"
)
def bundle_command(
    names: tuple[str, ...],
    folder: Path,
    codebooks: tuple[Path, ...],
    ensembles: tuple[Path, ...],
    platform_tag: str | None,
    python: str | None,
    compiled: Path | None,
    key: Path | None,
) -> None:
    """Write all that a machine without a network needs into a folder to carry there.

    The program with all its packages, the models NAMES (by default all that were pulled, or
    those of the ensemble files), an installer, and a signed list of the hash of every file.
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
        key=key,
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
    if made.key.is_new:
        say(console, f"A key to sign with was made: {made.key.path}. Keep it to yourself.")
    say(console, f"Fingerprint of the key: {written.fingerprint}")
    say(console, "Send the fingerprint by another way than the bundle. On the other machine:")
    say(console, f"  sh install.sh --fingerprint {written.fingerprint}")


@click.command("unbundle")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--fingerprint",
    metavar="DIGITS",
    help="Of the key that must have signed it, as shown when the bundle was made.",
)
@click.option(
    "-o", "--output", type=_FOLDER, help="Where its codebooks and ensemble files are copied to."
)
@click.option(
    "--agree", multiple=True, metavar="LICENSE", help="Agree to these terms without being asked."
)
@click.option("--check", "check_only", is_flag=True, help="Check every byte, and take in nothing.")
def unbundle_command(
    folder: Path,
    fingerprint: str | None,
    output: Path | None,
    agree: tuple[str, ...],
    check_only: bool,
) -> None:
    """Check a bundle and take its models into the models folder.

    A file that is changed, missing or too much is named, and nothing is taken.
    """
    if check_only:
        _show_checked(verify_bundle(folder, fingerprint=fingerprint), known=bool(fingerprint))
        return
    taken = unbundle_models(
        folder,
        agree=lambda license: license.name in agree or asked(license),
        fingerprint=fingerprint,
        output=output,
    )
    _show_checked(taken.checked, known=bool(fingerprint))
    for model in taken.models:
        _say(f"{model.name}: verified and ready, sha256 {model.sha256}")
    for path in taken.copied:
        _say(f"Copied: {path}")
    for prompt in taken.other_prompts:
        _say(
            f"Prompt template {prompt} of the bundle is not here, or has another wording here. "
            "To label with it, install the program of the bundle."
        )


def _show_checked(checked: CheckedBundle, *, known: bool) -> None:
    count = len(checked.manifest["files"])
    _say(f"All {count} files are as they were signed, by the key {checked.fingerprint}")
    if not known:
        _say(
            "Compare that with the fingerprint from when the bundle was made, which must have "
            "reached you by another way: anybody can sign a bundle with a key of their own."
        )


def _say(line: str) -> None:
    say(output(), line)
