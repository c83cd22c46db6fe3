"""A codebook loads as written, or is refused with the place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.agreement import ALL_COEFFICIENTS
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import (
    AlwaysReview,
    Category,
    Codebook,
    Example,
    RequiredAgreement,
    codebook_from_json,
)
from localensemble.core.coefficient_names import CODEBOOK_COEFFICIENTS, COEFFICIENTS_OF_ORDER
from localensemble.core.errors import CodebookError
from localensemble.core.limits import MOST_SETTINGS_BYTES
from localensemble.core.resources import examples_dir

SECRET = "Mrs Example has a rash"
MOOD = """\
name: ward
version: "1"
variables:
  - name: mood
    level: binary
    question: How does it sound?
    categories:
      - name: good
        definition: It praises.
      - name: bad
        definition: It does not.
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "codebook.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return path


def loaded(folder: Path, text: str) -> Codebook:
    return load_codebook(written(folder, text))


def refused(folder: Path, text: str | bytes, *, message: str, hint: str) -> None:
    """Load a codebook and expect the three-part error, beginning with file and place."""
    with pytest.raises(CodebookError) as caught:
        load_codebook(written(folder, text))
    error = caught.value
    assert error.exit_code == 2
    assert error.message.splitlines()[0].startswith(f"codebook.yaml{message}")
    assert hint in error.hint
    assert SECRET not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize("name", ["patient_feedback", "negation", "abstract_roles"])
def test_the_shipped_codebooks_load(name: str) -> None:
    assert load_codebook(examples_dir() / f"{name}.yaml").variables


def test_everything_written_is_in_the_codebook(tmp_path: Path) -> None:
    codebook = loaded(
        tmp_path,
        MOOD.replace("It praises.", "It praises.\n        always_review: true")
        + """\
        always_review_above: 0.2
    rules:
      - First this.
      - Then that.
    examples:
      - text: "Lovely."
        category: good
      - {text: Awful., category: bad, reason: It complains.}
description: |
  Notes of one ward.
""",
    )  # fmt: skip
    assert (codebook.name, codebook.version) == ("ward", "1")
    assert codebook.description == "Notes of one ward."
    (mood,) = codebook.variables
    assert codebook.variable("mood") is mood
    assert mood.level == "binary"
    assert mood.question == "How does it sound?"
    assert mood.answers == ("good", "bad")
    assert mood.categories == (
        Category("good", "It praises.", AlwaysReview(above=None)),
        Category("bad", "It does not.", AlwaysReview(above=0.2)),
    )
    assert mood.rules == ("First this.", "Then that.")
    assert mood.examples == (
        Example("Lovely.", "good"),
        Example("Awful.", "bad", "It complains."),
    )


def test_an_unknown_variable_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="tone"):
        loaded(tmp_path, MOOD).variable("tone")


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Y", "2024-01-31", "1:30", "<<", "="])
def test_words_stay_words(word: str, tmp_path: Path) -> None:
    codebook = loaded(tmp_path, MOOD.replace("name: good", f"name: {word}"))
    assert codebook.variables[0].answers[0] == word


@pytest.mark.parametrize("word", ["1", "0", "010", "1.10", "-1", "true", "False", "null", "~"])
def test_numbers_and_such_words_are_text_where_text_is_expected(word: str, tmp_path: Path) -> None:
    text = MOOD.replace("good", word).replace('"1"', word)
    codebook = loaded(tmp_path, text)
    assert codebook.version == word
    assert codebook.variables[0].answers[0] == word


def test_a_number_is_still_a_number_where_one_is_expected(tmp_path: Path) -> None:
    text = MOOD.replace("good", "1\n        always_review: true\n        always_review_above: 0.2")
    codebook = loaded(tmp_path, text)
    review = codebook.variables[0].categories[0].always_review
    assert review is not None
    assert review.above == 0.2


def test_content_built_in_python_keeps_its_types() -> None:
    content = {"name": 1, "version": "1", "variables": []}
    with pytest.raises(CodebookError, match="name: expected text, found"):
        load_codebook(content)


def test_names_have_one_form(tmp_path: Path) -> None:
    codebook = loaded(tmp_path, MOOD.replace("name: good", 'name: " cafe\u0301 "'))
    assert codebook.variables[0].answers[0] == "caf\u00e9"


# --- Hashes ----------------------------------------------------------------------------------


def test_the_hash_does_not_see_formatting(tmp_path: Path) -> None:
    flow = (
        "# a comment\nvariables: [{level: 'binary', name: \"mood\", question: 'How does it sound?',"
        " categories: [{definition: It praises., name: good}, {name: bad, definition: It\n"
        "  does not.}]}]\nversion: '1'\nname: ward\n"
    )
    assert loaded(tmp_path, flow).sha256 == loaded(tmp_path, MOOD).sha256


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("How does", "How did"),
        ("name: good", "name: fine"),
        ("It praises.", "It applauds."),
        ("name: mood", "name: tone"),
        ("level: binary", "level: nominal"),
        ("variables:\n", "variables:\n", ),
    ],
)  # fmt: skip
def test_the_hashes_see_what_raters_see(old: str, new: str, tmp_path: Path) -> None:
    before, after = loaded(tmp_path, MOOD), loaded(tmp_path, MOOD.replace(old, new))
    same = old == new
    assert (before.sha256 == after.sha256) is same
    assert (before.variables[0].sha256 == after.variables[0].sha256) is same


@pytest.mark.parametrize(
    "extra", ["    rules: [First.]\n", "    examples: [{text: Fine., category: good}]\n"]
)
def test_the_hash_of_a_variable_sees_rules_and_examples(extra: str, tmp_path: Path) -> None:
    assert (
        loaded(tmp_path, MOOD).variables[0].sha256
        != loaded(tmp_path, MOOD + extra).variables[0].sha256
    )


def test_always_review_changes_the_codebook_but_asks_for_no_new_labels(tmp_path: Path) -> None:
    plain = loaded(tmp_path, MOOD)
    marked = loaded(tmp_path, MOOD + "        always_review: true\n")
    bounded = loaded(tmp_path, MOOD + "        always_review_above: 0.1\n")
    assert len({plain.sha256, marked.sha256, bounded.sha256}) == 3
    assert len({book.variables[0].sha256 for book in (plain, marked, bounded)}) == 1


REQUIRED = """\
    required_agreement:
      coefficient: Krippendorff alpha
      at_least: 0.667
      below: warn
"""


def test_required_agreement_changes_the_codebook_but_asks_for_no_new_labels(tmp_path: Path) -> None:
    plain, required = loaded(tmp_path, MOOD), loaded(tmp_path, MOOD + REQUIRED)
    other = loaded(tmp_path, MOOD + REQUIRED.replace("warn", "review"))
    assert required.variables[0].required_agreement == RequiredAgreement(
        "Krippendorff alpha", 0.667, "warn"
    )
    assert len({plain.sha256, required.sha256, other.sha256}) == 3
    assert len({book.variables[0].sha256 for book in (plain, required, other)}) == 1
    assert codebook_from_json(required.as_json()) == required
    assert codebook_from_json(required.as_json()).sha256 == required.sha256
    assert "required_agreement" not in str(plain.as_json())


def test_required_agreement_may_name_every_coefficient_for_any_number_of_raters() -> None:
    known = [one for one in ALL_COEFFICIENTS if not one.two_raters]
    assert [one.name for one in known] == list(CODEBOOK_COEFFICIENTS)
    assert [one for one in ALL_COEFFICIENTS if one.in_codebooks] == known
    ordered = {one.name for one in known if one.uses_weights == "required"}
    assert ordered == COEFFICIENTS_OF_ORDER


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            "Krippendorff alpha", "Krippendorf alpha",
            ", line 13, variables[0].required_agreement.coefficient: unknown coefficient; "
            "expected one of "
            f"{', '.join(CODEBOOK_COEFFICIENTS)}.",
            'Did you mean "Krippendorff alpha"?',
        ),
        (
            "Krippendorff alpha", "AC2",
            ", line 13, variables[0].required_agreement.coefficient: AC2 ",
            "Write `coefficient: AC1`.",
        ),
        (
            "0.667", "67",
            ", line 14, variables[0].required_agreement.at_least: expected a number from -1 to 1.",
            "`at_least: 0.6`",
        ),
        (
            "      below: warn\n", "",
            ", line 12, variables[0].required_agreement.below: the key is missing.",
            "`below: review`",
        ),
        (
            "warn", "stop",
            ", line 15, variables[0].required_agreement.below: unknown word; expected one of "
            "review, warn.",
            "review, warn.",
        ),
        (
            "at_least", "at_leest",
            ", line 14, variables[0].required_agreement.at_leest: unknown key \"at_leest\"",
            'Did you mean "at_least"?',
        ),
    ],
)  # fmt: skip
def test_a_wrong_required_agreement_is_refused(
    old: str, new: str, message: str, hint: str, tmp_path: Path
) -> None:
    refused(tmp_path, MOOD + REQUIRED.replace(old, new), message=message, hint=hint)


@pytest.mark.parametrize(
    ("old", "new"),
    [("name: ward", "name: unit"), ('"1"', '"2"'), ("name: ward", "name: ward\ndescription: d")],
)
def test_the_hash_of_the_codebook_sees_its_head(old: str, new: str, tmp_path: Path) -> None:
    before, after = loaded(tmp_path, MOOD), loaded(tmp_path, MOOD.replace(old, new))
    assert before.sha256 != after.sha256
    assert before.variables[0].sha256 == after.variables[0].sha256


# --- Multi-label -----------------------------------------------------------------------------

PROBLEMS = """\
name: ward
version: "1"
variables:
  - name: problem
    level: multi_label
    question: Does the note mention {category}?
    categories:
      - name: Chest pain
        definition: Pain or pressure in the chest.
        always_review_above: 0.1
      - name: fear
        definition: Worry, panic or dread.
    rules: ["When in doubt, no."]
    examples:
      - {text: It hurts here., categories: [Chest pain]}
      - {text: All fine., categories: []}
"""


def test_a_multi_label_variable_becomes_one_binary_variable_per_category(tmp_path: Path) -> None:
    pain, fear = loaded(tmp_path, PROBLEMS).variables
    assert (pain.name, fear.name) == ("problem.chest_pain", "problem.fear")
    assert pain.level == fear.level == "binary"
    assert pain.answers == fear.answers == ("yes", "no")
    assert pain.question == "Does the note mention Chest pain?"
    assert pain.categories[0] == Category(
        "yes", "Pain or pressure in the chest.", AlwaysReview(above=0.1)
    )
    assert pain.categories[1].always_review is None
    assert pain.rules == fear.rules == ("When in doubt, no.",)
    assert [example.category for example in pain.examples] == ["yes", "no"]
    assert [example.category for example in fear.examples] == ["no", "no"]


def test_a_multi_label_question_is_asked_per_category(tmp_path: Path) -> None:
    refused(
        tmp_path,
        PROBLEMS.replace("{category}", "anything"),
        message=", line 6, variables[0].question: a multi_label question must ",
        hint="{category}",
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("chest-pain", 'the column name made from it is "chest_pain", the same as '),
        ("'?!'", 'the column name made from it is "", which is empty'),
    ],
)
def test_multi_label_categories_need_column_names_of_their_own(
    name: str, found: str, tmp_path: Path
) -> None:
    refused(
        tmp_path,
        PROBLEMS.replace("name: fear", f"name: {name}"),
        message=f", line 11, variables[0].categories[1].name: {found}",
        hint="letters and digits",
    )


def test_a_multi_label_example_names_a_list(tmp_path: Path) -> None:
    refused(
        tmp_path,
        PROBLEMS.replace("categories: []", "category: fear"),
        message=", line 16, variables[0].examples[1].category: an example of a variable of level "
        "multi_label takes the key `categories`, not `category`.",
        hint="Write `categories: [first, second]`, or `categories: []` when none applies.",
    )


def test_a_multi_label_example_names_known_categories(tmp_path: Path) -> None:
    refused(
        tmp_path,
        PROBLEMS.replace("[Chest pain]", "[fear, Chest pains]"),
        message=", line 15, variables[0].examples[0].categories[1]: "
        'variable "problem" has no category "Chest pains"',
        hint='Did you mean "Chest pain"?',
    )


# --- What the shape refuses ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            "question:", "questoin:",
            ', line 6, variables[0].questoin: unknown key "questoin".',
            'Did you mean "question"?',
        ),
        (
            "name: ward", "nome: ward",
            ', line 1, nome: unknown key "nome".',
            'Did you mean "name"?',
        ),
        (
            "name: ward", "zzz: 1\nname: ward",
            ', line 1, zzz: unknown key "zzz".',
            "name, version, description, variables, no_answer, deidentify.",
        ),
        (
            "It praises.", "It praises.\n        definiton: x",
            ', line 10, variables[0].categories[0].definiton: unknown key "definiton".',
            'Did you mean "definition"?',
        ),
        (
            "        definition: It praises.\n", "",
            ", line 8, variables[0].categories[0].definition: the key is missing.",
            "Every category needs a definition",
        ),
        (
            'version: "1"\n', "",
            ", line 1, version: the key is missing.",
            '`version: "1"`',
        ),
        (
            "    level: binary\n", "",
            ", line 4, variables[0].level: the key is missing.",
            "Write `level:` with binary, nominal, ordinal or multi_label.",
        ),
        (
            "    question: How does it sound?\n", "",
            ", line 4, variables[0].question: the key is missing.",
            "Every variable needs a question",
        ),
        (
            "name: ward\n", "",
            ", line 1, name: the key is missing.",
            "Add the line `name: ...`.",
        ),
        (
            'version: "1"', "version: [1]",
            ", line 2, version: expected text, found a list.",
            "Write a text after the colon.",
        ),
        (
            "definition: It praises.", "definition:",
            ", line 9, variables[0].categories[0].definition: expected text, found nothing.",
            "Write a text after the colon.",
        ),
        (
            "question: How does it sound?", "question: [How, is, it?]",
            ", line 6, variables[0].question: expected text, found a list.",
            "Write a text after the colon.",
        ),
        (
            "level: binary", "level: nominall",
            ", line 5, variables[0].level: unknown level; expected one of binary, nominal, "
            "ordinal, multi_label.",
            'Did you mean "nominal"?',
        ),
        (
            "    question:", "    rules: First this.\n    question:",
            ", line 6, variables[0].rules: expected a list, found text.",
            'Start each entry with "- ".',
        ),
        (
            "      - name: good\n        definition: It praises.\n", "      - good\n",
            ", line 8, variables[0].categories[0]: expected keys with values, found text.",
            "Give it the keys name, definition, always_review, always_review_above.",
        ),
        (
            "It praises.", "It praises.\n        always_review: maybe",
            ", line 10, variables[0].categories[0].always_review: expected true or false, "
            "found text.",
            "Write `true` or `false`.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_key_or_type_is_refused(
    old: str, new: str, message: str, hint: str, tmp_path: Path
) -> None:
    assert old in MOOD
    refused(tmp_path, MOOD.replace(old, new, 1), message=message, hint=hint)


@pytest.mark.parametrize("bound", ["0", "1", "-0.1", "1.5", ".nan", ".inf", "often", "0x1", "true"])
def test_a_review_bound_is_a_probability(bound: str, tmp_path: Path) -> None:
    refused(
        tmp_path,
        MOOD + f"        always_review_above: {bound}\n",
        message=", line 12, variables[0].categories[1].always_review_above: expected a probability",
        hint="`always_review_above: 0.2`",
    )


@pytest.mark.parametrize("text", ["just words", "- a\n- b", "3"])
def test_a_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    refused(
        tmp_path,
        text,
        message=", line 1: expected keys with values, found something else.",
        hint="`name:`, `version:` and `variables:`",
    )


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = MOOD.replace('"1"', "").replace("level: binary", "level: both").replace("good", "[3]")
    text = text.replace("definition: It d", "definitoin: It d") + "        a: 1\n        b: 1\n"
    with pytest.raises(CodebookError) as caught:
        loaded(tmp_path, text)
    lines = caught.value.message.splitlines()
    assert lines[0].startswith("codebook.yaml, line 2, version: expected text")
    assert lines[1].startswith("Also line 5, variables[0].level: unknown level")
    assert lines[2].startswith("Also line 8, variables[0].categories[0].name: expected text")
    assert lines[3].startswith("Also line 11, variables[0].categories[1].definitoin:")
    assert lines[4].startswith("Also line 12, variables[0].categories[1].a:")
    assert lines[5:] == ["And 1 more."]
    assert caught.value.hint == "Write a text after the colon."


# --- What does not fit together --------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            "name: ward", 'name: " "',
            ", line 1, name: the text is empty.",
            "A codebook needs a name.",
        ),
        (
            '"1"', '""',
            ", line 2, version: the text is empty.",
            '`version: "1"`',
        ),
        (
            "It praises.", '""',
            ", line 9, variables[0].categories[0].definition: the text is empty.",
            "Every category needs a definition",
        ),
        (
            "How does it sound?", '"  "',
            ", line 6, variables[0].question: the text is empty.",
            "Ask it",
        ),
        (
            "name: mood", "name: mood of the text",
            ', line 4, variables[0].name: "mood of the text" cannot be a column name; expected a '
            "letter, then letters, digits and underscores.",
            '"mood_of_the_text"',
        ),
        (
            "name: mood", "name: 1st",
            ', line 4, variables[0].name: "1st" cannot be a column name; expected a letter, then '
            "letters, digits and underscores.",
            '"variable_1st"',
        ),
        (
            "name: mood", 'name: ""',
            ", line 4, variables[0].name: the name is empty.",
            '"variable"',
        ),
        (
            "name: mood", f"name: {'m' * 65}",
            ", line 4, variables[0].name: the name has 65 characters; at most 64",
            f'"{"m" * 40}"',
        ),
        (
            "level: binary", "level: ordinal",
            ", line 7, variables[0].categories: there are 2 categories; level ordinal takes at "
            "least 3.",
            "Add or remove categories, or change `level` (binary: 2, nominal: 2 or more, ordinal: "
            "3 or more in order, multi_label: any that apply).",
        ),
        (
            "name: bad", 'name: "GOOD "',
            ", line 10, variables[0].categories[1].name: categories[0] has the same name.",
            "Give every category a name of its own; upper and lower case count as equal.",
        ),
        (
            "name: bad", 'name: "\uff47ood"',
            ", line 10, variables[0].categories[1].name: categories[0] has the same name.",
            "Give every category a name of its own; upper and lower case count as equal.",
        ),
        (
            "name: bad", 'name: ""',
            ", line 10, variables[0].categories[1].name: the name is empty.",
            "on one line",
        ),
        (
            "name: bad", 'name: "very\\nbad"',
            ", line 10, variables[0].categories[1].name: the name has a line break.",
            "on one line",
        ),
        (
            "name: bad", 'name: "very\\u2028bad"',
            ", line 10, variables[0].categories[1].name: the name has a line break.",
            "on one line",
        ),
        (
            "name: bad", 'name: "ba\\u200bd"',
            ", line 10, variables[0].categories[1].name: the name has an invisible ",
            "on one line",
        ),
        (
            "name: bad", f"name: {'b' * 201}",
            ", line 10, variables[0].categories[1].name: the name has 201 characters; at most 200",
            "on one line",
        ),
        (
            "    question:", "    rules: ['']\n    question:",
            ", line 6, variables[0].rules[0]: the text is empty.",
            "Write the rule, or remove the line.",
        ),
        (
            "    question:", "    examples: [{text: '', category: good}]\n    question:",
            ", line 6, variables[0].examples[0].text: the text is empty.",
            "Write the text, or remove the example.",
        ),
        (
            "    question:", f"    examples: [{{text: {SECRET}, category: goood}}]\n    question:",
            ', line 6, variables[0].examples[0].category: variable "mood" has no category "goood"',
            'Did you mean "good"?',
        ),
        (
            "    question:", f"    examples: [{{text: {SECRET}}}]\n    question:",
            ", line 6, variables[0].examples[0]: an example of a variable of level binary takes "
            "the key `category`.",
            "Write `category:` with one category name.",
        ),
        (
            "    question:", "    examples: [{text: a, categories: [good]}]\n    question:",
            ", line 6, variables[0].examples[0].categories: an example of a variable of level "
            "binary takes the key `category`, not `categories`.",
            "Write `category:` with one category name.",
        ),
        (
            "It praises.", "It praises.\n        always_review: false\n"
            "        always_review_above: 0.5",
            ", line 11, variables[0].categories[0].always_review_above: a probability is given, "
            "but always_review is false.",
            "Remove one of the two keys.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(
    old: str, new: str, message: str, hint: str, tmp_path: Path
) -> None:
    assert old in MOOD
    refused(tmp_path, MOOD.replace(old, new, 1), message=message, hint=hint)


def test_two_variables_of_one_name_are_refused(tmp_path: Path) -> None:
    second = MOOD.split("variables:\n")[1].replace("mood", "Mood")
    refused(
        tmp_path,
        MOOD + second,
        message=", line 12, variables[1].name: variables[0] has the same name.",
        hint="Give every variable a name of its own; upper and lower case count as equal.",
    )


def test_a_codebook_without_variables_is_refused(tmp_path: Path) -> None:
    refused(
        tmp_path,
        'name: w\nversion: "1"\nvariables: []\n',
        message=", line 3, variables: the list is empty.",
        hint="Add at least one variable.",
    )


@pytest.mark.parametrize("level", ["nominal", "multi_label"])
def test_too_few_categories_are_refused(level: str, tmp_path: Path) -> None:
    text = MOOD.split("      - name: bad")[0].replace("binary", level)
    if level == "multi_label":
        text = text.split("      - name: good")[0].replace("categories:", "categories: []")
        text = text.replace("sound?", "sound {category}?")
    with pytest.raises(CodebookError, match=f"level {level} takes at least"):
        loaded(tmp_path, text)


# --- What the document refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "", ": the file is empty.",
            "`localensemble init`",
        ),
        (
            "# only a comment\n", ": the file is empty.",
            "`localensemble init`",
        ),
        (
            b"name: caf\xc3\xa9\nversion: \xff\n", ", line 2: the text is not UTF-8.",
            'Save the file as "UTF-8" in the editor.',
        ),
        (
            "a: 1\nb: 2\na: 3\n", ", line 3, a: the key is used twice, first in line 1.",
            "Keep one of the two.",
        ),
        (
            "a: &x 1\nb: *x\n", ", line 1, a: anchors (&) and aliases (*) ",
            'put text that starts with "&" or "*" in quotes',
        ),
        (
            "a: !!python/object:os.system x\n", ', line 1, a: tags ("!") ',
            'Put text that starts with "!" in quotes.',
        ),
        (
            "a: !x {b: 1}\n", ', line 1, a: tags ("!") are not ',
            'Put text that starts with "!" in quotes.',
        ),
        (
            'a: "\\ud800"\n', ", line 1, a: the text contains half a character",
            "Type the character itself instead of its \\u escape.",
        ),
        (
            "a: 1\n? [b, c]\n: 2\n", ", line 2: a key must be a short word.",
            "colon in quotes",
        ),
        (
            f"a: 1\n{SECRET}, and she says it itches: 2\n", ", line 2: a key must be a short word.",
            "colon in quotes",
        ),
    ],
)  # fmt: skip
def test_a_document_that_is_no_plain_yaml_is_refused(
    text: str | bytes, message: str, hint: str, tmp_path: Path
) -> None:
    refused(tmp_path, text, message=message, hint=hint)


@pytest.mark.parametrize(
    "text",
    [
        f"a: [{SECRET}\n",
        f"a: b: {SECRET}\n",
        f"a: 1\n\t{SECRET}: 2\n",
        f"a: 1\n---\nb: {SECRET}\n",
        f"a: 'open {SECRET}\n",
        "a: *unknown\n",
        "[" * 1000,
        "a: \x01\n",
        "--- ---\n",
        "%YAML 9.9\n---\na: 1\n",
        f"{{{SECRET}: " * 40,
    ],
)
def test_broken_yaml_is_refused_without_its_text(text: str, tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"^codebook\.yaml") as caught:
        loaded(tmp_path, text)
    assert SECRET not in str(caught.value)
    assert caught.value.hint


def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(CodebookError, match="anchors"):
        loaded(tmp_path, "\n".join(lines))


def test_a_file_of_another_size_than_a_codebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match="2,000,002 bytes; at most 2,000,000") as caught:
        load_codebook(written(tmp_path, "# " + "x" * MOST_SETTINGS_BYTES))
    assert "not the items file" in " ".join(caught.value.hint.split())


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match="Cannot read codebook") as caught:
        load_codebook(tmp_path / name)
    assert "YAML file" in caught.value.hint


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert load_codebook(written(tmp_path, b"\xef\xbb\xbf" + MOOD.encode())).name == "ward"


@given(text=st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"\n \t#?%@0", max_size=80))
def test_hostile_text_gives_nothing_but_a_codebook_error(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("codebook"), text)
    with pytest.raises(CodebookError) as caught:
        load_codebook(path)
    assert caught.value.hint


@given(data=st.data())
def test_a_damaged_codebook_loads_or_gives_a_codebook_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = PROBLEMS if data.draw(st.booleans()) else MOOD
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 20)))
    damage = data.draw(st.text(alphabet="ab:-[]{}&*!|'\"\n #?%@0é\x00", max_size=6))
    path = written(tmp_path_factory.mktemp("codebook"), text[:start] + damage + text[stop:])
    try:
        codebook = load_codebook(path)
    except CodebookError:
        return
    for variable in codebook.variables:
        assert len(variable.answers) == len(set(variable.answers)) >= 2
