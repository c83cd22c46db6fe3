"""Read the cells of a table of known labels: gold labels, control labels and shots.

One rule for all of them: a cell names a category exactly, or in a spelling that can mean only one
category. Other cells are refused with their row, and never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from localensemble.codebook.model import Variable
from localensemble.core.errors import TableError
from localensemble.study.category_spellings import category_meant, spelling_messages
from localensemble.tables.delimited import restore_formula


@dataclass(frozen=True, slots=True)
class CategoryReader:
    """Reads the cells of one column as categories of one variable.

    Attributes:
        meant: the spellings found that are not exactly a category, and the category they mean.
    """

    path: Path
    variable: Variable
    column: str
    meant: dict[str, str] = field(default_factory=dict)

    def index(self, cell: str, *, row_number: int) -> int:
        """Return the index of the category a cell names; -1 for an empty cell.

        Raises:
            TableError: the cell does not name a category.
        """
        name = cell.strip()
        if not name:
            return -1
        answers = self.variable.answers
        if name not in answers:
            # Our own tables write a category this way if a spreadsheet would run it as a formula.
            name = restore_formula(name)
        category = category_meant(name, answers)
        if category is None:
            raise TableError(
                f'{self.path}, row {row_number}, column "{self.column}": not a category of '
                f'"{self.variable.name}", which has: {", ".join(answers)}.',
                hint="Write gold labels exactly as the codebook names its categories.",
            )
        if category != name:
            self.meant[name] = category
        return answers.index(category)

    def messages(self) -> tuple[str, ...]:
        """State which spellings were read as a category; empty if all were exact."""
        return spelling_messages(self.meant, where=f'{self.path.name}, column "{self.column}"')
