"""The command ``relevancy``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.findings import Coefficient
from localensemble.api.relevancy.score_topics import (
    RelevancyOptions,
    RelevancyProgress,
    TopicFindings,
    score_topics,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.estimates import estimate, interval
from localensemble.core.options import Option
from localensemble.core.words import counted, listed
from localensemble.tables.item_columns import table_options


@click.command("relevancy", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    items: Annotated[Path, Option("The labeled table.")],
    options: RelevancyOptions,
) -> None:
    """Combine the raters of STUDY on its yes/no topics by what they quote.

    Every rater that says yes chooses the passages of the text that show it. How close they are to
    the topic's definition gives the label a relevancy score. The scores of the raters are combined
    to one, and the label is yes if any rater says so and that score is high enough. Records where
    the passages stand, not their words. Run it again to continue, and `report` to see the topics.
    """
    progress = progress_output()

    shown: set[tuple[str, int]] = set()

    def show(now: RelevancyProgress) -> None:
        tenth = (now.rater, 10 * now.done // now.items)
        if tenth in shown:
            return
        shown.add(tenth)
        say(progress, f"{now.rater}: quoted from {now.done:,} of {counted(now.items, 'item')}")

    found = score_topics(study, items=items, options=options, on_progress=show)
    console = output()
    for topic in found.topics:
        for line in topic_lines(topic):
            say(console, line)
    for message in found.messages:
        say(console, message)
    table = table_options(items, id_column=options.id_column, text_column=options.text_column)
    say(
        console,
        f"Next: localensemble report {study}{table} --include-text shows the topics with their "
        "quotes, which are texts; without --items and --include-text, it shows the numbers only.",
    )


def topic_lines(topic: TopicFindings) -> Iterator[str]:
    """Yield what to say about one topic."""
    yield (
        f"{topic.name}: {topic.labeled_yes:,} of {counted(topic.items, 'item')} yes; "
        f"a rater says yes to {topic.union:,}, most raters to {topic.majority:,}; "
        f"threshold {topic.threshold:.2f}"
    )
    yield (
        f"  AC1 on labels {_value(topic.agreement_on_labels)}, on scores in ten bins "
        f"{_value(topic.agreement_on_scores)}; Fleiss' kappa {_value(topic.kappa)}"
    )
    if topic.outliers:
        yield f"  Left out of this topic as an outlier: {listed(topic.outliers)}"
    if topic.unquoted:
        yield f"  Yes counted as no, because the text has nothing to quote: {topic.unquoted:,}"
    if topic.unscored:
        yield f"  Yes without a score, because the rater could not quote: {topic.unscored:,}"
    if topic.not_asked:
        yield f"  Not asked for passages: {listed(topic.not_asked)}"


def _value(found: Coefficient) -> str:
    if found.value is None:
        return f"undefined ({found.undefined_because})"
    low, high = found.interval_low, found.interval_high
    shown = estimate(found.value, low, high)
    return shown if low is None else f"{shown} ({interval(low, high)})"
