"""Define the three embedded models: shape, vocabulary, chat template, training settings.

All differences between the models are here, so that a model's card and the code that trains it
cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["llama", "qwen2", "gpt2"]

# Three different markups, so that the program is tested on the families it will meet: tags
# around every turn, ChatML, and one without a system turn.
_TAGGED = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|eot|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_INST = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] + '\\n\\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% if message['role'] == 'user' %}"
    "{{ '[INST]' + (system if loop.first else '') + message['content'] + '[/INST]' }}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The specification of one embedded model.

    Attributes:
        special_tokens: control tokens in the order of their ids, before the learned pieces.
        beginning: the bos token; None if the template does not write one.
        end_of_turn: the token after the model's answer.
        vocabulary_size: number of tokens, including special and byte tokens.
        epochs: passes over the feedback items; the schedule ends there.
    """

    name: str
    title: str
    architecture: Architecture
    special_tokens: tuple[str, ...]
    beginning: str | None
    end_of_text: str
    end_of_turn: str
    chat_template: str
    vocabulary_size: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    context_tokens: int
    epochs: int
    batch_items: int
    learning_rate: float
    dropout: float
    seed: int


SPECS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="le-llama-2m",
            title="localensemble llama 2M",
            architecture="llama",
            special_tokens=(
                "<unk>",
                "<s>",
                "</s>",
                "<|system|>",
                "<|user|>",
                "<|assistant|>",
                "<|eot|>",
            ),
            beginning="<s>",
            end_of_text="</s>",
            end_of_turn="<|eot|>",
            chat_template=_TAGGED,
            vocabulary_size=3072,
            width=192,
            layers=2,
            heads=6,
            key_value_heads=6,
            feed_forward=512,
            context_tokens=2048,
            epochs=5,
            batch_items=32,
            learning_rate=1.5e-3,
            dropout=0.1,
            seed=11,
        ),
        ModelSpec(
            name="le-qwen2-3m",
            title="localensemble qwen2 3M",
            architecture="qwen2",
            special_tokens=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
            beginning=None,
            end_of_text="<|endoftext|>",
            end_of_turn="<|im_end|>",
            chat_template=_CHATML,
            vocabulary_size=5120,
            width=192,
            layers=2,
            heads=6,
            key_value_heads=2,
            feed_forward=512,
            context_tokens=2048,
            epochs=5,
            batch_items=32,
            learning_rate=1.5e-3,
            dropout=0.1,
            seed=22,
        ),
        ModelSpec(
            name="le-gpt2-2m",
            title="localensemble gpt2 2M",
            architecture="gpt2",
            special_tokens=("<|endoftext|>", "[INST]", "[/INST]"),
            beginning=None,
            end_of_text="<|endoftext|>",
            end_of_turn="<|endoftext|>",
            chat_template=_INST,
            vocabulary_size=2048,
            width=160,
            layers=2,
            heads=5,
            key_value_heads=5,
            feed_forward=640,
            context_tokens=2048,
            epochs=5,
            batch_items=32,
            learning_rate=1.5e-3,
            dropout=0.1,
            seed=33,
        ),
    )
}
