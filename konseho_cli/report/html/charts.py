"""The charts of a page, drawn by Vega: described here with Altair, painted where it is opened."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from konseho_cli.core.errors import MissingExtra
from konseho_cli.profiling.memory_profile import MemoryProfile
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.html.activity import activity
from konseho_cli.report.html.lanes import CLASSES, class_of
from konseho_cli.report.html.text import clean

INSTALL = "pip install 'konseho[report]'"
MOST_BARS = 12
MOST_POINTS = 2_000
ROOM = 1.3
"""Width of the drawing in longest bars: the words behind a bar need some, too."""
MEGABYTE = 2**20
MANY_AGENTS = 20
"""From so many on, lanes alone do not show a run."""
LANE_NAMES = 170
"""Pixels beside the lanes: `gutter` of the page's script."""
ORANGE, BLUE, GREEN, GREY = "#E69F00", "#2F8FCC", "#009E73", "#8A8F98"
"""Told apart by the colour-blind (Okabe and Ito, 2008), and seen on light and dark."""


def check_installed() -> None:
    """Raises MissingExtra where a page could not be drawn; imports nothing."""
    for module, package in (("altair", "altair"), ("vl_convert", "vl-convert-python")):
        if find_spec(module) is None:
            raise MissingExtra(f"an HTML report needs {package}", hint=INSTALL)


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script. Raises MissingExtra."""
    check_installed()
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def charts(profiled: Profiled) -> dict[str, Any]:
    """Vega-Lite by name, for what there is data of. Raises MissingExtra."""
    check_installed()
    import altair

    draw = _Charts(altair)
    memory = profiled.of("memory")
    cpu = profiled.of("cpu")
    found = {
        "activity": draw.activity(profiled),
        "kinds": draw.kinds(profiled),
        "whatifs": draw.whatifs(profiled),
        "queues": draw.queues(profiled),
        "memory": draw.memory(memory.memory, profiled) if memory and memory.memory else None,
        "groups": draw.groups(profiled) if cpu and cpu.cpu else None,
    }
    return {name: chart.to_dict() for name, chart in found.items() if chart is not None}


class _Charts:
    """One method a chart; None where there is nothing to draw."""

    def __init__(self, altair: Any) -> None:
        self.alt = altair

    def _of(self, rows: list[dict[str, Any]], height: int) -> Any:
        """An empty chart; every value in it came from somebody else."""
        data = self.alt.Data(values=clean(rows))
        return self.alt.Chart(data, width="container", height=height)

    def _bars(self, rows: list[dict[str, Any]], title: str) -> Any:
        alt = self.alt
        longest = max(row["value"] for row in rows) or 1.0
        room = alt.Scale(domainMin=0, domainMax=ROOM * longest, nice=False)
        base = self._of(rows, 26 * len(rows)).encode(
            x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=6), scale=room),
            y=alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=260)),
            tooltip=[alt.Tooltip("name:N", title="what"), alt.Tooltip("shown:N", title="value")],
        )
        marks = base.mark_bar(height=14, cornerRadiusEnd=3)
        words = base.mark_text(align="left", dx=5).encode(text="shown:N")
        return marks, words

    def activity(self, profiled: Profiled) -> Any:
        """How many calls were at work at each moment, above lanes that are too many to be seen."""
        alt, outcome = self.alt, profiled.outcome
        agents = {span.attributes.get("agent") for span in outcome.spans if span.kind == "ask"}
        end = max((span.end for span in outcome.spans), default=0)
        rows = activity(outcome.spans, outcome.start, end)
        if len(agents) < MANY_AGENTS or not rows:
            return None
        side = alt.Axis(tickCount=3, minExtent=LANE_NAMES, maxExtent=LANE_NAMES, title=None)
        chart = self._of(rows, 84).mark_area(interpolate="step-after").encode(
            x=alt.X("at:Q", axis=None, scale=alt.Scale(nice=False, domainMax=(end - outcome.start) / 1e9)),
            y=alt.Y("sum(count):Q", axis=side),
            color=alt.Color("class:N", legend=None, scale=alt.Scale(domain=list(CLASSES))),
            order=alt.Order("class:N", sort="descending"),
            tooltip=["class:N", alt.Tooltip("sum(count):Q", title="calls", format=",.1f")],
        )  # fmt: skip
        return chart.properties(padding={"left": 0, "right": 0, "top": 6, "bottom": 4})

    def kinds(self, profiled: Profiled) -> Any:
        """The critical path by kind: its parts sum to the makespan."""
        shares = [share for share in profiled.analysis.by_kind if share.duration]
        rows = [
            {
                "name": share.name or "konseho", "value": share.duration / 1e9,
                "shown": f"{share.duration / 1e9:.3g} s · {share.share * 100:.0f} %",
                "class": CLASSES[class_of(share.name)],
            }
            for share in shares[:MOST_BARS]
        ]  # fmt: skip
        if not rows:
            return None
        scale = self.alt.Scale(domain=list(CLASSES))  # in the colours that the page's theme has
        colour = self.alt.Color("class:N", legend=None, scale=scale)
        marks, words = self._bars(rows, "seconds of the critical path")
        return marks.encode(color=colour) + words

    def whatifs(self, profiled: Profiled) -> Any:
        """The makespan of each what-if beside what it was."""
        predictions = profiled.predictions[:MOST_BARS]
        if not predictions:
            return None
        rows = [{"name": "as it was", "value": predictions[0].before_s}]
        rows += [{"name": each.change, "value": each.after_s} for each in predictions]
        for row in rows:
            row["shown"] = f"{row['value']:.3g} s"
        marks, words = self._bars(rows, "seconds")
        alt = self.alt
        was = alt.datum.name == rows[0]["name"]
        return marks.encode(color=alt.condition(was, alt.value(GREY), alt.value(BLUE))) + words

    def queues(self, profiled: Profiled) -> Any:
        """How long one waits for each resource, and how long it is then held."""
        alt = self.alt
        found = [each for each in profiled.analysis.resources if each.arrivals][:MOST_BARS]
        rows = [
            {
                "name": each.name,
                "what": what,
                "value": nanoseconds / 1e9,
                "shown": f"{nanoseconds / 1e9:.3g} s",
            }
            for each in found
            for what, nanoseconds in (("waiting", each.mean_wait), ("service", each.service))
        ]
        if not rows:
            return None
        return self._of(rows, 40 * len(found)).mark_bar(height=12, cornerRadiusEnd=3).encode(
            x=alt.X("value:Q", title="mean seconds an arrival", axis=alt.Axis(tickCount=6)),
            y=alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=260)),
            yOffset=alt.YOffset("what:N", sort=["waiting", "service"]),
            color=alt.Color(
                "what:N", title=None,
                scale=alt.Scale(domain=["waiting", "service"], range=[ORANGE, BLUE]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["name:N", "what:N", alt.Tooltip("shown:N", title="mean")],
        )  # fmt: skip

    def memory(self, memory: MemoryProfile, profiled: Profiled) -> Any:
        """The curve, with the steps of its own run behind it."""
        alt = self.alt
        points = memory.points[:: max(1, len(memory.points) // MOST_POINTS)]
        rows = [{"at": point.at / 1e9, "resident": point.resident / MEGABYTE} for point in points]
        recording = profiled.of("memory")
        steps = recording.outcome.steps if recording else ()
        bands = [
            {
                "step": step.id,
                "from": (step.start or 0) / 1e9,
                "to": (step.end or 0) / 1e9,
                "odd": number % 2 > 0,
            }
            for number, step in enumerate(steps)
            if step.start is not None and step.end is not None
        ]
        lowest = min(row["resident"] for row in rows)
        y = alt.Y("resident:Q", title="MiB", scale=alt.Scale(zero=lowest < 1, nice=True))
        x = alt.X(
            "at:Q", title="seconds since the run began",
            scale=alt.Scale(nice=False, padding=0), axis=alt.Axis(tickCount=10, grid=False),
        )  # fmt: skip
        line = self._of(rows, 220).encode(x=x, y=y, tooltip=[
            alt.Tooltip("at:Q", title="s", format=".3f"),
            alt.Tooltip("resident:Q", title="MiB", format=".1f"),
        ])  # fmt: skip
        curve = line.mark_line(color=GREEN, strokeWidth=2, interpolate="step-after")
        if len(rows) < 200:
            curve = curve + line.mark_point(color=GREEN, filled=True, size=24)
        if not bands:
            return curve
        shade = self._of(bands, 220).encode(
            x=alt.X("from:Q", title="seconds since the run began"), tooltip=["step:N"]
        )
        rect = shade.mark_rect(stroke=GREY, strokeOpacity=0.5, color=GREY).encode(
            x2="to:Q", opacity=alt.condition(alt.datum.odd, alt.value(0.2), alt.value(0.08))
        )
        words = shade.mark_text(align="left", baseline="top", dx=4, limit=110).encode(
            y=alt.value(5), text="step:N"
        )
        return rect + words + curve

    def groups(self, profiled: Profiled) -> Any:
        """Own CPU time by part of the house."""
        recording = profiled.of("cpu")
        cpu = recording.cpu if recording else None
        shown = (
            [each for each in cpu.groups if each.own_s and each.name != "waiting"] if cpu else []
        )
        rows = [
            {
                "name": each.name,
                "value": each.own_s,
                "shown": f"{each.own_s * 1e3:.3g} ms · {each.share * 100:.0f} %",
            }
            for each in shown[:MOST_BARS]
        ]
        if not rows:
            return None
        marks, words = self._bars(rows, "seconds of its own")
        return marks.encode(color=self.alt.value(BLUE)) + words
