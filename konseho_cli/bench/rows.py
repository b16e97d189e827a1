"""All rows, in the order of the table."""

from __future__ import annotations

from konseho_cli.bench import agent_rows, engine_rows, http_row, loading_rows, start_rows
from konseho_cli.bench.measure import Row

ROWS: tuple[Row, ...] = (
    *agent_rows.ROWS,
    *engine_rows.ROWS,
    *http_row.ROWS,
    *loading_rows.ROWS,
    *start_rows.ROWS,
)
