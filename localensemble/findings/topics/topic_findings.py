"""Labels and scores of the relevancy-scored ensemble, from what a study has on record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement import Coefficient
from localensemble.codebook.model import Codebook, Variable
from localensemble.ledger.records import AskedForPassages, ItemPassages
from localensemble.strategies.relevancy.relevancy_score import relevancy
from localensemble.strategies.relevancy.topic_ensemble import TopicEnsemble, topic_ensemble
from localensemble.study.study_labels import StudyLabels


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTopic:
    """One topic: what each rater says, with which passages, and what follows.

    Attributes:
        variable: the variable that asks about it.
        raters: the names of the R raters that count.
        not_asked: the names of the others: they were not asked for the passages behind every yes.
        labels: (N, R) 1 for yes, 0 for no, -1 for none; a yes without a passage counts as no.
        scores: (N, R) relevancy from 0 to 1; NaN without a label, or if a rater could not quote.
        passages: for each rater, by position, what it quoted.
        ensemble: what the raters together say.
        unquoted: yes that count as no, because nothing in the text could be quoted.
        unscored: yes without a score, because the rater could not be asked for passages.
        seconds: time in models for the passages.
    """

    variable: Variable
    raters: tuple[str, ...]
    not_asked: tuple[str, ...]
    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    passages: tuple[Mapping[int, ItemPassages], ...]
    ensemble: TopicEnsemble
    unquoted: int
    unscored: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TopicFindings:
    """The numbers of one topic, as values to show.

    ``items`` are those with a label. ``yes_counts`` and ``label_counts`` (what each rater said yes
    to, and labeled) and ``outliers`` are in the order and the names of ``raters``. ``f1`` is how
    well the labels match the majority; None if it never says yes. ``agreement_on_labels``,
    ``agreement_on_scores`` (in ten bins) and ``kappa`` are those of all raters. ``unquoted`` counts
    yes that count as no, ``unscored`` yes without a score, because the rater could not be asked.
    """

    name: str
    raters: tuple[str, ...]
    not_asked: tuple[str, ...]
    items: int
    yes_counts: tuple[int, ...]
    label_counts: tuple[int, ...]
    union: int
    majority: int
    labeled_yes: int
    threshold: float
    f1: float | None
    outliers: tuple[str, ...]
    excess: tuple[float | None, ...]
    agreement_on_labels: Coefficient
    agreement_on_scores: Coefficient
    kappa: Coefficient
    unquoted: int
    unscored: int
    passages: int
    seconds: float


def is_relevancy(asked: AskedForPassages) -> bool:
    """Tell whether passages were asked for by this strategy."""
    method = json.loads(asked.method)
    return isinstance(method, dict) and method.get("strategy") == "relevancy"


def scored_topics(labels: StudyLabels, codebook: Codebook) -> tuple[ScoredTopic, ...]:
    """Return the topics of a study, in codebook order; none if nobody was asked for passages.

    The newest method counts. A rater counts on a topic if every yes of it was asked about.
    """
    asked = [one for one in labels.reader.asked_for_passages(labels.item_set) if is_relevancy(one)]
    if not asked:
        return ()
    method = asked[-1].method
    topics = (one for one in codebook.variables if one.yes is not None)
    found = (_scored_topic(labels, variable, method) for variable in topics)
    return tuple(one for one in found if one is not None)


def yes_or_no(labels: StudyLabels, topic: Variable) -> NDArray[np.int8]:
    """Return what the raters say about a topic: (N, R) 1 for yes, 0 for no, -1 for no label."""
    indices = labels.matrix(topic).indices
    yes = next(place for place, one in enumerate(topic.categories) if one is topic.yes)
    return np.where(indices < 0, -1, indices == yes).astype(np.int8)


def topic_findings(topics: Sequence[ScoredTopic]) -> tuple[TopicFindings, ...]:
    """Return the numbers of topics."""
    return tuple(map(_findings, topics))


def _scored_topic(labels: StudyLabels, variable: Variable, method: str) -> ScoredTopic | None:
    said = yes_or_no(labels, variable)
    seconds, kept = 0.0, []
    passages: list[Mapping[int, ItemPassages]] = []
    for column, rater in enumerate(labels.rater_keys):
        asked = AskedForPassages(
            rater, labels.variable_keys[variable.name], labels.item_set, method
        )
        quoted = labels.reader.passages(asked, stop=labels.item_count)
        if all(int(row) in quoted for row in np.flatnonzero(said[:, column] == 1)):
            kept.append(column)
            passages.append(quoted)
            seconds += labels.reader.seconds_for_passages(asked)
    if not kept:
        return None
    said = said[:, kept]
    scores = np.where(said < 0, np.nan, 0.0)
    unquoted = unscored = 0
    for column, quoted in enumerate(passages):
        for row in np.flatnonzero(said[:, column] == 1):
            found = quoted[int(row)]
            if found.reason:
                unscored += 1
                scores[row, column] = np.nan
            elif not found.passages:
                unquoted += 1
                said[row, column] = 0
            else:
                # The baseline is already taken off each passage's score.
                given = [one.score for one in found.passages if one.score is not None]
                scores[row, column] = relevancy(is_yes=True, cosines=given, baseline=0.0)
    names = tuple(labels.rater_names[column] for column in kept)
    return ScoredTopic(
        variable=variable,
        raters=names,
        not_asked=tuple(name for name in labels.rater_names if name not in names),
        labels=said,
        scores=scores,
        passages=tuple(passages),
        ensemble=topic_ensemble(said, scores, raters=names),
        unquoted=unquoted,
        unscored=unscored,
        seconds=seconds,
    )


def _findings(topic: ScoredTopic) -> TopicFindings:
    ensemble = topic.ensemble
    result, agreement = ensemble.result, ensemble.agreement
    return TopicFindings(
        name=topic.variable.name,
        raters=topic.raters,
        not_asked=topic.not_asked,
        items=int((topic.labels >= 0).any(axis=1).sum()),
        yes_counts=tuple(int(count) for count in (topic.labels == 1).sum(axis=0)),
        label_counts=tuple(int(count) for count in (topic.labels >= 0).sum(axis=0)),
        union=int(result.union.sum()),
        majority=int(result.majority.sum()),
        labeled_yes=int(result.label.sum()),
        threshold=result.threshold,
        f1=result.f1,
        outliers=tuple(topic.raters[place] for place in agreement.outliers),
        excess=agreement.excess,
        agreement_on_labels=agreement.labels,
        agreement_on_scores=agreement.scores,
        kappa=agreement.kappa,
        unquoted=topic.unquoted,
        unscored=topic.unscored,
        passages=sum(len(one.passages) for quoted in topic.passages for one in quoted.values()),
        seconds=topic.seconds,
    )
