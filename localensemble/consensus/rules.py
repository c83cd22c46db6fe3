"""The rules by which a study decides: one consensus method and the escalation policies.

Rules are built from the names and settings in an ensemble file or a run's record, so that
decisions can be derived again without the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localensemble.consensus.certificates.certificate import Certificate
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.methods.pooled import Pooled
from localensemble.consensus.policies.escalation import EscalationPolicy
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.pooling.gold_pool import GoldPool, pool_of
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.registry import suggestion
from localensemble.core.errors import EnsembleError
from localensemble.core.identity import JsonValue

# The policies of an ensemble file without `escalation`: a rater that gave no label, or wanted
# to say something else, is reason enough to ask a person, and so is a text that seems to address
# the model.
DEFAULT_POLICIES: list[Mapping[str, JsonValue]] = [
    {"policy": "missing_raters", "allowed": 0},
    {"policy": "off_codebook_mass_above", "limit": 0.5},
    {"policy": "suspected_injection"},
]


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """A consensus method and the policies that send items to a person.

    ``content`` is what they were built from: ``{"consensus": {"method": ..., settings},
    "escalation": [{"policy": ..., settings}, ...]}``, with ``"unfit"``, ``"certificates"``,
    ``"rater_calibrations"``, ``"pools"``, ``"foreign_certificates"`` and
    ``"foreign_calibrations"`` if there are any.

    Attributes:
        method: the method that derives the consensus of every variable without a pool.
        policies: the policies that apply to every variable.
        content: the rules as JSON values.
        certificates: certified thresholds, at most one per variable.
        calibrations: calibrations of the raters' probabilities, at most one per variable.
        unfit: raters that a person declared unfit; their labels count nowhere.
        pools: pools fitted to gold labels, at most one per variable; it decides this variable.
        foreign_certificates: variables whose certificate a person stated to be foreign: the
            study that it decides has no record of making it.
        foreign_calibrations: likewise, variables whose calibration is foreign.
    """

    method: ConsensusMethod
    policies: tuple[EscalationPolicy, ...]
    content: JsonValue
    certificates: tuple[Certificate, ...] = ()
    calibrations: tuple[CalibratedRaters, ...] = ()
    unfit: tuple[str, ...] = ()
    pools: tuple[GoldPool, ...] = ()
    foreign_certificates: tuple[str, ...] = ()
    foreign_calibrations: tuple[str, ...] = ()

    def method_for(self, variable: str) -> ConsensusMethod:
        """Return the method that decides one variable: its pool, or the method of all others."""
        pool = pool_of(self.pools, variable)
        return self.method if pool is None else Pooled(pool.pool)

    def fit(self, raters: Sequence[str]) -> tuple[str, ...]:
        """Return the raters whose labels count, in their order.

        Raises:
            EnsembleError: a rater declared unfit is not one of them, or none would be left.
        """
        for name in self.unfit:
            if name not in raters:
                raise EnsembleError(
                    f'Cannot leave out "{name}" as unfit: there is no such rater.',
                    hint=suggestion(name, known=raters),
                )
        left = tuple(name for name in raters if name not in self.unfit)
        if self.unfit and not left:
            raise EnsembleError(
                "Every rater is declared unfit, so no label would count.",
                hint="Leave at least one rater that is not unfit.",
            )
        return left

    def with_unfit(self, names: Sequence[str]) -> DecisionRules:
        """Return the same rules with only these raters declared unfit."""
        unfit = tuple(dict.fromkeys(names))
        content = dict(self.content) if isinstance(self.content, Mapping) else {}
        content.pop("unfit", None)
        if unfit:
            content["unfit"] = list(unfit)
        return replace(self, content=content, unfit=unfit)

    def policies_for(self, variable: str) -> tuple[EscalationPolicy, ...]:
        """Return the policies of one variable: the shared ones and its certified threshold."""
        thresholds = (
            policy_named("score_below", settings={"limit": one.certified.threshold, "by": one.by})
            for one in self.certificates
            if one.variable == variable
        )
        return (*self.policies, *thresholds)

    def with_calibrations(
        self, calibrations: Sequence[CalibratedRaters], *, foreign: Sequence[str] = ()
    ) -> DecisionRules:
        """Return the same rules with only these calibrations of the raters.

        Args:
            foreign: the variables whose calibration is foreign.

        Raises:
            EnsembleError: two calibrations are for the same variable, or one is for a variable
                with a pool.
        """
        names = [one.variable for one in calibrations]
        for name in names:
            if names.count(name) > 1:
                raise EnsembleError(
                    f'Two calibrations of the raters are for the variable "{name}".',
                    hint="Give one calibration per variable.",
                )
            if pool_of(self.pools, name) is not None:
                raise EnsembleError(
                    f'Cannot calibrate the raters on "{name}": a pool, fitted to their own '
                    "probabilities, decides this variable.",
                    hint="Leave out the calibration, or choose another method (--method "
                    "mean_probability).",
                )
        stated = [name for name in names if name in foreign]
        entries: Mapping[str, Sequence[object]] = {
            "rater_calibrations": [one.as_values() for one in calibrations],
            "foreign_calibrations": stated,
        }
        return replace(
            self,
            content=_with_entries(self.content, entries),
            calibrations=tuple(calibrations),
            foreign_calibrations=tuple(stated),
        )

    def with_pools(self, pools: Sequence[GoldPool]) -> DecisionRules:
        """Return the same rules with only these pools, at most one per variable.

        A pool is fitted to the raters' own probabilities, so it replaces their calibration.
        """
        pooled = [one.variable for one in pools]
        kept = [one for one in self.calibrations if one.variable not in pooled]
        rules = replace(self, pools=()).with_calibrations(kept, foreign=self.foreign_calibrations)
        content = dict(rules.content) if isinstance(rules.content, Mapping) else {}
        content.pop("pools", None)
        if pools:
            content["pools"] = [one.as_values() for one in pools]
        return replace(rules, content=content, pools=tuple(pools))

    def with_certificates(
        self, certificates: Sequence[Certificate], *, foreign: Sequence[str] = ()
    ) -> DecisionRules:
        """Return the same rules with only these certificates.

        Args:
            foreign: the variables whose certificate is foreign.

        Raises:
            EnsembleError: two certificates are for the same variable, or the policies include
                a budget, which would change the items that the promise is about.
        """
        names = [one.variable for one in certificates]
        for name in names:
            if names.count(name) > 1:
                raise EnsembleError(
                    f'Two certificates are for the variable "{name}".',
                    hint="Give one certificate per variable.",
                )
        if certificates and any(policy.name == "budget" for policy in self.policies):
            raise EnsembleError(
                'The escalation policy "budget" cannot be combined with a certificate: which '
                "items it escalates depends on the threshold, so the promise would not hold.",
                hint="Remove the budget or the certificate.",
            )
        stated = [name for name in names if name in foreign]
        entries: Mapping[str, Sequence[object]] = {
            "certificates": [one.as_values() for one in certificates],
            "foreign_certificates": stated,
        }
        return replace(
            self,
            content=_with_entries(self.content, entries),
            certificates=tuple(certificates),
            foreign_certificates=tuple(stated),
        )


def decision_rules(
    consensus: Mapping[str, Any],
    escalation: Sequence[Mapping[str, Any]] | None,
    *,
    certificates: Sequence[Mapping[str, object]] = (),
    foreign_certificates: Sequence[str] = (),
    unfit: Sequence[str] = (),
) -> DecisionRules:
    """Build rules from names and settings.

    Args:
        consensus: the method and its settings.
        escalation: the policies; None means the default policies, an empty list means none.
        certificates: the certificates, as in their files.
        foreign_certificates: the variables whose certificate is foreign.
        unfit: the raters that a person declared unfit.

    Raises:
        EnsembleError: an unknown method, policy or setting, with a suggestion.
        InputError: a certificate cannot be read.
    """
    chosen = [dict(policy) for policy in (DEFAULT_POLICIES if escalation is None else escalation)]
    rules = DecisionRules(
        method=method_named(
            consensus["method"],
            settings={name: value for name, value in consensus.items() if name != "method"},
        ),
        policies=tuple(
            policy_named(
                policy["policy"],
                settings={name: value for name, value in policy.items() if name != "policy"},
            )
            for policy in chosen
        ),
        content={"consensus": dict(consensus), "escalation": chosen},
    )
    return rules.with_unfit(unfit).with_certificates(
        [Certificate.from_values(values) for values in certificates], foreign=foreign_certificates
    )


def recorded_rules(content: Mapping[str, Any]) -> DecisionRules:
    """Build the rules again from their ``content`` in a run's record."""
    rules = decision_rules(
        content["consensus"],
        content["escalation"],
        certificates=content.get("certificates", ()),
        foreign_certificates=content.get("foreign_certificates", ()),
        unfit=content.get("unfit", ()),
    )
    rules = rules.with_pools([GoldPool.from_values(one) for one in content.get("pools", ())])
    calibrations = content.get("rater_calibrations", ())
    return rules.with_calibrations(
        [CalibratedRaters.from_values(one) for one in calibrations],
        foreign=content.get("foreign_calibrations", ()),
    )


def _with_entries(content: JsonValue, entries: Mapping[str, Sequence[object]]) -> JsonValue:
    """Return the content of rules with these entries; empty ones are left out."""
    before = content if isinstance(content, Mapping) else {}
    kept = {name: value for name, value in before.items() if name not in entries}
    return kept | {name: values for name, values in entries.items() if values}
