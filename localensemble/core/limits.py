"""The most that the program reads of a file, in one place.

The limits keep memory and time bounded whatever a file holds. They are far above what a study
needs. A message that refuses a file gives what was found and what is allowed.
"""

from __future__ import annotations

MOST_TABLE_BYTES = 4 << 30
MOST_TABLE_ROWS = 10_000_000
MOST_TABLE_COLUMNS = 16_384
MOST_TABLE_CELLS = 200_000_000

MOST_CELL_CHARACTERS = 1 << 24
MOST_ROW_CHARACTERS = 1 << 26
"""A cell and a row of a table; a long transcript has some 100,000 characters."""

# Reading a sheet takes about 500 bytes per cell. One stray cell far out makes a sheet huge.
MOST_SHEET_CELLS = 2_000_000
MOST_UNPACKED_BYTES = 256 << 20
"""The most that all the parts of a workbook unpack to."""
MOST_PARQUET_BYTES = 2 << 30
"""The most that the columns of a Parquet file unpack to."""
MOST_WORKBOOK_PARTS = 10_000
# A cell takes up to five elements; styles, comments and rules take longer to read than cells.
MOST_CELL_ELEMENTS = 12_000_000
MOST_OTHER_ELEMENTS = 200_000
# Parts of texts with their own format, each of which is read into an object: 3 s for this many.
MOST_TEXT_RUNS = 500_000
# Every cell that shares a formula gets its own copy of it.
MOST_FORMULA_CHARACTERS = 20_000_000

MOST_SETTINGS_BYTES = 2_000_000
"""The largest codebook, ensemble file or prompt template."""
MOST_SETTINGS_DEPTH = 16
MOST_CODEBOOK_XML_BYTES = 10_000_000

MOST_JSON_BYTES = 256 << 20
MOST_JSON_VALUES = 10_000_000
"""The most values in a JSON file; each takes about 100 bytes of memory."""
