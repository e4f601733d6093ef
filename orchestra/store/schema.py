"""The whole shape of a store file, and the numbered steps that bring an older one up to it.

Opening the file, and deciding whether it is ours at all, is left to `connection` and `location`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

__all__ = ["APPLICATION_ID", "VERSION", "migrate"]

APPLICATION_ID: Final = 0x6F726368  # "orch" in ASCII; sqlite3 keeps it in the header of the file
VERSION: Final = 11  # of the schema, kept in `user_version`

FIRST: Final[Sequence[str]] = (
    # A text, a file or an encoded value, named by what it says. `parts` is a list of other blobs.
    """CREATE TABLE blobs (
        id    INTEGER PRIMARY KEY,
        hash  TEXT NOT NULL UNIQUE,      -- sha256 of the content, hexadecimal
        codec TEXT NOT NULL CHECK (codec IN ('raw', 'zlib', 'parts')),
        size  INTEGER NOT NULL,          -- bytes of the content
        bytes BLOB NOT NULL              -- for parts: JSON list of the ids of the parts
    ) STRICT""",
    # A run is a script with a payload and a number; processes that work on it are its executions.
    """CREATE TABLE runs (
        id           TEXT PRIMARY KEY,   -- r1, r2 … across all scripts of the project
        script       TEXT NOT NULL,      -- path relative to the project root
        payload      TEXT NOT NULL,      -- canonical JSON
        payload_hash TEXT NOT NULL,
        number       INTEGER NOT NULL,   -- from 1 for each script and payload
        started      TEXT NOT NULL,
        out_dir      TEXT,
        seed         INTEGER NOT NULL,
        UNIQUE (script, payload_hash, number)
    ) STRICT""",
    """CREATE TABLE executions (
        id      TEXT PRIMARY KEY,        -- r1.1, r1.2 …
        run     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        started TEXT NOT NULL,
        ended   TEXT,
        exit    INTEGER,
        argv    TEXT NOT NULL,           -- JSON list
        host    TEXT NOT NULL,           -- the process, as in claims
        boot    TEXT NOT NULL,
        pid     INTEGER NOT NULL,
        born    TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX executions_run ON executions (run)",
    # One row for each key of a labelled call; the row of an answer that was replaced is overwritten.
    """CREATE TABLE checkpoints (
        script     TEXT NOT NULL,
        key        TEXT NOT NULL,        -- sha256 of the call's identity
        module     TEXT NOT NULL,
        fn         TEXT NOT NULL,
        site       INTEGER NOT NULL,     -- number of the call site within its function, from 0
        place      TEXT NOT NULL,        -- file:line:column of that site
        phase      TEXT,                 -- checkpoint directive under which it was made
        seq        INTEGER NOT NULL,     -- place among the calls of fn in the execution that used it last
        attempts   TEXT NOT NULL,        -- JSON: [[try, digest of hint] …]
        sample     INTEGER NOT NULL,
        arguments  TEXT NOT NULL,        -- JSON: a short digest of each argument
        preview    TEXT NOT NULL,
        first_arg  TEXT,                 -- JSON string: text form of the first argument, if short …
        first_blob TEXT REFERENCES blobs (hash),   -- … else here
        validity   TEXT NOT NULL REFERENCES blobs (hash),  -- JSON: part -> hash
        value      TEXT,                 -- encoded value if short …
        value_blob TEXT REFERENCES blobs (hash),   -- … else here
        meta       TEXT NOT NULL,        -- JSON: what else the call is to give back
        files      INTEGER NOT NULL,     -- rows in checkpoint_files
        deps       INTEGER NOT NULL,     -- rows in checkpoint_deps
        run        TEXT NOT NULL REFERENCES runs (id),  -- that made it
        last_run   TEXT NOT NULL,        -- that used it last
        created    TEXT NOT NULL,
        ms         INTEGER NOT NULL,
        hits       INTEGER NOT NULL DEFAULT 0,
        last_hit   TEXT,
        state      TEXT NOT NULL CHECK (state IN ('live', 'marked')),
        previous   TEXT REFERENCES blobs (hash),   -- encoded value that this one replaced
        PRIMARY KEY (script, key),
        CHECK ((value IS NULL) <> (value_blob IS NULL))
    ) STRICT""",
    "CREATE INDEX checkpoints_fn ON checkpoints (script, fn)",
    # Files the call wrote, to be restored when missing; and files it read, to be compared.
    """CREATE TABLE checkpoint_files (
        script TEXT NOT NULL,
        key    TEXT NOT NULL,
        path   TEXT NOT NULL,
        mode   TEXT NOT NULL,            -- output, append or poll
        blob   TEXT NOT NULL REFERENCES blobs (hash),
        PRIMARY KEY (script, key, path),
        FOREIGN KEY (script, key) REFERENCES checkpoints (script, key) ON DELETE CASCADE
    ) STRICT""",
    """CREATE TABLE checkpoint_deps (
        script TEXT NOT NULL,
        key    TEXT NOT NULL,
        path   TEXT NOT NULL,
        hash   TEXT NOT NULL,
        PRIMARY KEY (script, key, path),
        FOREIGN KEY (script, key) REFERENCES checkpoints (script, key) ON DELETE CASCADE
    ) STRICT""",
    """CREATE TABLE phases (
        script   TEXT NOT NULL,
        name     TEXT NOT NULL,
        complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
        updated  TEXT NOT NULL,
        PRIMARY KEY (script, name)
    ) STRICT""",
    # Who is making which call at the moment, so that no other process makes it too.
    """CREATE TABLE claims (
        script TEXT NOT NULL,
        key    TEXT NOT NULL,
        host   TEXT NOT NULL,
        boot   TEXT NOT NULL,
        pid    INTEGER NOT NULL,
        born   TEXT NOT NULL,            -- start of that process in ticks since boot, '' if unknown
        beat   TEXT NOT NULL,
        PRIMARY KEY (script, key)
    ) STRICT""",
    """CREATE TABLE calls (
        execution   TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        id          TEXT NOT NULL,
        fn          TEXT NOT NULL,
        provider    TEXT NOT NULL,
        model       TEXT NOT NULL,
        started     TEXT NOT NULL,
        ms          INTEGER NOT NULL,
        turns       INTEGER NOT NULL,
        input       INTEGER NOT NULL,    -- tokens, like the next three
        output      INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        cache_read  INTEGER NOT NULL,
        cost        REAL,                -- US dollars, null if the price is unknown
        stop        TEXT,
        attempts    INTEGER NOT NULL,
        cached      INTEGER NOT NULL CHECK (cached IN (0, 1)),
        archive     TEXT,
        phase       TEXT,
        error       TEXT,
        PRIMARY KEY (execution, id)
    ) STRICT""",
    """CREATE TABLE events (
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        seq       INTEGER NOT NULL,
        at        TEXT NOT NULL,
        kind      TEXT NOT NULL,
        data      TEXT NOT NULL,         -- JSON object
        PRIMARY KEY (execution, seq)
    ) STRICT""",
    """CREATE TABLE gates (
        run         TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        name        TEXT NOT NULL,
        occurrence  INTEGER NOT NULL,
        bind_hash   TEXT NOT NULL,       -- of the content the answer is bound to
        presented   TEXT NOT NULL,       -- path of what was shown
        options     TEXT NOT NULL,       -- JSON list
        state       TEXT NOT NULL CHECK (state IN ('open', 'answered', 'void', 'skipped')),
        decision    TEXT,
        note        TEXT,
        answered_by TEXT,
        opened      TEXT NOT NULL,
        answered    TEXT,
        PRIMARY KEY (run, name, occurrence)
    ) STRICT""",
)

# A row of `checkpoints` takes a third less: half the key, validity by the number of its blob, tags apart.
SECOND: Final[Sequence[str]] = (
    """CREATE TABLE smaller (
        script     TEXT NOT NULL,
        key        TEXT NOT NULL,        -- 32 digits of the sha256 of the call's identity
        module     TEXT NOT NULL,
        fn         TEXT NOT NULL,
        site       INTEGER NOT NULL,     -- number of the call site within its function, from 0
        place      TEXT NOT NULL,        -- file:line:column of that site
        phase      TEXT,                 -- checkpoint directive under which it was made
        seq        INTEGER NOT NULL,     -- place among the calls of fn in the execution that used it last
        attempts   TEXT NOT NULL,        -- JSON: [[try, digest of hint] …]
        sample     INTEGER NOT NULL,
        arguments  TEXT NOT NULL,        -- JSON: a short digest of each argument
        preview    TEXT NOT NULL,
        first_arg  TEXT,                 -- JSON string: text form of the first argument, if short …
        first_blob TEXT REFERENCES blobs (hash),   -- … else here
        validity   INTEGER NOT NULL REFERENCES blobs (id),   -- JSON: part -> hash
        value      TEXT,                 -- encoded value if short …
        value_blob TEXT REFERENCES blobs (hash),   -- … else here
        tags       INTEGER REFERENCES blobs (id),  -- JSON: labels and taint of the value as a whole
        meta       TEXT NOT NULL,        -- JSON: what else the call is to give back
        files      INTEGER NOT NULL,     -- rows in checkpoint_files
        deps       INTEGER NOT NULL,     -- rows in checkpoint_deps
        run        TEXT NOT NULL REFERENCES runs (id),  -- that made it
        last_run   TEXT NOT NULL,        -- that used it last
        created    TEXT NOT NULL,
        ms         INTEGER NOT NULL,
        hits       INTEGER NOT NULL DEFAULT 0,
        last_hit   TEXT,
        state      TEXT NOT NULL CHECK (state IN ('live', 'marked')),
        previous   TEXT REFERENCES blobs (hash),   -- encoded value that this one replaced
        PRIMARY KEY (script, key),
        CHECK ((value IS NULL) <> (value_blob IS NULL))
    ) STRICT""",
    """INSERT INTO smaller
        SELECT script, substr(key, 1, 32), module, fn, site, place, phase, seq, attempts, sample, arguments, preview,
            first_arg, first_blob, (SELECT id FROM blobs WHERE hash = validity), value, value_blob, NULL, meta, files,
            deps, run, last_run, created, ms, hits, last_hit, state, previous
        FROM checkpoints ORDER BY rowid""",
    "DROP TABLE checkpoints",
    "ALTER TABLE smaller RENAME TO checkpoints",
    "CREATE INDEX checkpoints_fn ON checkpoints (script, fn)",
    "UPDATE checkpoint_files SET key = substr(key, 1, 32)",
    "UPDATE checkpoint_deps SET key = substr(key, 1, 32)",
    "UPDATE claims SET key = substr(key, 1, 32)",
)

THIRD: Final[Sequence[str]] = (
    "ALTER TABLE calls ADD COLUMN longest INTEGER NOT NULL DEFAULT 0",  # tokens of the longest answer of a turn
    "ALTER TABLE calls ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0",  # 1: the provider counted no tokens
    "ALTER TABLE executions ADD COLUMN parked_until TEXT",  # when a provider's limit ends
    # What the calls of a run came to: in all (part '') and in each part of it that may have a budget.
    """CREATE TABLE spending (
        run    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        part   TEXT NOT NULL,
        cost   REAL NOT NULL,            -- US dollars, without turns whose price is unknown
        tokens INTEGER NOT NULL,
        calls  INTEGER NOT NULL,
        PRIMARY KEY (run, part)
    ) STRICT""",
    # What is set aside for a turn under way, in each part in which it counts.
    """CREATE TABLE reservations (
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        call      TEXT NOT NULL,
        part      TEXT NOT NULL,
        cost      REAL NOT NULL,
        tokens    INTEGER NOT NULL,
        calls     INTEGER NOT NULL,
        PRIMARY KEY (execution, call, part)
    ) STRICT""",
    # What the calls of earlier versions came to.
    "INSERT INTO spending SELECT x.run, part, total(cost), sum(input + output + cache_write + cache_read), count(*)"
    " FROM (SELECT *, '' AS part FROM calls UNION ALL SELECT *, '@' || fn FROM calls"
    " UNION ALL SELECT *, 'checkpoint ' || phase FROM calls WHERE phase IS NOT NULL)"
    " JOIN executions x ON x.id = execution GROUP BY x.run, part",
)

FOURTH: Final[Sequence[str]] = (
    # Answers that another took the place of, so that the runs that got them can be done again.
    """CREATE TABLE replaced (
        script     TEXT NOT NULL,
        key        TEXT NOT NULL,
        run        TEXT NOT NULL,        -- that made it
        created    TEXT NOT NULL,
        value      TEXT,                 -- as in checkpoints
        value_blob TEXT REFERENCES blobs (hash),
        tags       INTEGER REFERENCES blobs (id)
    ) STRICT""",
    "CREATE INDEX replaced_key ON replaced (script, key)",
)

# What tells later why an answer was made anew.
FIFTH: Final[Sequence[str]] = (
    # JSON: the beginnings of the second and further arguments; NULL if there are none
    "ALTER TABLE checkpoints ADD COLUMN previews TEXT",
    # JSON: why the answer was made although there was one; NULL if there was none
    "ALTER TABLE checkpoints ADD COLUMN reason INTEGER REFERENCES blobs (id)",
    "ALTER TABLE calls ADD COLUMN key TEXT",  # of the labelled call that the model call was part of
    # The code, constants and templates whose digests stand in a validity.
    """CREATE TABLE code_texts (
        digest TEXT PRIMARY KEY,
        text   INTEGER NOT NULL REFERENCES blobs (id)
    ) STRICT, WITHOUT ROWID""",
)

# What scripts keep on purpose: rows of tables that they declare, and lines of the log of a run.
SIXTH: Final[Sequence[str]] = (
    """CREATE TABLE tables (
        name        TEXT PRIMARY KEY,    -- of a table in this file
        module      TEXT NOT NULL,       -- that declared it last
        declaration TEXT NOT NULL        -- JSON, as it was written
    ) STRICT""",
    # An event that a script tells is written once for each run, however often the run is gone on with.
    "ALTER TABLE events ADD COLUMN run TEXT REFERENCES runs (id) ON DELETE CASCADE",
    "ALTER TABLE events ADD COLUMN name TEXT",
    "ALTER TABLE events ADD COLUMN same TEXT",  # digest of kind, name and data
    "ALTER TABLE events ADD COLUMN nth INTEGER",  # among the equal ones of an execution, from 1
    "CREATE UNIQUE INDEX events_once ON events (run, same, nth)",
)

# How an answer at a gate is read, and where among parallel items the gate stands.
SEVENTH: Final[Sequence[str]] = (
    "ALTER TABLE gates ADD COLUMN rules TEXT NOT NULL DEFAULT '{}'",  # JSON: options and what is accepted for them
    "ALTER TABLE gates ADD COLUMN lane TEXT NOT NULL DEFAULT ''",  # numbers of the items, outermost first
)

# Sessions of agents, what was said in them, and what persistent agents remember.
NINTH: Final[Sequence[str]] = (
    """CREATE TABLE sessions (
        run         TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        id          TEXT NOT NULL,       -- 12 digits of the sha256 of who was asked what
        agent       TEXT,                -- null for a session without one
        label       TEXT NOT NULL,
        state       TEXT NOT NULL CHECK (state IN ('created', 'running', 'completed', 'failed', 'aborted')),
        resumed     INTEGER NOT NULL CHECK (resumed IN (0, 1)),
        place       TEXT NOT NULL,       -- file:line:column
        position    TEXT NOT NULL,       -- JSON: where in the run, so that rows sort in the order of the script
        prompt_hash TEXT NOT NULL,       -- sha256 of the task with all its context
        context     TEXT NOT NULL CHECK (json_valid(context)),  -- part -> sha256
        skills      TEXT NOT NULL CHECK (json_valid(skills)),   -- skill -> sha256
        result_ref  TEXT,                -- sha256 of the answer's text
        attempts    INTEGER NOT NULL,    -- how often a model was asked
        tokens_in   INTEGER NOT NULL,
        tokens_out  INTEGER NOT NULL,
        error       TEXT,
        started     TEXT NOT NULL,
        at          INTEGER NOT NULL,    -- milliseconds from the beginning of the execution
        ms          INTEGER,
        PRIMARY KEY (run, id)
    ) STRICT""",
    # What a persistent agent said, one row for each of its sessions. `owner` is the run or the path of the scope.
    """CREATE TABLE session_segments (
        agent   TEXT NOT NULL,
        scope   TEXT NOT NULL CHECK (scope IN ('run', 'project', 'user', 'path')),
        owner   TEXT NOT NULL,
        number  INTEGER NOT NULL,
        run     TEXT NOT NULL,
        session TEXT NOT NULL,
        prompt  TEXT NOT NULL,
        summary TEXT NOT NULL,           -- the answer as the memory keeps it
        created TEXT NOT NULL,
        PRIMARY KEY (agent, scope, owner, number),
        UNIQUE (agent, scope, owner, run, session)
    ) STRICT""",
    # What it remembers; the session '' stands for what a run began with.
    """CREATE TABLE agent_memory (
        agent   TEXT NOT NULL,
        scope   TEXT NOT NULL,
        owner   TEXT NOT NULL,
        version INTEGER NOT NULL,
        run     TEXT NOT NULL,
        session TEXT NOT NULL,
        memory  TEXT NOT NULL,
        created TEXT NOT NULL,
        PRIMARY KEY (agent, scope, owner, version),
        UNIQUE (agent, scope, owner, run, session)
    ) STRICT""",
)

# Answers to the single requests of a labelled call, in case its body has to run again.
TENTH: Final[Sequence[str]] = (
    "ALTER TABLE calls ADD COLUMN request TEXT",  # digest of what was asked, NULL if the answer is not kept
    "ALTER TABLE calls ADD COLUMN answer TEXT",  # encoded answer if short …
    "ALTER TABLE calls ADD COLUMN answer_blob TEXT REFERENCES blobs (hash)",  # … else here
    "ALTER TABLE calls ADD COLUMN answer_tags INTEGER REFERENCES blobs (id)",  # as tags in checkpoints
    # Why it is not given once more: 'resumed', or a digest of the code that failed with it
    "ALTER TABLE calls ADD COLUMN spent TEXT",
    "CREATE INDEX calls_key ON calls (key) WHERE request IS NOT NULL",
)

# What was decided in words, and what was shortened. The key is met again when a run goes on.
ELEVENTH: Final[Sequence[str]] = (
    """CREATE TABLE predicates (
        run        TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq        INTEGER NOT NULL,     -- in the order of their coming
        site       TEXT NOT NULL,        -- file:line:column of the question
        iteration  INTEGER NOT NULL,     -- of the innermost loop, from 1; 0 outside
        input_hash TEXT NOT NULL REFERENCES blobs (hash),  -- the question as a model is asked it
        occurrence INTEGER NOT NULL,     -- how often the same was asked there before in one execution
        text       TEXT NOT NULL,
        labels     TEXT,                 -- JSON list: what there was to choose from; NULL for yes and no
        source     TEXT NOT NULL CHECK (source IN ('explicit', 'declared', 'semantic', 'default')),
        value      TEXT NOT NULL,        -- true, false or a label
        evidence   TEXT NOT NULL,
        confidence REAL,
        model      TEXT,
        call_id    TEXT,                 -- execution/id of the call of the model
        PRIMARY KEY (run, site, iteration, input_hash, occurrence)
    ) STRICT""",
    """CREATE TABLE transforms (
        run        TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq        INTEGER NOT NULL,
        site       TEXT NOT NULL,
        iteration  INTEGER NOT NULL,
        in_hash    TEXT NOT NULL REFERENCES blobs (hash),
        max_tokens INTEGER NOT NULL,
        occurrence INTEGER NOT NULL,
        kind       TEXT NOT NULL CHECK (kind IN ('pass', 'summary', 'cut', 'reference')),
        out_hash   TEXT NOT NULL REFERENCES blobs (hash),
        in_tokens  INTEGER NOT NULL,     -- four characters each
        out_tokens INTEGER NOT NULL,
        model      TEXT,
        call_id    TEXT,
        PRIMARY KEY (run, site, iteration, in_hash, max_tokens, occurrence)
    ) STRICT""",
)

STEPS: Final = {
    "0001": FIRST,
    "0002": SECOND,
    "0003": THIRD,
    "0004": FOURTH,
    "0005": FIFTH,
    "0006": SIXTH,
    "0007": SEVENTH,
    "0009": NINTH,
    "0010": TENTH,
    "0011": ELEVENTH,
}


def migrate(raw: sqlite3.Connection) -> None:
    """Bring the schema up to `VERSION`, in one transaction that other processes wait for.

    To be called without foreign keys: a table that is replaced must not take its dependants along.
    sqlite-utils takes a tenth of a second to import, so only a file that needs a step pays for it.
    """
    from sqlite_utils import Database

    raw.execute("BEGIN IMMEDIATE")
    try:
        if raw.execute("PRAGMA user_version").fetchone()[0] < VERSION:  # or another process was quicker
            _steps().apply(Database(raw, execute_plugins=False))
            raw.execute(f"PRAGMA user_version = {VERSION}")
        raw.execute("COMMIT")
    except BaseException:
        raw.rollback()
        raise


def _steps() -> Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("orch")
    for name, statements in STEPS.items():
        steps(name=name)(_step(statements))
    return steps


def _step(statements: Sequence[str]) -> Callable[[Database], None]:
    def step(db: Database) -> None:
        for statement in statements:
            db.execute(statement)

    return step
