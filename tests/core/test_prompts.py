"""Prompts carry texts without showing them."""

from __future__ import annotations

import pickle

from localensemble.core.prompts import CategoryText, Message, Prompt, Segment

PROMPT = Prompt(
    (Message("user", (Segment("Read: ", "instruction"), Segment("Mrs Example", "item"))),)
)


def test_a_prompt_does_not_show_the_item() -> None:
    assert "Mrs Example" not in repr(PROMPT)
    assert "origin='item'" in repr(PROMPT)


def test_the_text_of_a_message_is_its_segments_in_order() -> None:
    assert PROMPT.messages[0].text == "Read: Mrs Example"


def test_a_prompt_travels_between_processes() -> None:
    assert pickle.loads(pickle.dumps(PROMPT)) == PROMPT


def test_examples_are_not_shown_by_repr() -> None:
    category = CategoryText("food", "Meals.", ("Mrs Example had soup",))
    assert "Mrs Example" not in repr(Prompt((), categories=(category,)))
