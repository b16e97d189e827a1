"""All rows, in the order of the table."""

from __future__ import annotations

from konseho_cli.bench import (
    agent_rows,
    cache_rows,
    context_rows,
    engine_rows,
    event_rows,
    http_row,
    loading_rows,
    stack_rows,
    start_rows,
    store_rows,
)
from konseho_cli.bench.measure import Row

ROWS: tuple[Row, ...] = (
    *agent_rows.ROWS,
    *engine_rows.ROWS,
    *event_rows.ROWS,
    *stack_rows.ROWS,
    *http_row.ROWS,
    *cache_rows.ROWS,
    *context_rows.ROWS,
    *store_rows.ROWS,
    *loading_rows.ROWS,
    *start_rows.ROWS,
)
