"""Choose the rules to decide a study by: those of a person, of a file, or fitted to gold labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from localensemble.api.certificates.calibrate import read_calibrations
from localensemble.api.evaluate import gold_of
from localensemble.api.shared_options import Calibrations, Certificates, ForeignFiles, UnfitRaters
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.errors import EnsembleError, InputError
from localensemble.core.options import Option
from localensemble.findings.fitted_pools import PooledStudy, fit_pools
from localensemble.labeling.ensemble import EnsembleSource, load_rules
from localensemble.study.certificate_files import read_certificates
from localensemble.study.decisions import check_rules
from localensemble.study.given_files import GivenFiles
from localensemble.study.gold import GoldLabels
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import TextColumn


@dataclass(frozen=True, slots=True)
class ConsensusOptions:
    """The rules to decide by; what is not given stays as it is in the study.

    Attributes:
        method: name of the consensus method.
        settings: settings of the method, each as ``name=value`` with a YAML value.
        policies: escalation policies, each as YAML like ``{policy: support_below, limit: 0.8}``;
            they replace those of the study.
        ensemble: an ensemble file, or its content, whose consensus and escalation rules apply.
        unfit: raters that are unfit, besides those of the study; their labels stay in the
            ledger and count nowhere.
        certificates: certificate files; they replace those of the study.
        drop_certificates: drop the study's certificates.
        calibrations: files that `calibrate` wrote; they replace those of the study.
        drop_calibrations: decide by the raters' own probabilities.
        foreign_files: the files may be foreign: made for another study, or by other means.
        gold: table with gold labels. Without method, settings, ensemble, certificates and
            calibrations, a pool is fitted to them for each variable that has enough.
        id_column: column of the gold table, and of the items, that identifies an item.
        text_column: column of the items that holds the text.
    """

    method: Annotated[str | None, Option("The consensus method. [default: the study's]")] = None
    settings: Annotated[
        tuple[str, ...],
        Option("A setting of the method; repeatable.", "--setting", metavar="NAME=VALUE"),
    ] = ()
    policies: Annotated[
        tuple[str, ...],
        Option(
            "An escalation policy, such as '{policy: support_below, limit: 0.8}', instead of the "
            "study's; repeatable.",
            "--policy",
            metavar="YAML",
        ),
    ] = ()
    ensemble: Annotated[
        EnsembleSource | None,
        Option("Use the consensus and escalation rules of this ensemble file.", "-e --ensemble"),
    ] = None
    unfit: UnfitRaters = ()
    certificates: Certificates = ()
    drop_certificates: Annotated[bool, Option("Drop the study's certificates.")] = False
    calibrations: Calibrations = ()
    drop_calibrations: Annotated[bool, Option("Drop the study's calibrations.")] = False
    foreign_files: ForeignFiles = False
    gold: Annotated[
        TableSource | None,
        Option(
            "A table with gold labels. Unless a method, rules or a calibration is given, a pool of "
            "the raters is fitted to them. The accuracy on them is also reported."
        ),
    ] = None
    id_column: Annotated[
        str | None,
        Option("The column with the item ids in items and gold table, or columns to combine: A,B."),
    ] = None
    text_column: TextColumn = None

    @property
    def fits_pools(self) -> bool:
        """Whether gold labels are to choose the method: nothing else does."""
        others = (self.method, self.settings, self.ensemble, self.certificates, self.calibrations)
        return self.gold is not None and not any(others)


AS_BEFORE = ConsensusOptions()
"""Options that keep every rule of the study."""


def under_new_rules(loaded: Study, options: ConsensusOptions) -> Study:
    """Return the study with the rules that the options name, without recording them.

    Raises:
        InputError: the rules do not fit the study.
    """
    rules = with_kept(chosen_rules(loaded, options), loaded, options)
    check_rules(
        rules.method,
        rules.policies,
        variables=loaded.codebook.variables,
        raters=rules.fit(loaded.labeled.rater_names),
        control=bool(loaded.control),
        scored=loaded.recorded.scored,
    )
    if options.certificates:
        given, foreign = read_certificates(
            options.certificates, codebook=loaded.codebook, files=_files(loaded, options)
        )
        rules = rules.with_certificates(given, foreign=foreign)
    elif not options.drop_certificates:
        held = loaded.rules
        rules = rules.with_certificates(held.certificates, foreign=held.foreign_certificates)
    return loaded.with_rules(rules)


def fitted_to_gold(
    loaded: Study, options: ConsensusOptions, gold: GoldLabels | None
) -> PooledStudy:
    """Return the study with pools fitted to the gold labels if the options ask for them."""
    if gold is None or not options.fits_pools:
        return PooledStudy(loaded, ())
    return fit_pools(loaded, gold=gold, date=date.today().isoformat())


def with_pools(
    changed: Study, *, before: Study, gold: TableSource | None
) -> tuple[Study, tuple[str, ...]]:
    """Return a study with the pools it had, or with those fitted to gold labels, and messages.

    Args:
        changed: the study under new rules, without pools.
        before: the study under its own rules.
        gold: a table with gold labels; None fits nothing.
    """
    kept = changed.rules.with_pools(before.rules.pools)
    calibrated = kept.with_calibrations(
        changed.rules.calibrations, foreign=changed.rules.foreign_calibrations
    )
    study = changed.with_rules(calibrated)
    labels = gold_of(study, gold)
    if labels is None:
        return study, ()
    pooled = fit_pools(study, gold=labels, date=date.today().isoformat())
    return pooled.study, pooled.messages


def with_kept(rules: DecisionRules, loaded: Study, options: ConsensusOptions) -> DecisionRules:
    """Return the rules with the study's pools, unless a method was chosen, and calibrations."""
    if options.method is None and not options.settings and options.ensemble is None:
        rules = rules.with_pools(loaded.rules.pools)
    if options.calibrations:
        given, foreign = read_calibrations(
            options.calibrations, codebook=loaded.codebook, files=_files(loaded, options)
        )
        return rules.with_calibrations(given, foreign=foreign)
    if options.drop_calibrations:
        return rules
    held = loaded.rules
    return rules.with_calibrations(held.calibrations, foreign=held.foreign_calibrations)


def _files(loaded: Study, options: ConsensusOptions) -> GivenFiles:
    return GivenFiles.of(loaded.labeled.reader, foreign_stated=options.foreign_files)


def chosen_rules(loaded: Study, options: ConsensusOptions) -> DecisionRules:
    """Return the rules to decide by, without certificates and calibrations."""
    if options.certificates and options.drop_certificates:
        raise InputError(
            "Cannot apply certificates and drop them at the same time.",
            hint="Give --certificate or --drop-certificates, not both.",
        )
    base = loaded.rules
    if options.ensemble is not None:
        usual = None if loaded.recorded.scored else ()
        base = load_rules(options.ensemble, unstated=usual)
    content = cast(Mapping[str, Any], base.content)
    consensus: Mapping[str, Any] = content["consensus"]
    settings = parsed_settings(options.settings)
    if options.method is not None and options.method != consensus["method"]:
        consensus = {"method": options.method}
    policies = parsed_policies(options.policies) or content["escalation"]
    unfit = (*base.unfit, *options.unfit)
    return decision_rules({**consensus, **settings}, policies, unfit=unfit)


def parsed_settings(settings: Sequence[str]) -> dict[str, object]:
    """Read settings written as ``name=value``; the value is YAML: a number, word or mapping.

    Raises:
        EnsembleError: a setting has no ``=``, or its value is not YAML.
    """
    parsed: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise EnsembleError(
                f'Cannot read the setting "{setting}"; expected name=value.',
                hint="For example: --setting minimum_share=0.6",
            )
        try:
            parsed[name.strip()] = YAML(typ="safe", pure=True).load(value)
        except YAMLError as error:
            raise EnsembleError(
                f'Cannot read the value of the setting "{name}".',
                hint="For example: --setting 'accuracies={first: 0.8, second: 0.7}'",
            ) from error
    return parsed


def parsed_policies(policies: Sequence[str]) -> list[dict[str, Any]]:
    """Read policies written as in an ensemble file: ``{policy: support_below, limit: 0.8}``.

    Raises:
        EnsembleError: a policy is not YAML or has no name.
    """
    parsed = []
    for policy in policies:
        try:
            found = YAML(typ="safe", pure=True).load(policy)
        except YAMLError:
            found = None
        if not isinstance(found, Mapping) or not isinstance(found.get("policy"), str):
            raise EnsembleError(
                f'Cannot read the policy "{policy}"; expected a name with its settings.',
                hint="For example: --policy '{policy: support_below, limit: 0.8}'",
            )
        parsed.append(dict(found))
    return parsed
