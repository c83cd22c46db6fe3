"""What a certificate of a study is bound to: the hashes under which its promise holds.

A method that decides each item by itself gives an item the same score in any item set.
One that learns from all items does not, so the item set is bound as well. Labels from a
table of ratings are bound by its hash, because people have no conditions that could be hashed.
"""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.codebook.model import Variable
from localensemble.consensus.certificates.certificate import VARIABLE
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import JsonValue, sha256_json
from localensemble.core.raters import RaterIdentity
from localensemble.study.study_labels import StudyLabels

CODEBOOK = "codebook"
PROMPT = "prompt template"
RULES = "decision rules"
ITEM_SET = "item set"
# The key under which certificates name the table; unchanged, so that older ones still hold.
RATINGS_BINDING = "label table"
# Likewise, the names that certificates hash for policies that have another name now.
_BOUND_POLICIES = {"control_missed": "golden_disagreement"}


def rater_key(name: str) -> str:
    """Return the name of the entry that holds a rater's hash."""
    return f"rater {name}"


def model_key(name: str) -> str:
    """Return the name of the entry with the hash of a rater's model, known before loading."""
    return f"model of {name}"


def identities(labels: StudyLabels) -> Mapping[str, RaterIdentity]:
    """Return the identity of every rater of a study by name, in their order."""
    known = {record.key: record.rater.identity for record in labels.reader.raters()}
    return {
        name: known[key] for name, key in zip(labels.rater_names, labels.rater_keys, strict=True)
    }


def binding(
    labels: StudyLabels, *, rules: DecisionRules, variable: Variable, items_sha256: str
) -> Mapping[str, str]:
    """Gather what a certificate of one variable is bound to.

    Args:
        labels: the labels of the study.
        rules: the rules by which the study decides.
        variable: the variable.
        items_sha256: hash of the items file that was labeled.
    """
    held = list(identities(labels).values())
    decided = {
        VARIABLE: variable_sha256(variable),
        CODEBOOK: _one_or_all([identity.codebook_sha256 for identity in held]),
        RULES: rules_sha256(rules, variable=variable),
        **bound_items(
            rules.method_for(variable.name),
            items_sha256=items_sha256,
            item_count=labels.item_count,
        ),
    }
    if not labels.scored:
        return {
            RATINGS_BINDING: _one_or_all([identity.model_sha256 for identity in held]),
            **decided,
        }
    return {
        **{
            rater_key(name): identity.sha256
            for name, identity in zip(labels.rater_names, held, strict=True)
        },
        **{
            model_key(name): identity.model_sha256
            for name, identity in zip(labels.rater_names, held, strict=True)
        },
        PROMPT: _one_or_all([identity.prompt_template_sha256 for identity in held]),
        **decided,
    }


def variable_sha256(variable: Variable) -> str:
    """Hash what raters are asked for one variable, and its name."""
    shown: JsonValue = variable.shown_to_raters()
    return sha256_json([variable.name, shown])


def bound_items(
    method: ConsensusMethod, *, items_sha256: str, item_count: int
) -> Mapping[str, str]:
    """Return the entry of the item set; empty if the method decides each item by itself.

    Args:
        method: the method that decides the variable.
        items_sha256: hash of the items file.
        item_count: number of its items that are labeled; a limit makes another item set.
    """
    if method.per_item:
        return {}
    return {ITEM_SET: sha256_json([items_sha256, item_count])}


def rules_sha256(rules: DecisionRules, *, variable: Variable) -> str:
    """Hash everything except certificates that decides which items of a variable are accepted.

    A random audit is left out, because it draws at random from the accepted items.
    """
    calibrations = [one.as_values() for one in rules.calibrations if one.variable == variable.name]
    method = rules.method_for(variable.name)
    calibrated = {"rater_calibrations": calibrations} if calibrations else {}
    return sha256_json(
        {
            **calibrated,
            "method": method.name,
            "settings": [list(pair) for pair in method.settings],
            "policies": sorted(
                [
                    _BOUND_POLICIES.get(policy.name, policy.name),
                    [list(pair) for pair in policy.settings],
                ]
                for policy in rules.policies
                if policy.name != "random_audit"
            ),
            "always_review": [
                [category.name, category.always_review.above]
                for category in variable.categories
                if category.always_review is not None
            ],
        }
    )


def _one_or_all(hashes: list[str]) -> str:
    return hashes[0] if len(set(hashes)) == 1 else sha256_json(hashes)
