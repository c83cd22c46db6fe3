"""What a certificate of a study is bound to: the hashes under which its promise holds."""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.codebook.model import Variable
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import sha256_json
from localensemble.findings.decisions import StudyLabels

CODEBOOK = "codebook"
PROMPT = "prompt template"
RULES = "decision rules"


def rater_key(name: str) -> str:
    """Name the entry that holds the hash of a rater."""
    return f"rater {name}"


def binding(labels: StudyLabels, *, rules: DecisionRules, variable: Variable) -> Mapping[str, str]:
    """Gather what a certificate of one variable is bound to."""
    identities = {record.key: record.rater.identity for record in labels.reader.raters()}
    held = [identities[key] for key in labels.rater_keys]
    return {
        **{
            rater_key(name): identity.sha256
            for name, identity in zip(labels.rater_names, held, strict=True)
        },
        PROMPT: _one_or_all([identity.prompt_template_sha256 for identity in held]),
        CODEBOOK: _one_or_all([identity.codebook_sha256 for identity in held]),
        RULES: rules_sha256(rules, variable=variable),
    }


def rules_sha256(rules: DecisionRules, *, variable: Variable) -> str:
    """Hash whatever decides which items of a variable are accepted, but for certificates.

    A random audit is left out: what it takes from the accepted items it takes at random.
    """
    return sha256_json(
        {
            "method": rules.method.name,
            "settings": [list(pair) for pair in rules.method.settings],
            "policies": sorted(
                [policy.name, [list(pair) for pair in policy.settings]]
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
