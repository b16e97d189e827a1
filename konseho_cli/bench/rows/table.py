"""All rows, in the order of the table."""

from __future__ import annotations

from konseho_cli.bench.measure import Row
from konseho_cli.bench.rows import (
    agent,
    cache,
    context,
    discovery,
    engine,
    event,
    http,
    loading,
    results,
    stack,
    start,
    store,
    town,
)

ROWS: tuple[Row, ...] = (
    *agent.ROWS,
    *discovery.ROWS,
    *engine.ROWS,
    *event.ROWS,
    *stack.ROWS,
    *http.ROWS,
    *cache.ROWS,
    *context.ROWS,
    *results.ROWS,
    *store.ROWS,
    *loading.ROWS,
    *start.ROWS,
    *town.ROWS,
)
