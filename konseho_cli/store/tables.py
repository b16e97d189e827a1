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
)
"""`user_version` is how many of them a database has seen. None is ever changed."""
