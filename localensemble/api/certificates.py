"""Certificate files: read, write, and refuse one that does not fit a codebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from localensemble.codebook.model import Codebook
from localensemble.consensus.certificate import Certificate
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_text
from localensemble.findings.binding import (
    CODEBOOK,
    PROMPT,
    RULES,
    bound_items,
    rater_key,
    rules_sha256,
)
from localensemble.labeling.run import codebook_content


def read_certificates(paths: Sequence[Path], *, codebook: Codebook) -> tuple[Certificate, ...]:
    """Read certificate files for the variables of a codebook.

    Raises:
        InputError: a file cannot be read, is no certificate, or is of another variable.
    """
    return tuple(_read(path, codebook) for path in paths)


def rules_with_certificates(
    rules: DecisionRules,
    paths: Sequence[Path],
    *,
    codebook: Codebook,
    prompt_sha256: str,
    raters: Sequence[str],
    items_sha256: str,
    item_count: int,
) -> DecisionRules:
    """Add certificates to the rules of a run, after checking what is known before it.

    What a rater is shows only when its model has been opened; the names are checked here.

    Raises:
        InputError: a file cannot be read, or was certified for another prompt, codebook,
            rule, ensemble or, under a method that learns from all items, item set.
    """
    certificates = read_certificates(paths, codebook=codebook)
    for certificate in certificates:
        bound = dict(certificate.hashes)
        certificate.check(
            {
                **{rater_key(name): bound.get(rater_key(name), "") for name in raters},
                PROMPT: prompt_sha256,
                CODEBOOK: sha256_text(codebook_content(codebook)),
                RULES: rules_sha256(rules, variable=codebook.variable(certificate.variable)),
                **bound_items(rules, items_sha256=items_sha256, item_count=item_count),
            }
        )
    return rules.with_certificates(certificates)


def write_certificate(certificate: Certificate, *, path: Path) -> None:
    """Write a certificate as JSON, whole or not at all."""
    text = json.dumps(certificate.as_values(), indent=2, ensure_ascii=False, allow_nan=False)
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")


def _read(path: Path, codebook: Codebook) -> Certificate:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"Cannot read the certificate {path}: {error.strerror}.",
            hint="Check the path given with --certificate.",
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}: this is not JSON.",
            hint="Give the file that `localensemble calibrate` wrote.",
        ) from error
    if not isinstance(values, dict):
        raise InputError(
            f"{path}: this is no certificate.",
            hint="Give the file that `localensemble calibrate` wrote.",
        )
    certificate = Certificate.from_values(values)
    names = [variable.name for variable in codebook.variables]
    if certificate.variable not in names:
        raise InputError(
            f'{path}: the certificate is of the variable "{certificate.variable}", which this '
            "codebook does not have.",
            hint=f"The codebook has: {', '.join(names)}.",
        )
    return certificate
