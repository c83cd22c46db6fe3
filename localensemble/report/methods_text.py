"""Write the methods paragraph: what was done, ready to paste, with the sources to cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from localensemble.codebook.model import Codebook
from localensemble.core.engine_facts import NOTHING_KNOWN, EngineFacts
from localensemble.core.words import counted, listed
from localensemble.findings.agreement import (
    BOOTSTRAP_RESAMPLES,
    BOOTSTRAP_SEED,
    SMALL_SAMPLE_DIFFERING,
    SMALL_SAMPLE_ITEMS,
    Agreement,
    Coefficient,
    CoefficientSource,
    coefficient_sources,
    scale_citation,
)
from localensemble.findings.method_comparison import method_source
from localensemble.findings.people.people_counts import PeopleCounts
from localensemble.findings.study_findings import RaterFindings, StudyFindings
from localensemble.report.agreement_wording import single_label_notes
from localensemble.report.strategy_wording import asked_for, strategy_sentence

_CLOPPER_PEARSON = (
    "Clopper CJ, Pearson ES (1934). The use of confidence or fiducial limits illustrated in the "
    "case of the binomial. Biometrika 26:404-413."
)
_MCNEMAR = (
    "McNemar Q (1947). Note on the sampling error of the difference between correlated "
    "proportions or percentages. Psychometrika 12:153-157."
)


@dataclass(frozen=True, slots=True)
class MethodsText:
    """Paragraphs with citation numbers in brackets, and the references they point to."""

    paragraphs: tuple[str, ...]
    references: tuple[str, ...]


class _References:
    """Sources, numbered in the order in which they are first cited."""

    def __init__(self) -> None:
        self.cited: list[str] = []

    def number(self, citation: str) -> str:
        if citation not in self.cited:
            self.cited.append(citation)
        return f"[{self.cited.index(citation) + 1}]"


def study_methods(findings: StudyFindings, *, engines: Mapping[str, EngineFacts]) -> MethodsText:
    """Describe how a study was labeled, measured, decided and evaluated.

    Args:
        findings: the findings of the study.
        engines: the facts about each engine, by its name; other engines get no statement.
    """
    references = _References()
    paragraphs = [
        _labeling(findings, engines),
        _agreement(
            [variable.agreement for variable in findings.variables],
            references,
            resamples=BOOTSTRAP_RESAMPLES,
            seed=BOOTSTRAP_SEED,
        ),
        _decisions(findings, references),
    ]
    if any(variable.gold for variable in findings.variables):
        paragraphs.append(
            "Labels were compared with gold labels, which were assumed to be right. Accuracy is "
            "reported with exact (Clopper-Pearson) 95% confidence intervals "
            f"{references.number(_CLOPPER_PEARSON)}; pairs of raters were compared by the exact "
            f"McNemar test {references.number(_MCNEMAR)}, without correction for multiple testing."
        )
    paragraphs.append(
        f"All numbers were computed with localensemble {findings.record.program_version} from an "
        "append-only record of every label."
    )
    return MethodsText(tuple(paragraphs), tuple(references.cited))


def agreement_methods(
    agreements: Sequence[Agreement], *, program_version: str, resamples: int, seed: int
) -> MethodsText:
    """Describe how the agreement in a table of ratings was measured."""
    references = _References()
    text = _agreement(agreements, references, resamples=resamples, seed=seed)
    end = f"All numbers were computed with localensemble {program_version}."
    return MethodsText((text, end), tuple(references.cited))


def _agreement(
    agreements: Sequence[Agreement], references: _References, *, resamples: int, seed: int
) -> str:
    computed = [one for agreement in agreements for one in agreement.coefficients]
    sources = coefficient_sources(computed)
    named = listed([_named(source, references) for source in sources])
    levels = sorted({agreement.level for agreement in agreements})
    weights = sorted({agreement.weights for agreement in agreements} - {"identity"})
    percents = listed(sorted({f"{one.confidence_level:.0%}" for one in computed}))
    parts = [
        f"Agreement between raters was measured with {named}; "
        f"the {'levels' if len(levels) > 1 else 'level'} of measurement "
        f"{'were' if len(levels) > 1 else 'was'} {listed(levels)}."
    ]
    if weights:
        parts.append(f"Weighted coefficients use {listed(weights)} agreement weights.")
    parts.append(
        f"Confidence intervals ({percents}) treat the items as a random sample and the raters as "
        f"fixed. {_interval_methods(computed)}"
    )
    resampled = [one for agreement in agreements for one in agreement.resampled]
    beside = []
    if any(one.bootstrap for one in resampled):
        beside.append(f"bootstrap intervals ({resamples:,} resamples of the items, seed {seed})")
    if any(one.jackknife for one in resampled):
        beside.append("jackknife intervals")
    if beside:
        named_beside = listed(beside)
        parts.append(f"{named_beside[0].upper()}{named_beside[1:]} are also given.")
    parts += _items_used(agreements)
    parts.append(
        "A coefficient without a value on these data is reported as undefined. The strength of "
        "agreement is the highest band of the Landis-Koch scale "
        f"{references.number(scale_citation('Landis-Koch'))} that the whole interval reaches; of "
        "the bands of the leading coefficient and Krippendorff's alpha, it is the lower."
    )
    return " ".join(parts)


def _items_used(agreements: Sequence[Agreement]) -> tuple[str, ...]:
    """State which items count where."""
    singles = sum(agreement.counts.with_one_label for agreement in agreements)
    if not singles:
        return (
            "Items with labels from fewer than two raters cannot show agreement and were "
            "excluded; gaps were not imputed.",
        )
    effects = [one for agreement in agreements for one in single_label_notes(agreement)]
    return (
        "Items with labels from fewer than two raters cannot show agreement and were excluded from "
        f"observed agreement. {counted(singles, 'item')} with one label still counted in the "
        "category shares by which AC1, AC2, Fleiss' and Conger's kappas define chance, as in "
        "their sources, and were left out of Krippendorff's alpha, Cohen's kappa and Scott's pi. "
        "Gaps were not imputed.",
        *effects,
    )


def _interval_methods(computed: Sequence[Coefficient]) -> str:
    """State how the intervals were computed, as far as these coefficients use it."""
    used = {one.interval_method for one in computed}
    sentences = []
    if "small sample" in used:
        sentences.append(
            f"Those from fewer than {SMALL_SAMPLE_ITEMS} items, or from labels that differ on "
            f"fewer than {SMALL_SAMPLE_DIFFERING}, follow a beta distribution that allows for one "
            "further item with complete disagreement (lower limit) or agreement (upper limit), "
            "because analytic lower limits are too high there"
            + ("; all others are analytic." if "analytic" in used else ".")
        )
    elif "analytic" in used:
        sentences.append("They are analytic.")
    if "exact bound" in used:
        sentences.append(
            "Where all labels agree, or no two labels of an item do, an exact binomial bound "
            "replaces them."
        )
    return " ".join(sentences)


def _named(source: CoefficientSource, references: _References) -> str:
    cited = references.number(source.citation)
    chance = f" (chance: {source.chance})" if source.chance else ""
    return f"{source.possessive} {cited}{chance}"


def _labeling(findings: StudyFindings, engines: Mapping[str, EngineFacts]) -> str:
    variables = listed([variable.name for variable in findings.variables])
    if findings.ratings_sha256 is not None:
        return (
            f"{counted(len(findings.raters), 'rater')} labeled "
            f"{counted(findings.item_count, 'item')} on "
            f"{counted(len(findings.variables), 'variable')} ({variables}). The labels were read "
            f"from a table of ratings (SHA-256 {findings.ratings_sha256}); empty cells were kept "
            "as missing labels."
        )
    parts = (
        f"{counted(findings.item_count, 'text')} were labeled on "
        f"{counted(len(findings.variables), 'variable')} ({variables}) of the codebook "
        f'"{findings.codebook}", version {findings.codebook_version}, by '
        f"{_who_labeled(findings.raters, engines)}.",
        findings.deidentified.sentence if findings.deidentified else "",
        _instructions(findings.raters, engines),
        _scoring(findings.raters, engines),
        _readouts(findings.raters),
        f"Engines: {listed(_engines(findings.raters))}.",
        _unfit(findings),
        _left_whole(findings, engines),
        "The report lists the SHA-256 hashes of texts, codebook, prompt and models.",
    )
    return " ".join(part for part in parts if part)


def _who_labeled(raters: Sequence[RaterFindings], engines: Mapping[str, EngineFacts]) -> str:
    scripted = [rater.name for rater in raters if engines.get(rater.engine, NOTHING_KNOWN).scripted]
    kinds: dict[str, list[str]] = {}
    for rater in raters:
        if rater.name not in scripted:
            kind = engines.get(rater.engine, NOTHING_KNOWN).model_kind
            kinds.setdefault(kind, []).append(f"{rater.name} (model {rater.model_name})")
    who = [
        f"{counted(len(names), kind)} run on a local machine: {listed(names)}"
        for kind, names in kinds.items()
    ]
    if scripted:
        who.append(
            f"{counted(len(scripted), 'scripted rater')} without a language model, whose labels "
            f"mean nothing: {listed(scripted)}"
        )
    return "; and by ".join(who)


def _unfit(findings: StudyFindings) -> str:
    if not findings.unfit:
        return ""
    what = "model was" if len(findings.unfit) == 1 else "models were"
    return (
        f"The labels of {counted(len(findings.unfit), 'further model')} "
        f"({listed(findings.unfit)}) were recorded but not used, because the {what} judged unfit "
        "for the task."
    )


def _instructions(raters: Sequence[RaterFindings], engines: Mapping[str, EngineFacts]) -> str:
    """State whether the raters with a prompt had the same, judged by its hash and layout."""
    asked = [one for one in raters if not engines.get(one.engine, NOTHING_KNOWN).without_prompt]
    if not asked:
        return ""
    names = listed([rater.name for rater in asked])
    who = f"Rater {names} was" if len(asked) == 1 else f"Raters {names} were"
    everyone = len(asked) == len(raters)
    templates = {rater.prompt_template_sha256 for rater in asked}
    layouts = {rater.layout for rater in asked}
    readouts = {dict(rater.settings).get("readout_sha256", "") for rater in asked}
    if len(templates) == 1 and len(readouts) > 1:
        return (
            f"{'The raters were' if everyone else who} given the same codebook and prompt template "
            f"({asked[0].prompt_template}), but different instructions on how to answer."
        )
    if len(templates) == 1:
        given = "Every rater was" if everyone else who
        same = "the same" if len(asked) > 1 or everyone else "the"
        same += f" instructions and codebook (prompt template {asked[0].prompt_template}"
        if len(layouts) == 1:
            return f"{given} given {same}, {_layout(asked[0])})."
        each = "; ".join(f"{rater.name}: {_layout(rater)}" for rater in asked)
        return f"{given} given {same}), but in a different order ({each})."
    each = "; ".join(f"{rater.name}: {rater.prompt_template}, {_layout(rater)}" for rater in asked)
    given = "The raters were" if everyone else who
    return f"{given} given different instructions (prompt templates: {each})."


def _layout(rater: RaterFindings) -> str:
    return rater.layout.replace("_", " ")


def _scoring(raters: Sequence[RaterFindings], engines: Mapping[str, EngineFacts]) -> str:
    sentences = []
    for engine, facts in engines.items():
        scoring = [rater.name for rater in raters if rater.engine == engine]
        if scoring and facts.scored_by:
            who = f"Raters {listed(scoring)} each"
            if len(scoring) == len(raters):
                who = "Each rater"
            elif len(scoring) == 1:
                who = f"Rater {scoring[0]}"
            sentences.append(
                f"{who} scored every category of a variable {facts.scored_by}; the label is the "
                "most probable category, and the confidence is that category's share of the "
                "probability of all categories."
            )
    return " ".join((*sentences, *_category_orders(raters)))


def _category_orders(raters: Sequence[RaterFindings]) -> tuple[str, ...]:
    """State in how many orders the categories were listed, if it is more than one."""
    asked = {dict(rater.settings).get("orders") for rater in raters} - {None}
    if not asked:
        return ()
    most = " or ".join(sorted(map(str, asked)))
    return (
        f"To balance the effect of position, categories were listed in up to {most} orders (as in "
        "the codebook, reversed and cyclic), and the probabilities were averaged over them.",
    )


_READOUTS = {
    "name": "the name of a category",
    "option": "a letter or number that stood in front of a category in the prompt",
    "prefilled": "the name of a category, which followed the beginning of the response",
}


def _readouts(raters: Sequence[RaterFindings]) -> str:
    """State how raters answered, if the ensemble file states a readout."""
    sentences = []
    for readout, answer in _READOUTS.items():
        names = [one.name for one in raters if dict(one.settings).get("readout") == readout]
        summed = {dict(one.settings).get("spellings") for one in raters if one.name in names}
        if names:
            who = "Rater" if len(names) == 1 else "Raters"
            spelled = ""
            if summed == {"summed"}:
                spelled = (
                    "; its probability is the sum over spellings with and without a leading "
                    "space and in other letter case"
                )
            sentences.append(f"{who} {listed(names)} answered with {answer}{spelled}.")
    return " ".join(sentences)


def _left_whole(findings: StudyFindings, engines: Mapping[str, EngineFacts]) -> str:
    """State whether texts were truncated and labels are complete, as far as is known."""
    whole = all(engines.get(rater.engine, NOTHING_KNOWN).never_cuts for rater in findings.raters)
    uncut = "No text was truncated. " if whole else ""
    apart = _set_apart(findings)
    if findings.strategy is not None:
        apart += strategy_sentence(findings.strategy) + " "
        if not findings.unlabeled:
            return f"{uncut}{apart}Every label that was asked for has a category."
    elif not findings.unlabeled:
        others = " other" if apart else ""
        return (
            f"{uncut}{apart}Every rater assigned every{others} text a category on every variable."
        )
    cells = asked_for(findings)
    return (
        f"{uncut}{apart}{findings.unlabeled:,} of {cells:,} labels have no category, for the "
        "reasons that the report lists; none was imputed."
    )


def _set_apart(findings: StudyFindings) -> str:
    """State how many texts were not labeled because they answer nothing."""
    most = max((variable.no_answer for variable in findings.variables), default=0)
    if not most:
        return ""
    were = "text that was" if most == 1 else "texts that were"
    return f"{most:,} {were} blank or listed as a non-answer in the codebook got no label. "


def _engines(raters: Sequence[RaterFindings]) -> list[str]:
    return sorted({f"{rater.engine} {rater.engine_version}".strip() for rater in raters})


def _decisions(findings: StudyFindings, references: _References) -> str:
    rules = cast(Mapping[str, Any], findings.record.rules)
    reasons = dict.fromkeys(
        reason for variable in findings.variables for reason in variable.reason_texts
    )
    parts = []
    pooled = [pool.variable for pool in findings.pools]
    others = [one.name for one in findings.variables if one.name not in pooled]
    if others:
        which = f"The consensus label for {listed(others)}" if pooled else "The consensus label"
        method = rule_in_words(rules["consensus"], key="method")
        source = method_source(rules["consensus"])
        cited = _cited(source.citation, references)
        parts.append(f'{which} was derived by the method "{method}": {source.clause}{cited}.')
    for pool in findings.pools:
        cited = _cited(pool.citation, references)
        parts += [pool.sentence, pool.comparison, f"The consensus is {pool.clause}{cited}."]
    if reasons:
        parts.append(
            "An item was escalated to a person, without a final label, for any of these reasons: "
            f"{'; '.join(reasons)}."
        )
    parts += [_people(one.name, one.people) for one in findings.variables if one.people]
    return " ".join([*parts, *(promise.sentence for promise in findings.promises)])


def _people(variable: str, people: PeopleCounts) -> str:
    """State whose labels are final, where people decided."""
    left = f", left {people.unresolved:,} without one" if people.unresolved else ""
    waiting = f", and have not settled {people.open:,}" if people.open else ""
    return (
        f"On {variable}, people gave {counted(people.adjudicated, 'item')} the final label{left}"
        f"{waiting}; {counted(people.accepted, 'final label')} came from the consensus."
    )


def _cited(citation: str, references: _References) -> str:
    return f" {references.number(citation)}" if citation else ""


def policies_in_words(findings: StudyFindings, *, codebook: Codebook) -> list[str]:
    """Write each policy that escalates items of the study, with its settings."""
    rules = cast(Mapping[str, Any], findings.record.rules)
    certified = [
        f"for {one.variable}, by its certificate, "
        + rule_in_words({"policy": "score_below", "limit": one.limit, "by": one.by}, key="policy")
        for one in findings.promises
    ]
    reviewed = [
        f"for {variable.name}, by the codebook, always_review ({listed(names)})"
        for variable in codebook.variables
        if (names := [one.name for one in variable.categories if one.always_review is not None])
    ]
    required = [
        f"for {one.name}, by the codebook, all items unless {one.required.verdict.requirement}"
        for one in findings.variables
        if one.required is not None and one.required.below == "review"
    ]
    written = [rule_in_words(policy, key="policy") for policy in rules["escalation"]]
    return [*written, *certified, *reviewed, *required]


def rule_in_words(rule: Mapping[str, Any], *, key: str) -> str:
    """Write a consensus method or escalation policy with its settings."""
    settings = ", ".join(f"{name} = {value}" for name, value in rule.items() if name != key)
    return f"{rule[key]} ({settings})" if settings else str(rule[key])
