"""The prompt of an ensemble file, loaded and checked: its template and its shots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localensemble.codebook.model import Codebook
from localensemble.labeling.category_orders import order_cost
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.examples.shots import OpenEmbedder, Shots, load_shots
from localensemble.prompting.template import PromptTemplate
from localensemble.tables.item_file import ItemFile


@dataclass(frozen=True, slots=True)
class LoadedPrompt:
    """What the raters are given beside an item.

    Attributes:
        template: the prompt template, with the shots that differ between texts.
        shots: the shots.
        codebook: the codebook with the shots among its examples; only prompts are made of it.
        messages: sentences for the user, about shots and the cost of category orders.
    """

    template: PromptTemplate
    shots: Shots
    codebook: Codebook
    messages: tuple[str, ...]


def load_prompt(
    ensemble: Ensemble,
    codebook: Codebook,
    *,
    items: ItemFile | None,
    open_embedder: OpenEmbedder,
    shown_table: Callable[[ItemFile], ItemFile] = lambda table: table,
) -> LoadedPrompt:
    """Load the prompt template and the shots of an ensemble file, and check that they can be used.

    Args:
        ensemble: the ensemble file.
        codebook: the codebook that the prompt shows.
        items: the items to label, which may not be shots; None for a text without a table.
        open_embedder: finds the model that compares texts, for shots that are retrieved.
        shown_table: returns the gold table of the shots with the texts that raters are shown.

    Raises:
        InputError: a file is missing or invalid, the template cannot show the codebook or the
            shots, or a shot is among the items.
        ModelFileError: the embedder has not been pulled.
    """
    shots = load_shots(
        ensemble.shots,
        codebook,
        items=items,
        open_embedder=open_embedder,
        shown_table=shown_table,
    )
    shown = shots.shown(codebook)
    template = ensemble.load_template(shown.variables)
    shots.refuse_unshown(template, codebook)
    if items is not None:
        shots.refuse_among(items)
    cost = order_cost(codebook.variables, at_most=ensemble.orders)
    if shots.of_texts is not None:
        template = template.with_shots(shots.of_texts)
    return LoadedPrompt(template, shots, shown, (*shots.messages, *cost))
