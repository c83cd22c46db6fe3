"""Refuse a codebook that leaves no room for an item in a model's context.

Every item of such a run would fail as too long. The engine itself judges, with a prompt
without an item; a count of tokens, which can be an estimate, only decides whether to ask it.
"""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.codebook.model import Variable
from localensemble.core.errors import InputError
from localensemble.core.labels import RaterName
from localensemble.core.prompts import Layout, Prompt
from localensemble.engines.protocol import Engine, ScoreFailure
from localensemble.prompting.template import PromptTemplate

_TOO_LONG = "too_long: "
# The engine is asked if the texts alone take this share of the context: a count leaves out the
# chat template and can be an estimate, but is never wrong by this much.
_DOUBTFUL_SHARE = 0.5
# Text with fewer bytes per token is rare; see `may_exceed`.
_BYTES_A_TOKEN = 2


def refuse_long_codebook(
    engine: Engine,
    *,
    rater: RaterName,
    variables: Sequence[Variable],
    template: PromptTemplate,
    layout: Layout | None,
) -> None:
    """Refuse a rater whose context cannot hold the prompt of a variable, even without an item.

    Args:
        layout: None if each rater chooses; the length without an item is much the same.

    Raises:
        InputError: the codebook is too long; the message has the tokens found and allowed.
    """
    allowed = engine.describe().context_tokens
    for variable in variables:
        prompt = _without_item(template, variable, layout)
        if sum(engine.count_tokens(_texts(prompt))) < _DOUBTFUL_SHARE * allowed:
            continue
        (result,) = engine.score([prompt], [template.answers(variable)])
        if isinstance(result, ScoreFailure) and result.reason.startswith(_TOO_LONG):
            found = int(result.reason.removeprefix(_TOO_LONG).split()[0])
            raise InputError(
                f'Cannot label with rater "{rater}": for variable "{variable.name}", the codebook '
                f"alone takes {found:,} tokens, but the context of this rater has {allowed:,}. "
                "Every item would be too long.",
                hint="Raise `context_tokens` for this rater in the ensemble file (at most what "
                "the model was trained for), shorten the codebook, or choose another model.",
            )


def may_exceed(
    context_tokens: int,
    *,
    variables: Sequence[Variable],
    template: PromptTemplate,
    layout: Layout | None,
) -> bool:
    """Tell from its bytes alone whether a codebook could fill a context, before a model loads."""
    return any(
        sum(len(text.encode()) for text in _texts(_without_item(template, variable, layout)))
        >= _BYTES_A_TOKEN * context_tokens
        for variable in variables
    )


def _without_item(template: PromptTemplate, variable: Variable, layout: Layout | None) -> Prompt:
    return template.render(variable, "", layout=layout or "codebook_first")


def _texts(prompt: Prompt) -> list[str]:
    return [segment.text for message in prompt.messages for segment in message.segments]
