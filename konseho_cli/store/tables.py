"""What the database holds, as the steps that lead to it: each is applied once, in order."""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE cache (
            key BLOB PRIMARY KEY,
            value BLOB NOT NULL,      -- zstandard above 1 KiB, where that makes it smaller
            size INTEGER NOT NULL,    -- bytes, as kept
            model TEXT NOT NULL,
            about TEXT NOT NULL,      -- how the last question began, for people
            tokens INTEGER NOT NULL,
            created REAL NOT NULL,    -- seconds since the epoch, as all times here
            used REAL NOT NULL,
            hits INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX cache_used ON cache (used, size)",
        """
        CREATE TABLE cache_totals (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            hits INTEGER NOT NULL,
            misses INTEGER NOT NULL,
            saved_tokens INTEGER NOT NULL,
            saved_nanodollars INTEGER NOT NULL
        )
        """,
        "INSERT INTO cache_totals VALUES (1, 0, 0, 0, 0)",
    ),
    (
        """
        CREATE TABLE runs (
            run TEXT PRIMARY KEY NOT NULL,
            council TEXT NOT NULL,
            file TEXT NOT NULL,            -- absolute; '' where it was made in Python
            task TEXT NOT NULL,            -- how it begins
            models TEXT NOT NULL,          -- a JSON array of provider:model
            simulated INTEGER NOT NULL,    -- 1: the embedded simulator answered, or was to
            started REAL NOT NULL,         -- seconds since the epoch, as all dates here
            process TEXT NOT NULL,         -- host:pid:start of who runs it, or ran it last
            version TEXT NOT NULL,         -- of Konseho
            session INTEGER NOT NULL,      -- 1, and 1 more each time it was resumed
            mended INTEGER NOT NULL,       -- failures up to this session count for nothing
            status TEXT,                   -- NULL, as all that follows: it has not ended
            exit_status INTEGER,
            ended REAL,
            duration INTEGER,              -- nanoseconds, as all durations here
            error TEXT,                    -- '' where nothing ended it
            document BLOB NOT NULL,        -- packed, as all BLOBs here: what runs it again
            body BLOB                      -- what came of it
        ) STRICT
        """,
        "CREATE INDEX runs_started ON runs (started)",
        """
        CREATE TABLE steps (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
            step TEXT NOT NULL,
            position INTEGER NOT NULL,     -- in the file, from 0
            kind TEXT NOT NULL,
            status TEXT NOT NULL,
            reasons TEXT NOT NULL,         -- a JSON array
            start INTEGER,                 -- nanoseconds since the run began, as all times here
            end INTEGER,
            body BLOB NOT NULL,            -- its value, its parts and its details
            PRIMARY KEY (run, step)
        ) STRICT
        """,
        """
        CREATE TABLE calls (
            number INTEGER PRIMARY KEY,    -- in the order in which they were written
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
            path TEXT NOT NULL,            -- the step with its try: review, review~1
            iteration INTEGER NOT NULL,
            item TEXT NOT NULL,
            agent TEXT NOT NULL,
            turn INTEGER NOT NULL,
            repair INTEGER NOT NULL,
            tool_turn INTEGER NOT NULL,
            session INTEGER NOT NULL,      -- of the run, in which it was made
            step TEXT NOT NULL,
            label TEXT NOT NULL,           -- the item, round or turn, for people
            model TEXT NOT NULL,           -- provider:model
            status TEXT NOT NULL,          -- ok, failed, cancelled
            source TEXT NOT NULL,          -- model, cache, flight, journal, human
            start INTEGER NOT NULL,
            end INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            written_tokens INTEGER NOT NULL,
            wasted_tokens INTEGER NOT NULL,
            nanodollars INTEGER,           -- NULL: nobody knows
            requests INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            hedges INTEGER NOT NULL,
            error TEXT NOT NULL,           -- '' where it did not fail
            body BLOB NOT NULL,            -- the request without secrets, and the answer
            -- in an order in which calls that end together are neighbours
            UNIQUE (run, session, path, iteration, turn, tool_turn, repair, item, agent)
        ) STRICT
        """,
        """
        CREATE TABLE spans (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
            id INTEGER NOT NULL,
            parent INTEGER,
            task INTEGER NOT NULL,
            kind TEXT NOT NULL,
            start INTEGER NOT NULL,
            end INTEGER NOT NULL,
            closed INTEGER NOT NULL,
            waker INTEGER,
            attributes TEXT NOT NULL,      -- a JSON object
            PRIMARY KEY (run, id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE events (
            number INTEGER PRIMARY KEY,
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
            at INTEGER NOT NULL,
            name TEXT NOT NULL,
            fields TEXT NOT NULL           -- a JSON object
        ) STRICT
        """,
        "CREATE INDEX events_at ON events (run, at)",
        """
        CREATE TABLE notes (
            kind TEXT NOT NULL,            -- baseline, learning
            name TEXT NOT NULL,
            made REAL NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (kind, name)
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE results (             -- of programs; as the table cache
            key BLOB PRIMARY KEY,
            value BLOB NOT NULL,
            size INTEGER NOT NULL,
            model TEXT NOT NULL,           -- command:PROGRAM
            about TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            created REAL NOT NULL,
            used REAL NOT NULL,
            hits INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX results_used ON results (used, size)",
        """
        CREATE TABLE results_totals (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            hits INTEGER NOT NULL,
            misses INTEGER NOT NULL,
            saved_tokens INTEGER NOT NULL,
            saved_nanodollars INTEGER NOT NULL
        )
        """,
        "INSERT INTO results_totals VALUES (1, 0, 0, 0, 0)",
        """
        CREATE TABLE durations (
            command TEXT PRIMARY KEY NOT NULL,  -- a hash of the command line and its folder
            seconds REAL NOT NULL,              -- that it took when it ran last
            used REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
"""`user_version` is how many of them a database has seen. None is ever changed."""
