"""A rater chooses quotes among the pieces of a text: by what the topic adds, never invented."""

from __future__ import annotations

import json

import pytest

from localensemble.codebook.model import Category, Variable
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.labeling.passages.choose_passages import choose_passages, choosing_method
from localensemble.ledger.records import ItemPassages
from localensemble.prompting.quote_prompt import quoting_prompt

WAIT = Variable(
    "wait",
    "binary",
    "Is it about waiting?",
    (Category("yes", "Time spent waiting."), Category("no", "Anything else.")),
)
STAFF = Variable(
    "staff",
    "binary",
    "Is it about staff?",
    (Category("Yes", "How staff behave."), Category("No", "Anything else.")),
)
TEXT = "Kind staff, but we waited for hours and hours; the food was cold. Kind staff!"


def asked_about(prompt: Prompt) -> str:
    return next((name for name in ("waiting", "staff") if f"about {name}?" in shown(prompt)), "")


def shown(prompt: Prompt) -> str:
    return "\n".join(message.text for message in prompt.messages)


def by_topic(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
    """Copy short pieces most, whatever is asked, and the piece about the topic twice as much."""
    usual = {answer: 0.3 / len(answer) for answer in answers}
    word = {"waiting": "waited", "staff": "staff"}.get(asked_about(prompt))
    return [usual[one] * (2 if word and word in one else 1) for one in answers]


def quotes(found: ItemPassages, text: str = TEXT) -> list[str]:
    return [text[one.start : one.stop] for one in found.passages]


def test_the_piece_that_the_topic_makes_likelier_is_chosen_whatever_its_length() -> None:
    found = choose_passages(ScriptedEngine(by_topic), TEXT, [WAIT, STAFF])
    assert quotes(found["wait"]) == ["but we waited for hours and hours"]
    assert quotes(found["staff"]) == ["Kind staff"]
    assert found["staff"].passages[0].start == 0
    assert all(one.score is None for part in found.values() for one in part.passages)


def test_at_most_three_are_chosen_and_only_those_near_the_best() -> None:
    text = "a b, c d, e f, g h, i j"
    gains = dict(zip("acegi", (1.0, 8.0, 7.0, 6.5, 6.0), strict=True))

    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
        return [0.01 * (gains[one[0]] if asked_about(prompt) else 1.0) for one in answers]

    chosen = choose_passages(ScriptedEngine(script), text, [WAIT])["wait"]
    assert quotes(chosen, text) == ["c d", "e f", "g h"]
    gains.update(c=50.0, e=2.0, g=1.0, i=0.5)
    chosen = choose_passages(ScriptedEngine(script), text, [WAIT])["wait"]
    assert quotes(chosen, text) == ["c d"]


def test_the_best_is_quoted_even_if_the_topic_makes_nothing_likelier() -> None:
    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
        return [0.1 if asked_about(prompt) else 0.2] * len(answers)

    assert quotes(choose_passages(ScriptedEngine(script), TEXT, [WAIT])["wait"]) == ["Kind staff"]


@pytest.mark.parametrize(
    ("text", "expected"), [("Kind staff.", ["Kind staff"]), ("👍!", []), (" ", [])]
)
def test_a_text_of_one_piece_is_quoted_without_asking(text: str, expected: list[str]) -> None:
    engine = ScriptedEngine(by_topic)
    found = choose_passages(engine, text, [WAIT, STAFF])
    assert [quotes(found[name], text) for name in ("wait", "staff")] == [expected, expected]
    assert engine.usage().prompt_tokens == 0


def test_a_text_that_cannot_be_scored_has_the_reason_instead() -> None:
    engine = ScriptedEngine(by_topic, context_tokens=20)
    found = choose_passages(engine, TEXT, [WAIT])["wait"]
    assert found.passages == ()
    assert found.reason.startswith("too_long: ")


@pytest.mark.parametrize("failing", ["waiting", ""])
def test_one_failed_score_is_enough_for_no_quote(failing: str) -> None:
    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float] | ScoreFailure:
        failed = asked_about(prompt) == failing
        return ScoreFailure("broken") if failed else [0.1] * len(answers)

    found = choose_passages(ScriptedEngine(script), TEXT, [WAIT, STAFF])
    assert found["wait"].reason == "broken"
    assert found["staff"].reason == ("" if failing else "broken")


def test_an_engine_that_does_not_see_the_probability_of_a_quote_chooses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ScriptedEngine(by_topic)
    half_seen = Scores((-1.0, -2.0, -2.0), 0.1, 9, censored=(False, True, False))
    monkeypatch.setattr(engine, "score", lambda prompts, answers: (half_seen,) * len(prompts))
    assert choose_passages(engine, TEXT, [WAIT])["wait"].reason.startswith("unseen: ")


def test_the_item_stands_alone_in_its_segment_and_before_the_question() -> None:
    prompt = quoting_prompt(TEXT, about=WAIT)
    assert prompt.item == TEXT
    text = shown(prompt)
    assert text.index(TEXT) < text.index("Is it about waiting?") < text.index("Time spent waiting.")
    assert text.endswith('Quote: "')
    assert "waiting" not in shown(quoting_prompt(TEXT, about=None))


def test_the_method_names_everything_that_decides_the_passages_and_scores() -> None:
    method = json.loads(choosing_method(embedder_sha256="ab"))
    assert method["embedder_sha256"] == "ab"
    assert {"strategy", "pieces", "prompt_sha256", "most"} < method.keys()
