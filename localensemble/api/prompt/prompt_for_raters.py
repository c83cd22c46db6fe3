"""Load the prompt of an ensemble file with all that it needs from elsewhere."""

from __future__ import annotations

from localensemble.api.deidentified.rater_texts import RaterTexts
from localensemble.api.prompt.text_embedder import embedder_opener
from localensemble.codebook.model import Codebook
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.loaded_prompt import LoadedPrompt, load_prompt
from localensemble.tables.item_file import ItemFile


def prompt_for_raters(
    ensemble: Ensemble,
    codebook: Codebook,
    items: ItemFile | None,
    *,
    texts: RaterTexts,
    threads: int | None = None,
) -> LoadedPrompt:
    """Load a prompt whose shots are shown as the raters are shown texts.

    Args:
        ensemble: the ensemble file.
        codebook: the codebook that the prompt shows.
        items: the items to label, with the texts that raters are shown; None without a table.
        texts: how raters are shown texts.
        threads: processor threads of the model that compares texts; None uses all cores.

    Raises:
        InputError: a file cannot be used, or a shot is among the items.
        ModelFileError: the model that compares texts has not been pulled.
    """
    return load_prompt(
        ensemble,
        codebook,
        items=items,
        open_embedder=embedder_opener(ensemble.folder, threads),
        shown_table=texts.table,
    )
