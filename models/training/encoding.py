"""Encode prompts as token ids, in the same segments as in the program.

Prompt template, codebooks and chat template decide the wording. Every segment is encoded
separately: chat markup with special tokens, all other text without.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jinja2.sandbox import ImmutableSandboxedEnvironment

from localensemble.codebook.model import Variable
from localensemble.prompting.template import PromptTemplate
from specs import ModelSpec
from vocabulary import Encoder


@dataclass(frozen=True, slots=True)
class Question:
    """The encoded prompt of one variable.

    Attributes:
        prefixes: the tokens before the item; the first as in the codebook, the others with
            the categories in another order.
        short: a prefix with only the question, for the start of training: the item is then
            most of what the model sees, so it learns sooner to read it.
        suffix: the tokens between the item and the answer.
        answers: the tokens of each category's name, in codebook order.
    """

    variable: Variable
    prefixes: tuple[tuple[int, ...], ...]
    short: tuple[int, ...]
    suffix: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]


def prompt_texts(template: PromptTemplate, variable: Variable) -> tuple[str, str, str]:
    """Return the system text and the user text before and after the item."""
    prompt = template.render(variable, "an item", layout="codebook_first")
    system, user = prompt.messages
    before, _, after = (segment.text for segment in user.segments)
    return system.text, before, after


def ask(
    spec: ModelSpec,
    encoder: Encoder,
    template: PromptTemplate,
    variable: Variable,
    *,
    variants: int,
) -> Question:
    """Encode everything in a question except the item."""
    opening, between, closing = _markup(spec)
    order = random.Random(f"{spec.seed} {variable.name}")
    prefixes: list[tuple[int, ...]] = []
    suffix: list[int] = []
    for variant in range(variants + 1):
        shown = variable
        if variant:
            categories = list(variable.categories)
            order.shuffle(categories)
            shown = replace(variable, categories=tuple(categories))
        system, before, after = prompt_texts(template, shown)
        prefix = encoder.markup(opening) + encoder.text(system)
        prefix += encoder.markup(between) + encoder.text(before)
        prefixes.append(tuple(prefix))
        suffix = encoder.text(after) + encoder.markup(closing)
    question, *_, last = prompt_texts(template, variable)[1].splitlines(keepends=True)
    short = tuple(encoder.markup(between) + encoder.text(question) + encoder.text(last))
    answers = tuple(tuple(encoder.text(name)) for name in variable.answers)
    return Question(variable, tuple(prefixes), short, tuple(suffix), answers)


def first_tokens(question: Question) -> list[int]:
    """Return the first answer token of each category.

    Raises:
        ValueError: two categories begin with the same token, which cannot tell them apart.
    """
    first = [answer[0] for answer in question.answers]
    if len(set(first)) != len(first):
        raise ValueError(f'Two categories of "{question.variable.name}" begin with the same token.')
    return first


def _markup(spec: ModelSpec) -> Sequence[str]:
    system, user = "\x01system\x01", "\x01user\x01"
    rendered = (
        ImmutableSandboxedEnvironment()
        .from_string(spec.chat_template)
        .render(
            messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
            add_generation_prompt=True,
            bos_token=spec.beginning or "",
            eos_token=spec.end_of_text,
        )
    )
    opening, rest = rendered.split(system)
    between, closing = rest.split(user)
    return opening, between, closing
