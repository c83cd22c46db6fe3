"""Export the codebook of a study as a REFI-QDA codebook, which QDA programs read."""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.codebook.refi_qda import CodeCategory, CodeVariable, codebook_qdc
from localensemble.codebook.shape import CATEGORY_MARK, MULTI_LABEL
from localensemble.core.files import replaced_binary_file
from localensemble.exports.exported_study import ExportedStudy, Question, questions


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write the codebook: no items, no labels, and none of its example texts."""
    variables = tuple(_variable(one) for one in questions(study.codebook))
    with replaced_binary_file(path) as stream:
        stream.write(codebook_qdc(study.codebook.name, variables))
    return (path,)


def _variable(question: Question) -> CodeVariable:
    first = question.variables[0]
    return CodeVariable(
        question.name,
        _asked(question),
        MULTI_LABEL if question.is_multiple else first.level,
        tuple(
            CodeCategory(choice, question.definition(place))
            for place, choice in enumerate(question.choices)
        ),
        first.rules,
    )


def _asked(question: Question) -> str:
    """Return the question; of a multi-label variable with the mark that stands for categories."""
    if not question.is_multiple:
        return question.text
    patterns = {
        re.sub(re.escape(choice).replace("_", "."), CATEGORY_MARK, variable.question, flags=re.I)
        for choice, variable in zip(question.choices, question.variables, strict=True)
    }
    return patterns.pop() if len(patterns) == 1 else question.text
