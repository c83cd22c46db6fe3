"""Certificate files: read, write, and refuse one that does not fit a codebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localensemble.codebook.model import Codebook
from localensemble.consensus.bound_raters import BoundRater
from localensemble.consensus.certificates.certificate import VARIABLE, Certificate
from localensemble.consensus.pooling.gold_pool import GoldPool
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.study.binding import (
    CODEBOOK,
    PROMPT,
    RULES,
    bound_items,
    model_key,
    rater_key,
    rules_sha256,
    variable_sha256,
)
from localensemble.study.given_files import GivenFile, GivenFiles, foreign_variables
from localensemble.study.run_record import codebook_content


def read_certificates(
    paths: Sequence[Path], *, codebook: Codebook, files: GivenFiles
) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    """Read certificate files for the variables of a codebook.

    Returns:
        The certificates, and the variables whose certificate is foreign.

    Raises:
        InputError: a file cannot be read, is not a certificate, was edited, is about an unknown
            variable, or is foreign and not stated to be.
    """
    given = [files.read(path, kind="certificate") for path in paths]
    return tuple(_certificate(one, codebook) for one in given), foreign_variables(given)


@dataclass(frozen=True, slots=True)
class LabelingConditions:
    """What is known about a labeling run before any model is loaded.

    ``models`` maps each rater to the hash of its model file, "" if it has none. An engine's
    version, a chat template and a layout are known only when the model has been loaded.
    """

    codebook: Codebook
    prompt_sha256: str
    models: Mapping[str, str]
    items_sha256: str
    item_count: int

    def refuse_others(self, certificate: Certificate, *, rules: DecisionRules) -> None:
        """Refuse a certificate made for other models, prompt, codebook, rules or items.

        Raises:
            InputError: the certificate does not match; the message names what differs.
        """
        bound = dict(certificate.hashes)
        method = rules.method_for(certificate.variable)
        fit = rules.fit(list(self.models))
        models = {
            model_key(name): self.models[name] or bound.get(model_key(name), "") for name in fit
        }
        certificate.check(
            {
                **{rater_key(name): bound.get(rater_key(name), "") for name in fit},
                **models,
                VARIABLE: variable_sha256(self.codebook.variable(certificate.variable)),
                PROMPT: self.prompt_sha256,
                CODEBOOK: sha256_text(codebook_content(self.codebook)),
                RULES: rules_sha256(rules, variable=self.codebook.variable(certificate.variable)),
                **bound_items(method, items_sha256=self.items_sha256, item_count=self.item_count),
            }
        )

    def refuse_other_raters(
        self, calibration: CalibratedRaters, *, unfit: Sequence[str] = ()
    ) -> None:
        """Refuse a calibration made for other raters or models.

        Raises:
            InputError: the calibration does not match; the message names what differs.
        """
        calibration.check(self._known_as(calibration.raters), unfit=unfit)

    def refuse_other_raters_of(self, pool: GoldPool, *, rules: DecisionRules) -> None:
        """Refuse a pool fitted to other raters or models than those that count.

        Raises:
            InputError: the pool does not match; the message names what differs.
        """
        known = self._known_as(pool.raters)
        pool.check({name: known[name] for name in rules.fit(list(known))})

    def _known_as(self, bound: Sequence[BoundRater]) -> Mapping[str, str]:
        """Return the identity of each rater, as far as its model tells it before it is loaded."""
        by_name = {rater.name: rater for rater in bound}
        found = {}
        for name, sha256 in self.models.items():
            rater = by_name.get(name)
            same = rater is not None and sha256 in ("", rater.model_sha256)
            found[name] = rater.identity_sha256 if rater is not None and same else "another model"
        return found


def refuse_what_does_not_hold(rules: DecisionRules, *, conditions: LabelingConditions) -> None:
    """Refuse to label with certificates, calibrations and pools that no longer hold.

    Without them, other items would wait for a person, so the user must drop them.

    Raises:
        InputError: one does not hold; the message names it and how to continue without it.
    """
    for calibration in rules.calibrations:
        with _to_be_dropped("calibration", "--drop-calibrations"):
            conditions.refuse_other_raters(calibration, unfit=rules.unfit)
    for pool in rules.pools:
        with _to_be_dropped("pool", "--method majority"):
            conditions.refuse_other_raters_of(pool, rules=rules)
    for certificate in rules.certificates:
        with _to_be_dropped("certificate", "--drop-certificates"):
            _refuse_unknown_variable(certificate, conditions.codebook, "The study")
            conditions.refuse_others(certificate, rules=rules)


@contextmanager
def _to_be_dropped(what: str, option: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(
            f"A {what} of this study no longer holds. {error.message}",
            hint="Restore what changed, or give files that hold (`--certificate`, "
            "`--calibration`). To continue without it, run "
            f"`localensemble consensus STUDY --items FILE {option}`, then label again.",
        ) from error


def lost_between(before: DecisionRules, now: DecisionRules) -> tuple[str, ...]:
    """Report which certificates, calibrations and pools are dropped because others replace them."""
    pooled = [one.variable for one in now.pools]
    lost = tuple(
        f'The study drops its pool for "{one.variable}"; to fit it again, give gold labels '
        "(--gold) and no method."
        for one in before.pools
        if one.variable not in pooled
    )
    replaced = tuple(
        f'The study drops its calibration for "{one.variable}": the pool is fitted to the raters\' '
        "own probabilities."
        for one in before.calibrations
        if one.variable in pooled
    )
    others = tuple(
        f'The study drops its {what} for "{one.variable}"; to keep it, also give its file '
        f"({option})."
        for what, option, held, kept in (
            ("certificate", "--certificate", before.certificates, now.certificates),
            (
                "calibration",
                "--calibration",
                [one for one in before.calibrations if one.variable not in pooled],
                now.calibrations,
            ),
        )
        if kept
        for one in held
        if one.variable not in [other.variable for other in kept]
    )
    return (*lost, *replaced, *others)


def certified_raters(rules: DecisionRules) -> Mapping[str, str]:
    """Return, by rater name, the identity for which certificates, calibrations and pools hold."""
    calibrated = {
        rater.name: rater.identity_sha256 for one in rules.calibrations for rater in one.raters
    }
    pooled = {rater.name: rater.identity_sha256 for one in rules.pools for rater in one.raters}
    return (
        calibrated
        | pooled
        | {
            name.removeprefix(rater_key("")): sha256
            for certificate in rules.certificates
            for name, sha256 in certificate.hashes
            if name.startswith(rater_key(""))
        }
    )


def _certificate(given: GivenFile, codebook: Codebook) -> Certificate:
    certificate = Certificate.from_values(given.values)
    _refuse_unknown_variable(certificate, codebook, f"{given.path}")
    certificate.refuse_edited(f"{given.path}: the certificate")
    if given.foreign and VARIABLE not in dict(certificate.hashes):
        raise InputError(
            f'{given.path}: the certificate names the variable "{certificate.variable}", but not '
            "what raters were asked, so it could be about another one.",
            hint="Certify again with this version.",
        )
    return certificate


def _refuse_unknown_variable(certificate: Certificate, codebook: Codebook, where: str) -> None:
    names = [variable.name for variable in codebook.variables]
    if certificate.variable not in names:
        raise InputError(
            f'{where}: the certificate is for variable "{certificate.variable}", which this '
            "codebook does not have.",
            hint=f"The codebook has: {', '.join(names)}.",
        )
