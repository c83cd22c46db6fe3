"""Show the prompts that raters are given, with a placeholder for the item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from localensemble.api.before_a_run.default_ensemble import embedded_ensemble
from localensemble.api.deidentified.rater_texts import load_for_raters
from localensemble.api.prompt.prompt_for_raters import prompt_for_raters
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Variable
from localensemble.core.errors import InputError
from localensemble.core.prompts import Layout, Message, Readout
from localensemble.core.resources import prompt_template_path
from localensemble.labeling.category_orders import most_orders
from localensemble.labeling.ensemble import EnsembleSource, load_ensemble
from localensemble.prompting.template import PromptTemplate, template_of_content
from localensemble.study.binding import identities
from localensemble.study.study import Study

__all__ = ["PLACEHOLDER", "ShownPrompt", "show_prompts", "show_recorded_prompts", "template_text"]

PLACEHOLDER = "[the text of the item]"
_USUAL_LAYOUT: Layout = "codebook_first"


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """The prompt of one variable.

    Attributes:
        variable: the name of the variable.
        layout: what comes first in it.
        messages: its turns, with a placeholder for the item.
        answers: what a model can answer, in the order of the codebook.
        readout: the readout that the raters with this prompt state; empty if they state none.
        orders: in how many orders the categories are asked; the prompt shows the first.
        own_shots: how many examples each text gets that depend on it; the prompt shows none.
    """

    variable: str
    layout: Layout
    messages: tuple[Message, ...]
    answers: tuple[str, ...]
    readout: str
    orders: int
    own_shots: int = 0


def show_prompts(
    *, codebook: CodebookSource, ensemble: EnsembleSource | None = None
) -> tuple[ShownPrompt, ...]:
    """Render the prompt of every variable, as an ensemble file asks for it.

    If the file lets each rater choose the layout, the codebook comes first.

    Raises:
        InputError: a file cannot be used.
    """
    stated = load_ensemble(ensemble or embedded_ensemble())
    texts, questions = load_for_raters(codebook)
    prompt = prompt_for_raters(stated, questions, None, texts=texts)
    layout = stated.layout or _USUAL_LAYOUT
    # Which examples a text gets depends on the text, and there is none.
    template = prompt.template.with_shots(None)
    named = [template.reading(readout) for readout in stated.readouts]
    without = all(rater.readouts for rater in stated.raters)
    shots = prompt.shots.recorded if prompt.shots.of_texts is not None else None
    own_shots = 0 if shots is None else shots.count or 0
    return tuple(
        replace(shown, own_shots=own_shots)
        for one in ([] if without else [template]) + named
        for shown in _shown(one, prompt.codebook.variables, layout, stated.orders)
    )


def show_recorded_prompts(study: Path) -> tuple[ShownPrompt, ...]:
    """Render the prompt of every variable, as the raters of a study were given it.

    Shots are left out, because a study does not keep their texts.

    Raises:
        InputError: the study has no record of its prompt.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    with Study.open(study) as held:
        recorded = held.run.settings.prompt
        raters = identities(held.labeled)
        variables = held.codebook.variables
    if recorded is None:
        raise InputError(
            f"The study in {study} has no record of its prompt: it was imported, or labeled by "
            "version 0.2.0 or earlier.",
            hint="Give its codebook and ensemble file instead: -c codebook.yaml -e ensemble.yaml.",
        )
    template = template_of_content(recorded.name, recorded.texts)
    found: dict[tuple[Layout, str, str], None] = {}
    for rater in raters.values():
        settings = dict(rater.settings)
        found[rater.layout, settings.get("readout", ""), settings.get("orders", "1")] = None
    return tuple(
        prompt
        for layout, readout, orders in found
        for prompt in _shown(
            template.reading(cast(Readout, readout)) if readout else template,
            variables,
            layout,
            int(orders),
        )
    )


def template_text(name: str = "label", version: int = 1) -> str:
    """Read the file of a prompt template that ships with the program.

    Raises:
        InputError: there is no such template.
    """
    return prompt_template_path(name, version).read_text(encoding="utf-8")


def _shown(
    template: PromptTemplate, variables: Sequence[Variable], layout: Layout, orders: int
) -> tuple[ShownPrompt, ...]:
    return tuple(
        ShownPrompt(
            variable.name,
            layout,
            template.render(variable, PLACEHOLDER, layout=layout).messages,
            template.answers(variable),
            template.readout or "",
            most_orders((variable,), at_most=orders),
        )
        for variable in variables
    )
