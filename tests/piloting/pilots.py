"""Pilots with scripted raters, whose answers and their faults are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from localensemble.codebook.load import load_codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.consensus.rules import decision_rules
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.scripted import Script, ScriptedEngine
from localensemble.piloting.asked_rater import AskedRater, Readouts, ask_rater
from localensemble.piloting.fitness_signs import RaterFitness
from localensemble.piloting.pilot_findings import PilotFindings, VariablePilot, pilot_findings
from localensemble.piloting.pilot_items import PilotItems, choose_items
from localensemble.piloting.variable_answers import CategoryArray
from localensemble.prompting.template import load_template
from localensemble.tables.item_file import ItemFile
from tests.studies import study_files

TOPICS = ("staff", "food", "other")
# Each text names its categories, so that an honest rater can read them.
TEXTS = [f"{TOPICS[n % 3]} {'yes' if n % 4 == 0 else 'no'} {n}" for n in range(120)]
BY_NAME = Readouts()
USUAL: Sequence[Mapping[str, object]] = [
    {"policy": "off_codebook_mass_above", "limit": 0.5},
    {"policy": "disagreement"},
]


def item_text(prompt: Prompt) -> str:
    segments = (segment for message in prompt.messages for segment in message.segments)
    return "".join(segment.text for segment in segments if segment.origin == "item")


def honest(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    words = item_text(prompt).split()
    return [0.9 if answer in words else 0.03 for answer in answers]


def first_listed(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [0.9, *[0.02] * (len(answers) - 1)]


def last_listed(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [*[0.02] * (len(answers) - 1), 0.9]


def constant(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [0.9 if answer in ("food", "no") else 0.02 for answer in answers]


def outside(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    return [share / 300 for share in honest(prompt, answers)]


def fickle(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    chosen = sum(map(ord, prompt.messages[-1].text + answers[0])) % len(answers)
    return [0.9 if place == chosen else 0.02 for place in range(len(answers))]


def asked(
    folder: Path,
    scripts: Mapping[str, Script],
    *,
    texts: Sequence[str] = TEXTS,
    count: int = 50,
    readouts: Readouts = BY_NAME,
) -> tuple[PilotItems, list[AskedRater]]:
    """Ask a scripted rater for each name about items spread over the texts."""
    files = study_files(folder, texts)
    table, codebook = ItemFile.open(files.items), load_codebook(files.codebook)
    chosen = choose_items(table, count=count, non_answers=NonAnswers.of(codebook.no_answer))
    raters = [
        ask_rater(
            ScriptedEngine(script, seed=name),
            name=RaterName(name),
            items=chosen.items,
            table=table,
            codebook=codebook,
            template=load_template(),
            layout="codebook_first",
            limit=0.5,
            readouts=readouts,
        )
        for name, script in scripts.items()
    ]
    return chosen, raters


def piloted(
    folder: Path,
    scripts: Mapping[str, Script],
    *,
    texts: Sequence[str] = TEXTS,
    count: int = 50,
    policies: Sequence[Mapping[str, object]] = USUAL,
    method: str = "majority",
    gold: bool = False,
    readouts: Readouts = BY_NAME,
) -> PilotFindings:
    """Return what a pilot with scripted raters finds; with gold, the text says what is right."""
    chosen, raters = asked(folder, scripts, texts=texts, count=count, readouts=readouts)
    codebook = load_codebook(folder / "codebook.yaml")
    known: dict[str, CategoryArray] = {
        variable.name: np.array(
            [
                next(k for k, name in enumerate(variable.answers) if name in item.text.split())
                for item in chosen.items
            ],
            dtype=np.int16,
        )
        for variable in codebook.variables
        if gold
    }
    return pilot_findings(
        raters,
        chosen=chosen,
        codebook=codebook,
        rules=decision_rules({"method": method}, policies),
        gold=known if gold else None,
    )


def of_variable(found: PilotFindings, name: str = "topic") -> VariablePilot:
    return next(one for one in found.variables if one.variable == name)


def fitness(found: PilotFindings, rater: str, variable: str = "topic") -> RaterFitness:
    return next(one for one in of_variable(found, variable).raters if one.rater == rater)
