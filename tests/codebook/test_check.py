"""Each objection is raised where it belongs, and not where it does not."""

from __future__ import annotations

import pytest

from localensemble.codebook.check import Remark, check_codebook, shared_remarks
from localensemble.codebook.checked import load_checked
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import (
    AlwaysReview,
    Category,
    Codebook,
    Example,
    Level,
    Variable,
)
from localensemble.core.errors import CodebookError
from localensemble.core.resources import examples_dir

GOOD = (
    Category("calm", "The voice of the text is quiet and even."),
    Category("upset", "Somebody complains, or is hurt or angry."),
    Category("Other", "It fits neither of them."),
)
GOOD_EXAMPLES = (
    Example("All went well.", "calm"),
    Example("I waited four hours!", "upset"),
    Example("My address has changed.", "Other"),
)


def codebook(*variables: Variable, description: str = "Notes of one ward.") -> Codebook:
    return Codebook("mood", "1", description, variables)


def variable(
    categories: tuple[Category, ...] = GOOD,
    *,
    name: str = "mood",
    level: Level = "nominal",
    question: str = "How does the text sound?",
    rules: tuple[str, ...] = (),
    examples: tuple[Example, ...] = GOOD_EXAMPLES,
) -> Variable:
    return Variable(name, level, question, categories, rules, examples)


def named(*names: str) -> tuple[Category, ...]:
    return tuple(Category(name, f"What the word {name * 3} stands for here.") for name in names)


def the_remark(checked: Codebook, what: str) -> Remark:
    remarks = check_codebook(checked)
    (found,) = (remark for remark in remarks if what in remark.what)
    assert found.what_to_do
    return found


def test_a_good_codebook_draws_no_remark() -> None:
    assert check_codebook(codebook(variable())) == ()


def test_remarks_come_with_the_gravest_first() -> None:
    asked = variable(
        question="Mood",
        examples=(*GOOD_EXAMPLES, Example("all went WELL.", "Other")),
        rules=('"Sad" comes first.',),
    )
    severities = [remark.severity for remark in check_codebook(codebook(asked))]
    assert severities == ["error", "warning", "note"]


def test_variables_without_any_example_share_a_remark_whatever_their_categories() -> None:
    bare = [
        variable(name="mood", examples=()),
        variable(named("aa", "bb", "Other"), name="kind", examples=(), question="Which kind?"),
    ]
    found = [
        one for one in shared_remarks(check_codebook(codebook(*bare))) if "no exam" in one.what
    ]
    assert [one.places for one in found] == [("variable mood", "variable kind")]


def test_remarks_that_say_the_same_are_gathered_with_their_places() -> None:
    asked = [variable(name=name, question="Mood") for name in ("mood", "tone")]
    remarks = check_codebook(codebook(*asked))
    shared = shared_remarks(remarks)
    assert sum(len(one.places) for one in shared) == len(remarks)
    (headings,) = (one for one in shared if "question mark" in one.what)
    assert (headings.severity, headings.places) == ("note", ("variable mood", "variable tone"))


def test_a_missing_description_is_noted() -> None:
    remark = the_remark(codebook(variable(), description=""), "no description")
    assert (remark.severity, remark.where) == ("note", "codebook")


def test_two_variables_with_one_question_are_warned_about() -> None:
    remark = the_remark(
        codebook(variable(), variable(name="tone", question="how does the text SOUND?")),
        'The question is the same as that of "mood"',
    )
    assert (remark.severity, remark.where) == ("warning", "variable tone")


def test_two_labels_of_one_multi_label_variable_with_one_definition_are_warned_about() -> None:
    def part(name: str) -> Variable:
        categories = (Category("yes", "The text speaks of it openly."), Category("no", "Not so."))
        examples = (Example(f"{name} a", "yes"), Example(f"{name} b", "no"))
        return variable(
            categories, name=name, level="binary", question=f"Is it {name}?", examples=examples
        )

    checked = codebook(part("problem.pain"), part("problem.fear"), part("pain"))
    remark = the_remark(checked, "definition is nearly the same")
    assert (remark.severity, remark.where) == ("warning", "variable problem.fear")


@pytest.mark.parametrize(
    "asked",
    [
        variable(question="Describe here what is asked?"),
        variable(rules=("Describe here the rule.",)),
        variable((*GOOD[:2], Category("Other", "Describe here the rest."))),
    ],
)
def test_a_placeholder_is_an_error(asked: Variable) -> None:
    remark = the_remark(codebook(asked), 'still begins with "Describe here"')
    assert (remark.severity, remark.what_to_do) == ("error", "Write the text.")


def test_a_placeholder_for_the_description_is_warned_about() -> None:
    checked = codebook(variable(), description="Describe here the texts.")
    assert the_remark(checked, "still begins with").severity == "warning"


def test_a_question_without_its_mark_is_noted() -> None:
    assert the_remark(codebook(variable(question="The mood")), "question mark").severity == "note"


@pytest.mark.parametrize("question", ["How is it?", "どうですか？", "كيف الحال؟"])
def test_question_marks_of_other_scripts_count(question: str) -> None:
    assert check_codebook(codebook(variable(question=question))) == ()


def test_a_long_name_is_noted() -> None:
    checked = codebook(variable((*GOOD, Category("n" * 61, "A name of sixty-one letters."))))
    assert the_remark(checked, "61 characters").severity == "note"


def test_a_name_that_a_spreadsheet_would_run_is_warned_about() -> None:
    checked = codebook(variable((*GOOD, Category("=calm", "Like calm, but as a formula."))))
    assert the_remark(checked, "formula").where == "variable mood, category =calm"


@pytest.mark.parametrize("name", ["pain and fear", "pain/fear", "Pain / fear"])
def test_a_name_that_joins_two_things_is_noted(name: str) -> None:
    checked = codebook(variable((*GOOD, Category(name, "Either of them is enough."))))
    assert the_remark(checked, "combines two things").severity == "note"


def test_a_name_that_begins_like_another_is_warned_about() -> None:
    checked = codebook(variable((*GOOD, Category("Calm voice", "Somebody speaks softly."))))
    remark = the_remark(checked, 'The category "calm" begins the same way')
    assert (remark.severity, remark.where) == ("warning", "variable mood, category Calm voice")


def test_a_definition_that_repeats_the_name_is_warned_about() -> None:
    checked = codebook(variable((*GOOD, Category("very sad", "Very sad."))))
    assert the_remark(checked, "only repeats the name").severity == "warning"


def test_a_short_definition_is_noted() -> None:
    checked = codebook(variable((*GOOD, Category("sad", "It cries."))))
    assert the_remark(checked, "very short").severity == "note"


def test_definitions_with_nearly_the_same_words_are_warned_about() -> None:
    checked = codebook(
        variable((*GOOD, Category("angry", "Somebody complains, or is hurt or is angry.")))
    )
    remark = the_remark(checked, 'nearly the same as that of "upset"')
    assert (remark.severity, remark.where) == ("warning", "variable mood, category angry")


def test_many_categories_are_warned_about() -> None:
    checked = codebook(variable((*GOOD, *named(*"bcdfghjklm"))))
    assert the_remark(checked, "There are 13 categories").severity == "warning"


def test_a_nominal_variable_without_a_place_for_the_rest_is_warned_about() -> None:
    assert the_remark(codebook(variable(GOOD[:2])), "fit none of the others").severity == "warning"


def test_a_binary_variable_needs_no_place_for_the_rest() -> None:
    remarks = check_codebook(
        codebook(variable(GOOD[:2], level="binary", examples=GOOD_EXAMPLES[:2]))
    )
    assert remarks == ()


@pytest.mark.parametrize(
    "names",
    [
        ("1", "3", "2"),
        ("10 never", "2 often", "30 always"),
        ("mild", "none", "severe"),
        ("neutral", "negative", "positive"),
    ],
)
def test_an_ordinal_variable_out_of_order_is_warned_about(names: tuple[str, ...]) -> None:
    checked = codebook(variable(named(*names), level="ordinal", examples=()))
    assert the_remark(checked, f"not in order: {', '.join(names)}").severity == "warning"


@pytest.mark.parametrize(
    "names", [("1", "2", "10"), ("severe", "mild", "none"), ("0,5 h", "1 h", "2 h"), ("-1", "0")]
)
def test_an_ordinal_variable_in_order_is_not(names: tuple[str, ...]) -> None:
    remarks = check_codebook(codebook(variable(named(*names), level="ordinal", examples=())))
    assert not [remark for remark in remarks if "order" in remark.what]


def test_an_order_that_names_do_not_tell_is_noted() -> None:
    checked = codebook(variable(level="ordinal"))
    assert the_remark(checked, "cannot be told from their names").severity == "note"


def test_one_example_in_two_categories_is_an_error() -> None:
    checked = codebook(variable(examples=(*GOOD_EXAMPLES, Example("ALL went well. ", "upset"))))
    remark = the_remark(checked, 'for "calm" and for "upset"')
    assert remark.severity == "error"


def test_an_example_given_twice_is_noted() -> None:
    checked = codebook(variable(examples=(*GOOD_EXAMPLES, GOOD_EXAMPLES[0])))
    assert the_remark(checked, "given twice").severity == "note"


def test_an_example_inside_one_of_another_category_is_noted() -> None:
    longer = Example("All went well. I waited, though.", "upset")
    checked = codebook(variable(examples=(*GOOD_EXAMPLES, longer)))
    assert the_remark(checked, "are the same text").severity == "note"


def test_a_long_example_is_noted() -> None:
    checked = codebook(variable(examples=(*GOOD_EXAMPLES, Example("word " * 400, "calm"))))
    remark = the_remark(checked, "2,000 characters")
    assert remark.where == "variable mood, example 4"


def test_examples_of_one_category_alone_are_warned_about() -> None:
    checked = codebook(variable(examples=(Example("a", "calm"), Example("b", "calm"))))
    assert the_remark(checked, 'All 2 examples belong to "calm"').severity == "warning"


def test_categories_without_an_example_are_noted() -> None:
    checked = codebook(variable(examples=GOOD_EXAMPLES[:1]))
    assert the_remark(checked, "no example for upset, Other").severity == "note"


def test_a_rule_about_a_category_that_is_not_there_is_warned_about() -> None:
    checked = codebook(variable(rules=('"Calm" comes before “sad”.',)))
    remark = the_remark(checked, 'no category "sad"')
    assert (remark.severity, remark.where) == ("warning", "variable mood, rule 1")


def test_a_variable_where_everything_is_reviewed_is_warned_about() -> None:
    categories = tuple(Category(c.name, c.definition, AlwaysReview()) for c in GOOD)
    remark = the_remark(codebook(variable(categories)), "every item goes to review")
    assert remark.severity == "warning"


def test_a_review_bound_that_never_acts_is_warned_about() -> None:
    categories = (Category("calm", GOOD[0].definition, AlwaysReview(above=0.5)), *GOOD[1:])
    remark = the_remark(codebook(variable(categories)), "always_review_above is 0.5")
    assert (remark.severity, remark.where) == ("warning", "variable mood, category calm")


def test_a_review_bound_below_one_half_draws_no_remark() -> None:
    categories = (Category("calm", GOOD[0].definition, AlwaysReview(above=0.2)), *GOOD[1:])
    assert check_codebook(codebook(variable(categories))) == ()


def test_no_remark_holds_the_text_of_an_example() -> None:
    secret = "Mrs Example has a rash"
    asked = variable(
        examples=(
            Example(secret, "calm"),
            Example(secret, "upset"),
            Example(f"{secret} again", "Other"),
        )
    )
    assert secret not in repr(check_codebook(codebook(asked)))


def test_the_shipped_codebooks_have_neither_errors_nor_warnings() -> None:
    for name in ("patient_feedback", "negation"):
        remarks = check_codebook(load_codebook(examples_dir() / f"{name}.yaml"))
        assert {remark.severity for remark in remarks} <= {"note"}


@pytest.mark.parametrize("name", ["NA", "None", "n/a", "null", "\u2014", "k.A.", "#N/A", "?"])
def test_a_name_that_reads_as_a_missing_label_draws_a_warning(name: str) -> None:
    found = the_remark(codebook(variable(named(name, "left", "Other"))), "a missing label")
    assert (found.severity, found.where) == ("warning", f"variable mood, category {name}")


@pytest.mark.parametrize("name", ["none", "No", "not applicable", "unknown"])
def test_ordinary_names_draw_no_such_warning(name: str) -> None:
    remarks = check_codebook(codebook(variable(named(name, "left", "Other"))))
    assert not any("missing label" in remark.what for remark in remarks)


@pytest.mark.parametrize("name", ["\u201cyes\u201d", "\u201eja\u201c", "\u00aboui\u00bb"])
def test_a_name_in_typographic_quotes_is_an_error(name: str) -> None:
    found = the_remark(codebook(variable(named(name, "left", "Other"))), "typographic quotes")
    assert (found.severity, found.where) == ("error", f"variable mood, category {name}")
    with pytest.raises(CodebookError, match="typographic quotes"):
        load_checked(codebook(variable(named(name, "left", "Other"), examples=())))


def test_a_codebook_named_in_typographic_quotes_draws_a_warning() -> None:
    checked = Codebook("\u201cmood\u201d", "1", "Notes of one ward.", (variable(),))
    assert the_remark(checked, "typographic quotes").severity == "warning"
    inside = Codebook("the \u201cmood\u201d codebook", "1", "Notes.", (variable(),))
    assert check_codebook(inside) == ()


@pytest.mark.parametrize(
    ("names", "code"),
    [(("1", "2", "3", "99"), "99"), (("0", "1", "-9"), "-9"), (("1", "2", "888"), "888")],
)
def test_a_category_that_is_a_code_for_missing_values_draws_a_warning(
    names: tuple[str, ...], code: str
) -> None:
    held = variable(named(*names), examples=())
    found = the_remark(codebook(held), "codes for missing values")
    assert (found.severity, found.where) == ("warning", f"variable mood, category {code}")
    assert f"--gap {code}" in found.what_to_do


def test_two_categories_that_look_the_same_draw_a_warning() -> None:
    held = variable(named("mild-moderate", "mild\u2013moderate", "Other"), examples=())
    assert "U+2013" in the_remark(codebook(held), "looks the same").what
