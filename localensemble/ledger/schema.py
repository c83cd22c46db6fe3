"""The tables of a ledger, as named migrations.

Decides the layout: one row per fact, every record keyed by the number of the event that
recorded it, and triggers that refuse to change or remove any row. The comment after a column
is its documentation; `docs/ledger-schema.md` is made from these comments. A migration that
renames or adds something also decides how an older ledger looks to a read-only program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from localensemble.core.identity import sha256_text
from localensemble.core.labels import LabelStatus
from localensemble.ledger.records import AnswerKind, DecisionRole, Shown

# "LEns" in ASCII, in the file header: distinguishes a ledger from other SQLite files.
APPLICATION_ID = 0x4C456E73

STATUS_CODES: Mapping[LabelStatus, int] = MappingProxyType(
    {
        LabelStatus.ASSIGNED: 0,
        LabelStatus.ABSTAINED: 1,
        LabelStatus.UNPARSABLE: 2,
        LabelStatus.FAILED: 3,
    }
)

ANSWER_CODES: Mapping[AnswerKind, int] = MappingProxyType(
    {"category": 0, "cannot_decide": 1, "codebook_unclear": 2, "undone": 3}
)
ROLE_CODES: Mapping[DecisionRole, int] = MappingProxyType(
    {"review": 0, "adjudication": 1, "control": 2, "known": 3, "existing": 4}
)
SHOWN_CODES: Mapping[Shown, int] = MappingProxyType(
    {"unknown": 0, "item": 1, "labels": 2, "answers": 3}
)

_EVENTS = """
-- What was recorded, in order. Every event is chained to the one before it.
CREATE TABLE event (
    number INTEGER PRIMARY KEY,  -- 1, 2, 3 ... without a gap
    kind TEXT NOT NULL,  -- what happened; says which table holds the record
    recorded_at TEXT NOT NULL,  -- UTC, ISO 8601
    body TEXT NOT NULL,  -- canonical JSON: the record itself, or digests of its rows
    sha256 TEXT NOT NULL  -- over the hash of the event before, number, kind, recorded_at and body
)"""

_MIGRATIONS = """
-- The migrations that made these tables.
CREATE TABLE migration (
    migration_key INTEGER PRIMARY KEY  -- event `migrated`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL UNIQUE,  -- number and word
    sha256 TEXT NOT NULL  -- over its SQL
)"""

_ITEMS = """
-- The items of all item sets. Their text is not kept here, only its hash.
CREATE TABLE item (
    item_key INTEGER PRIMARY KEY,  -- 1, 2, 3 ... in order of arrival
    item_id TEXT NOT NULL,  -- the id in the items file
    text_sha256 BLOB NOT NULL,  -- 32 bytes over the text; another text makes another item
    UNIQUE (item_id, text_sha256)
)"""

_ITEM_SETS = """
-- The item sets: an items file in its order. A changed file is another item set.
CREATE TABLE item_set (
    item_set_key INTEGER PRIMARY KEY  -- event `items_registered`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    sha256 TEXT NOT NULL UNIQUE,  -- over id and text hash of every item in order
    item_count INTEGER NOT NULL  -- items in the set
)"""

_ITEM_SET_MEMBERS = """
-- Which item stands where in an item set.
CREATE TABLE item_set_member (
    item_set_key INTEGER NOT NULL  -- the item set
        REFERENCES item_set DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,  -- 0, 1, 2 ... in the order of the file
    item_key INTEGER NOT NULL REFERENCES item,  -- the item there
    PRIMARY KEY (item_set_key, position),
    UNIQUE (item_set_key, item_key)
) WITHOUT ROWID"""

_VARIABLES = """
-- The variables of all codebooks. Another question or category makes another variable.
CREATE TABLE variable (
    variable_key INTEGER PRIMARY KEY  -- event `variable_registered`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    sha256 TEXT NOT NULL UNIQUE,  -- over content
    name TEXT NOT NULL,  -- as the codebook has it
    content TEXT NOT NULL  -- canonical JSON: what a rater may be shown
)"""

_CATEGORIES = """
-- The categories of a variable, in codebook order.
CREATE TABLE category (
    variable_key INTEGER NOT NULL REFERENCES variable,  -- the variable
    position INTEGER NOT NULL,  -- 0, 1, 2 ...; the number that labels carry
    name TEXT NOT NULL,  -- as the codebook has it
    PRIMARY KEY (variable_key, position),
    UNIQUE (variable_key, name)
) WITHOUT ROWID"""

_CODEBOOKS = """
-- The codebooks.
CREATE TABLE codebook (
    codebook_key INTEGER PRIMARY KEY  -- event `codebook_registered`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    sha256 TEXT NOT NULL UNIQUE,  -- over content
    content TEXT NOT NULL  -- canonical JSON
)"""

_CODEBOOK_VARIABLES = """
-- The variables of a codebook, in its order.
CREATE TABLE codebook_variable (
    codebook_key INTEGER NOT NULL REFERENCES codebook,  -- the codebook
    position INTEGER NOT NULL,  -- 0, 1, 2 ...
    variable_key INTEGER NOT NULL REFERENCES variable,  -- the variable there
    PRIMARY KEY (codebook_key, position)
) WITHOUT ROWID"""

_RATERS = """
-- The raters, by what they are.
CREATE TABLE rater (
    rater_key INTEGER PRIMARY KEY  -- event `rater_registered`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    sha256 TEXT NOT NULL UNIQUE,  -- over identity
    identity TEXT NOT NULL  -- canonical JSON: model, templates, codebook, settings, engine
)"""

_RATER_NAMES = """
-- The names people gave a rater; the newest counts.
CREATE TABLE rater_name (
    rater_name_key INTEGER PRIMARY KEY  -- event `rater_named`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    rater_key INTEGER NOT NULL REFERENCES rater,  -- the rater
    name TEXT NOT NULL  -- as the ensemble file has it
)"""

_RUNS = """
-- The runs that were started.
CREATE TABLE run (
    run_key INTEGER PRIMARY KEY  -- event `run_started`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    settings TEXT NOT NULL  -- canonical JSON: the frozen settings
)"""

_RUN_ENDS = """
-- How runs ended. A run without a row here was cut off, or goes on.
CREATE TABLE run_end (
    run_end_key INTEGER PRIMARY KEY  -- event `run_finished`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    run_key INTEGER NOT NULL UNIQUE REFERENCES run,  -- the run
    status TEXT NOT NULL,  -- finished, incomplete, interrupted or failed
    summary TEXT NOT NULL  -- canonical JSON
)"""

_BLOCKS = """
-- The blocks: labels of one rater for consecutive items, appended in one transaction.
CREATE TABLE block (
    block_key INTEGER PRIMARY KEY  -- event `labels_appended`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    run_key INTEGER NOT NULL REFERENCES run,  -- the run that made the labels
    rater_key INTEGER NOT NULL REFERENCES rater,  -- the rater
    item_set_key INTEGER NOT NULL REFERENCES item_set,  -- the item set start and stop belong to
    start INTEGER NOT NULL,  -- position of the first item
    stop INTEGER NOT NULL,  -- position behind the last item
    prompt_tokens INTEGER,  -- of all prompts in full; empty when no model was used
    evaluated_tokens INTEGER,  -- that the model had to compute
    seconds REAL,  -- in the model
    peak_memory_bytes INTEGER  -- of the engine so far
)"""

_BLOCK_VARIABLES = """
-- The variables of a block.
CREATE TABLE block_variable (
    block_key INTEGER NOT NULL REFERENCES block,  -- the block
    variable_key INTEGER NOT NULL REFERENCES variable,  -- the variable
    label_count INTEGER NOT NULL,  -- labels appended; items with an older label are left out
    PRIMARY KEY (block_key, variable_key)
) WITHOUT ROWID"""

# With the key in this order, the labels of one rater and variable are next to each other in the
# file, and reading them touches nothing else. Measured: 124 bytes a label with nine categories.
_LABELS = """
-- The labels. The primary key makes a second label for the same cell impossible.
CREATE TABLE label (
    rater_key INTEGER NOT NULL REFERENCES rater,  -- who
    variable_key INTEGER NOT NULL REFERENCES variable,  -- asked what
    item_key INTEGER NOT NULL REFERENCES item,  -- of which item
    block_key INTEGER NOT NULL REFERENCES block,  -- appended when, by which run
    status INTEGER NOT NULL,  -- 0 assigned, 1 abstained, 2 unparsable, 3 failed
    category INTEGER,  -- its position in the variable; empty unless assigned
    confidence REAL,  -- the rater's own number for that category; empty when it gave none
    off_codebook_mass REAL,  -- probability of a response that is no category
    probabilities BLOB,  -- one little-endian 64-bit float per category, in codebook order
    reason TEXT,  -- why there is no category; empty when there is one
    PRIMARY KEY (rater_key, variable_key, item_key),
    CHECK (status BETWEEN 0 AND 3),
    CHECK ((status = 0) = (category IS NOT NULL)),
    CHECK ((status = 0) = (reason IS NULL))
) WITHOUT ROWID"""

_LABEL_VIEW = """
-- Labels as people read them: names for keys.
CREATE VIEW label_view AS
SELECT
    item.item_id,
    variable.name AS variable,
    (SELECT name FROM rater_name WHERE rater_name.rater_key = label.rater_key
        ORDER BY rater_name_key DESC LIMIT 1) AS rater,
    CASE label.status WHEN 0 THEN 'assigned' WHEN 1 THEN 'abstained'
        WHEN 2 THEN 'unparsable' ELSE 'failed' END AS status,
    category.name AS category,
    label.confidence,
    label.off_codebook_mass,
    label.reason,
    block.run_key,
    label.rater_key,
    label.variable_key,
    label.item_key
FROM label
JOIN item USING (item_key)
JOIN variable USING (variable_key)
JOIN block USING (block_key)
LEFT JOIN category
    ON category.variable_key = label.variable_key AND category.position = label.category"""

_CONTENT_SHA256 = """
-- An item is known by its content, of which a text is one kind.
ALTER TABLE item RENAME COLUMN text_sha256
    TO content_sha256  -- 32 bytes over the content; other content makes another item
"""

# Columns by position, not by name: the view still works if a run migrates the ledger meanwhile.
_CONTENT_SHA256_VIEW = """
CREATE TEMP VIEW item (item_key, item_id, content_sha256) AS SELECT * FROM main.item"""

_WITHDRAWALS = """
-- When items were withdrawn. Their ids, content hashes and labels are no longer in the ledger.
CREATE TABLE withdrawal (
    withdrawal_key INTEGER PRIMARY KEY  -- event `items_withdrawn`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    item_count INTEGER NOT NULL,  -- items withdrawn
    label_count INTEGER NOT NULL,  -- labels removed with them
    redaction_count INTEGER NOT NULL,  -- events whose body changed
    salt BLOB NOT NULL  -- 16 random bytes; the same for all withdrawals of a ledger
)"""

_WITHDRAWN_ITEMS = """
-- The withdrawn items. In `item`, such an item has an empty id, and its key instead of a hash.
CREATE TABLE withdrawn_item (
    item_key INTEGER PRIMARY KEY REFERENCES item,  -- the item
    withdrawal_key INTEGER NOT NULL REFERENCES withdrawal DEFERRABLE INITIALLY DEFERRED,  -- when
    id_sha256 BLOB NOT NULL  -- 32 bytes over salt and id; keeps the item out of later tables
)"""

_REDACTIONS = """
-- The events whose body a withdrawal changed; the newest row for an event counts.
CREATE TABLE redaction (
    withdrawal_key INTEGER NOT NULL  -- the withdrawal
        REFERENCES withdrawal DEFERRABLE INITIALLY DEFERRED,
    event_number INTEGER NOT NULL REFERENCES event,  -- the changed event
    sha256 TEXT NOT NULL,  -- over the event's own sha256, number, kind, recorded_at and new body
    PRIMARY KEY (withdrawal_key, event_number)
) WITHOUT ROWID"""

# Of an older ledger, nothing has been withdrawn.
_NO_WITHDRAWALS = (
    "CREATE TEMP VIEW withdrawal"
    " (withdrawal_key, item_count, label_count, redaction_count, salt)"
    " AS SELECT 0, 0, 0, 0, x'' WHERE 0",
    "CREATE TEMP VIEW withdrawn_item (item_key, withdrawal_key, id_sha256)"
    " AS SELECT 0, 0, x'' WHERE 0",
    "CREATE TEMP VIEW redaction (withdrawal_key, event_number, sha256) AS SELECT 0, 0, '' WHERE 0",
)

_REVIEWERS = """
-- The people who decide.
CREATE TABLE reviewer (
    reviewer_key INTEGER PRIMARY KEY  -- event `reviewer_registered`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL UNIQUE  -- as the person gave it
)"""

_DECISION_BATCHES = """
-- Decisions of one person that were recorded together.
CREATE TABLE decision_batch (
    batch_key INTEGER PRIMARY KEY  -- event `decisions_recorded`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    reviewer_key INTEGER NOT NULL REFERENCES reviewer,  -- who decided
    item_set_key INTEGER NOT NULL REFERENCES item_set,  -- the item set they worked on
    origin TEXT NOT NULL,  -- `page`, or `file`, the name and the hash of an imported file
    decision_count INTEGER NOT NULL  -- decisions recorded; those of withdrawn items are removed
)"""

# By item, because every question is about items; the index serves verification.
_PERSON_DECISIONS = """
-- The decisions. A later one of the same person counts, and the earlier one stays. Only reviews and
-- adjudications decide on an item; the other roles are answers to control items, the known
-- categories of these, and labels that existed before the study.
CREATE TABLE person_decision (
    item_key INTEGER NOT NULL REFERENCES item,  -- about which item
    variable_key INTEGER NOT NULL REFERENCES variable,  -- and which variable
    batch_key INTEGER NOT NULL REFERENCES decision_batch,  -- recorded when, of whom
    answer INTEGER NOT NULL,  -- 0 category, 1 cannot decide, 2 codebook unclear, 3 undone
    category INTEGER,  -- its position in the variable; empty unless the answer is a category
    role INTEGER NOT NULL,  -- 0 review, 1 adjudication, 2 control, 3 known, 4 existing
    shown INTEGER NOT NULL,  -- 0 unknown, 1 item only, 2 raters' labels, 3 other people's answers
    decided_at TEXT NOT NULL,  -- UTC, ISO 8601
    seconds REAL,  -- how long it took; empty if unknown
    confidence INTEGER,  -- 1 low to 3 high; empty if not given
    error_type TEXT,  -- the raters' kind of mistake; empty if not given
    note TEXT,  -- what the person wrote; empty if nothing
    category_order TEXT,  -- JSON list of positions as shown; empty if in codebook order
    PRIMARY KEY (item_key, variable_key, batch_key),
    CHECK (answer BETWEEN 0 AND 3),
    CHECK ((answer = 0) = (category IS NOT NULL)),
    CHECK (role BETWEEN 0 AND 4),
    CHECK (shown BETWEEN 0 AND 3),
    CHECK (confidence IS NULL OR confidence BETWEEN 1 AND 3)
) WITHOUT ROWID"""

_DECISIONS_BY_BATCH = "CREATE INDEX person_decision_by_batch ON person_decision (batch_key)"

# Of an older ledger, nobody has decided anything.
_NO_DECISIONS = (
    "CREATE TEMP VIEW reviewer (reviewer_key, name) AS SELECT 0, '' WHERE 0",
    "CREATE TEMP VIEW decision_batch"
    " (batch_key, reviewer_key, item_set_key, origin, decision_count)"
    " AS SELECT 0, 0, 0, '', 0 WHERE 0",
    "CREATE TEMP VIEW person_decision"
    " (item_key, variable_key, batch_key, answer, category, role, shown, decided_at, seconds,"
    " confidence, error_type, note, category_order)"
    " AS SELECT 0, 0, 0, 0, 0, 0, 0, '', 0.0, 0, '', '', '' WHERE 0",
)

_MADE_FILES = """
-- Files made from the study on which later decisions can rest.
CREATE TABLE made_file (
    made_file_key INTEGER PRIMARY KEY  -- event `file_made`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    kind TEXT NOT NULL,  -- certificate or calibration
    variable TEXT NOT NULL,  -- the name of the variable it is about
    sha256 TEXT NOT NULL UNIQUE  -- over its content as canonical JSON
)"""

# Of an older ledger, no such file is on record.
_NO_MADE_FILES = (
    "CREATE TEMP VIEW made_file (made_file_key, kind, variable, sha256)"
    " AS SELECT 0, '', '', '' WHERE 0",
)

_PASSAGE_BATCHES = """
-- Passages that one rater was asked for together: parts of items' texts, by where they stand.
CREATE TABLE passage_batch (
    batch_key INTEGER PRIMARY KEY  -- event `passages_recorded`
        REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED,
    run_key INTEGER REFERENCES run,  -- the run that asked; empty if it was asked after the run
    rater_key INTEGER NOT NULL REFERENCES rater,  -- who
    variable_key INTEGER NOT NULL REFERENCES variable,  -- asked what
    item_set_key INTEGER NOT NULL REFERENCES item_set,  -- of items in which item set
    method TEXT NOT NULL,  -- canonical JSON: how the passages were found and scored
    item_count INTEGER NOT NULL,  -- items asked about; those of withdrawn items are removed
    seconds REAL  -- in the models; empty if unknown
)"""

# One row for an item, also where nothing was found: so a run knows what is left to ask.
_ITEM_PASSAGES = """
-- The passages of an item. Their text is not kept here; it is in the items file.
CREATE TABLE item_passages (
    batch_key INTEGER NOT NULL REFERENCES passage_batch,  -- recorded when, of whom, how
    item_key INTEGER NOT NULL REFERENCES item,  -- of which item
    passages TEXT NOT NULL,  -- JSON list of [start, stop, category, score]; code points; null: none
    left_out INTEGER NOT NULL,  -- quotes that were left out because they are not in the text
    reason TEXT,  -- why the rater could not be asked; empty if it was
    PRIMARY KEY (batch_key, item_key),
    CHECK (left_out >= 0)
) WITHOUT ROWID"""

# For one item: whether a rater was asked about it, and what it found.
_PASSAGES_BY_ITEM = "CREATE INDEX item_passages_by_item ON item_passages (item_key)"

# Of an older ledger, no passages are on record.
_NO_PASSAGES = (
    "CREATE TEMP VIEW passage_batch"
    " (batch_key, run_key, rater_key, variable_key, item_set_key, method, item_count, seconds)"
    " AS SELECT 0, 0, 0, 0, 0, '', 0, 0.0 WHERE 0",
    "CREATE TEMP VIEW item_passages (batch_key, item_key, passages, left_out, reason)"
    " AS SELECT 0, 0, '', 0, '' WHERE 0",
)

_TABLES = {
    "event": _EVENTS,
    "migration": _MIGRATIONS,
    "item": _ITEMS,
    "item_set": _ITEM_SETS,
    "item_set_member": _ITEM_SET_MEMBERS,
    "variable": _VARIABLES,
    "category": _CATEGORIES,
    "codebook": _CODEBOOKS,
    "codebook_variable": _CODEBOOK_VARIABLES,
    "rater": _RATERS,
    "rater_name": _RATER_NAMES,
    "run": _RUNS,
    "run_end": _RUN_ENDS,
    "block": _BLOCKS,
    "block_variable": _BLOCK_VARIABLES,
    "label": _LABELS,
}
_WITHDRAWAL_TABLES = {
    "withdrawal": _WITHDRAWALS,
    "withdrawn_item": _WITHDRAWN_ITEMS,
    "redaction": _REDACTIONS,
}
_PEOPLE_TABLES = {
    "reviewer": _REVIEWERS,
    "decision_batch": _DECISION_BATCHES,
    "person_decision": _PERSON_DECISIONS,
}
_PASSAGE_TABLES = {"passage_batch": _PASSAGE_BATCHES, "item_passages": _ITEM_PASSAGES}


def _append_only(table: str) -> tuple[str, ...]:
    """Return the triggers that refuse to change or remove a row."""
    return tuple(
        f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}\n"
        f"BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: {verb} on {table}.'); END"
        for verb in ("UPDATE", "DELETE")
    )


@dataclass(frozen=True, slots=True)
class Migration:
    """A named step from one schema to the next; never edited once released.

    Attributes:
        name: number and word.
        statements: the SQL that changes the file.
        views: temporary views that make a ledger without this migration read as if it had
            been applied. Reading never changes a ledger.
    """

    name: str
    statements: tuple[str, ...]
    views: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of the SQL."""
        return sha256_text(";\n".join(self.statements))


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "0001_ledger",
        (
            *(statement.strip() for statement in _TABLES.values()),
            _LABEL_VIEW.strip(),
            *(trigger for table in _TABLES for trigger in _append_only(table)),
        ),
    ),
    Migration("0002_content_sha256", (_CONTENT_SHA256.strip(),), (_CONTENT_SHA256_VIEW.strip(),)),
    Migration(
        "0003_withdrawals",
        (
            *(statement.strip() for statement in _WITHDRAWAL_TABLES.values()),
            *(trigger for table in _WITHDRAWAL_TABLES for trigger in _append_only(table)),
        ),
        _NO_WITHDRAWALS,
    ),
    Migration(
        "0004_people",
        (
            *(statement.strip() for statement in _PEOPLE_TABLES.values()),
            _DECISIONS_BY_BATCH,
            *(trigger for table in _PEOPLE_TABLES for trigger in _append_only(table)),
        ),
        _NO_DECISIONS,
    ),
    Migration(
        "0005_made_files",
        (_MADE_FILES.strip(), *_append_only("made_file")),
        _NO_MADE_FILES,
    ),
    Migration(
        "0006_passages",
        (
            *(statement.strip() for statement in _PASSAGE_TABLES.values()),
            _PASSAGES_BY_ITEM,
            *(trigger for table in _PASSAGE_TABLES for trigger in _append_only(table)),
        ),
        _NO_PASSAGES,
    ),
)
