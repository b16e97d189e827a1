"""A profile as one HTML page that needs no network: `profile_html`."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.html_charts import charts, vega_bundle
from konseho_cli.report.html_flames import profiled_flames, sampled_flames
from konseho_cli.report.html_lanes import swim_lanes
from konseho_cli.report.html_sections import sections
from konseho_cli.report.html_text import clean, script_json

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("tracks.js", "page.js")
DRAWN = ("lanes", "flames", "activity", "kinds", "whatifs", "queues", "memory", "groups")
"""What a page may draw; what has no data is left out."""


def profile_html(profiled: Profiled) -> str:
    """The whole page. Raises MissingExtra where the extra `report` is not installed."""
    import minijinja

    drawn = charts(profiled)
    scripts = [_closed(text) for text in (vega_bundle(), *map(_asset, SCRIPTS))]
    data = _data(profiled) | {"charts": drawn}
    context = clean(sections(profiled)) | {
        "drawn": {name: bool(data.get(name)) or name in drawn for name in DRAWN},
        "lanes_count": f"{len(data['lanes']['lanes']) if data['lanes'] else 0:,}",
        "style": _asset("report.css"),
        "scripts": scripts,
        "policy": policy(scripts, _asset("report.css")),
        "data": script_json(data),
    }
    environment = minijinja.Environment(
        templates={"page": _asset("report.html")}, auto_escape_callback=lambda name: True,
        undefined_behavior="strict", trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.render_template("page", **context).lstrip()


def policy(scripts: list[str], style: str) -> str:
    """The page's Content-Security-Policy: our own scripts and style by their hashes, and no network.

    There is no `unsafe-eval`: Vega interprets its expressions.
    """
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _closed(script: str) -> str:
    """Without what would end its element: within a string or a comment, where alone it can stand."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _data(profiled: Profiled) -> dict[str, Any]:
    """What the page's own scripts draw."""
    outcome, sampled, cpu = profiled.outcome, profiled.of("sample"), profiled.of("cpu")
    flames = sampled_flames(sampled.samples) if sampled and sampled.samples else None
    if flames is None and cpu is not None and cpu.cpu is not None:
        flames = profiled_flames(cpu.cpu)
    lanes = swim_lanes(outcome.spans, outcome.start, profiled.analysis.path)
    return {"lanes": lanes, "flames": flames}
