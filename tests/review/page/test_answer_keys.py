from __future__ import annotations

from localensemble.review.page.answer_keys import answer_keys, command_keys


def test_each_of_three_questions_has_its_row_and_the_tenth_category_is_on_zero() -> None:
    first, second, third = answer_keys((11, 2, 3))
    assert first == ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "")
    assert second == ("q", "w")
    assert third == ("a", "s", "d")


def test_more_than_three_questions_share_the_digits() -> None:
    assert answer_keys((2, 2, 2, 3)) == (("1", "2"),) * 3 + (("1", "2", "3"),)


def test_a_key_never_means_an_answer_and_a_command() -> None:
    keys = command_keys(answer_keys((3, 10, 4)))
    assert (keys["undo"], keys["previous"], keys["flag"]) == ("Shift+U", "Shift+P", "Shift+F")
    assert (keys["cannot_decide"], keys["codebook_unclear"]) == ("x", "c")
    assert command_keys(answer_keys((3,)))["undo"] == "u"
