"""Prompts as the labeling package makes them, in both layouts."""

from __future__ import annotations

from localensemble.core.prompts import Layout, Message, Prompt, Segment

SYSTEM = "You label texts with a codebook. Reply with the name of one category, nothing else."
THEMES = ("Care received", "Staff", "Couldn't be improved", "Communication", "Staff attitude")
QUESTIONS = ("What is the comment mainly about?", "Which theme fits best?")


def prompt(item: str, *, question: str = QUESTIONS[0], layout: Layout = "codebook_first") -> Prompt:
    """Put an item into a prompt."""
    asked = f"Question: {question}\nCategories: Care received, Staff, Communication\n"
    closing = "Which category fits best?"
    if layout == "codebook_first":
        segments = (_instruction(f"{asked}Text:\n"), _item(item), _instruction(f"\n{closing}"))
    else:
        segments = (_instruction("Text:\n"), _item(item), _instruction(f"\n{asked}{closing}"))
    return Prompt((Message("system", (_instruction(SYSTEM),)), Message("user", segments)))


def _instruction(text: str) -> Segment:
    return Segment(text, "instruction")


def _item(text: str) -> Segment:
    return Segment(text, "item")
