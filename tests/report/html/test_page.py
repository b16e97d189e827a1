from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import MissingExtra
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.html.charts import charts
from konseho_cli.report.html.page import policy, profile_html
from konseho_cli.report.when import local
from konseho_cli.store.base import SpanKept
from tests.report.crowds import crowd
from tests.report.profiles import profiled, recording

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\"&{{ 7*7 }}\ud800\x1b[31m"


class Read(HTMLParser):
    """The elements of a page, the text of its scripts and what can be read of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        elif self.cdata_elem is None:
            self.words.append(data)

    def ids(self) -> set[str | None]:
        return {given.get("id") for _, given in self.tags}


@pytest.fixture(scope="module")
def page() -> str:
    return profile_html(profiled())


def bare() -> Profiled:
    """Spans alone, of which nothing was made."""
    whole = profiled()
    analysis = structs.replace(
        whole.analysis, steps=(), resources=(), stragglers=(), by_step=(), by_agent=(), by_model=()
    )
    return Profiled(recordings=whole.recordings[:1], analysis=analysis)


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', page)


def test_a_page_has_a_section_for_all_that_there_is(page: str) -> None:
    assert sections(page) == [
        "findings", "lanes", "path", "whatifs", "queues", "steps", "memory", "cpu", "targets", "about",
    ]  # fmt: skip


def test_a_section_without_data_is_left_out() -> None:
    assert sections(profile_html(bare())) == ["lanes", "path", "about"]


def test_the_page_says_how_the_run_ended_and_what_it_took(page: str) -> None:
    words = " ".join(" ".join(Read(page).words).split())
    for said in ("quickstart ✔ ok", "run run1", "simulated", "calls 7", "What to change",
                 "max_concurrency: 3 would save 1.8 s", "1 of 2", "2 CPUs"):  # fmt: skip
        assert said in words


def test_nothing_in_the_page_is_fetched_and_its_policy_forbids_it(page: str) -> None:
    read = Read(page)
    for tag, given in read.tags:
        assert tag not in ("iframe", "object", "embed", "base", "form", "img")
        assert not given.get("src")
        assert given.get("href", "#")[:1] == "#" or given["href"] == "data:,"  # type: ignore[index]
    said = next(given["content"] for tag, given in read.tags if "http-equiv" in given)
    assert said is not None
    assert said.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in said
    assert "http" not in said


def test_the_policy_names_each_script_by_its_hash(page: str) -> None:
    read = Read(page)
    scripts = read.scripts[1:]  # the first one is data
    assert len(scripts) == 3
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert policy(scripts, style[1]) in page


def test_names_from_strangers_stay_text() -> None:
    whole = profiled()
    spans = tuple(_renamed(span) for span in whole.recordings[0].spans)
    row = whole.recordings[0].run.row
    began = structs.replace(row.began, council=HOSTILE, task=HOSTILE, models=(HOSTILE,))
    run = structs.replace(whole.recordings[0].run, row=structs.replace(row, began=began))
    hostile = structs.replace(
        whole,
        recordings=(structs.replace(recording(), run=run, spans=spans), *whole.recordings[1:]),
        findings=(Finding(topic="agent", what=HOSTILE, advice=HOSTILE),),
        predictions=(structs.replace(whole.predictions[0], change=HOSTILE, options=(HOSTILE,)),),
    )
    page = profile_html(hostile)
    page.encode()
    read, plain = Read(page), Read(profile_html(profiled()))
    assert len(read.scripts) == len(plain.scripts)
    assert not [tag for tag, _ in read.tags if tag == "img"]
    assert not [name for _, given in read.tags for name in given if name.startswith("on")]
    assert read.ids() == plain.ids()
    assert "alert(1)" in " ".join(read.words)
    assert "{{ 7*7 }}" in " ".join(read.words)


def _renamed(span: SpanKept) -> SpanKept:
    if '"agent"' not in span.attributes:
        return span
    import json

    said = {**json.loads(span.attributes), "agent": HOSTILE, "label": HOSTILE}
    return structs.replace(span, attributes=json.dumps(said))


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_without_the_extra_the_line_that_installs_it_is_told(
    package: str, monkeypatch: Any
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "konseho_cli.report.html.charts.find_spec",
        lambda name: None if name == package else find(name),
    )
    with pytest.raises(MissingExtra) as missing:
        profile_html(profiled())
    assert missing.value.hint == "pip install 'konseho[report]'"


def test_twenty_thousand_spans_stay_below_five_megabytes() -> None:
    page = profile_html(crowd(20_000))
    assert len(page.encode()) < 5_000_000
    assert "agent_6664" in page


def test_the_head_and_the_foot_say_when_it_began() -> None:
    whole = profiled()
    first = structs.replace(whole.recordings[0], made=2e9)
    read = Read(profile_html(structs.replace(whole, recordings=(first, *whole.recordings[1:]))))
    said = "".join(read.words)
    assert said.count(local(1e9)) == 2
    assert local(2e9) not in said


def test_where_nobody_would_wait_is_named_as_in_the_other_reports(page: str) -> None:
    words = "".join(Read(page).words)
    assert "nobody waits at" in words
    assert "suggested" not in words


def test_the_words_behind_the_longest_bar_have_room() -> None:
    for name in ("kinds", "whatifs", "groups"):
        chart = charts(profiled())[name]
        scale = chart["layer"][0]["encoding"]["x"]["scale"]
        (rows,) = (each["values"] for each in (chart["data"],))
        assert scale["domainMax"] >= 1.25 * max(row["value"] for row in rows)
