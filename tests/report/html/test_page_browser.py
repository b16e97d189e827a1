"""The page in a real browser, as people open it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.html.page import profile_html
from tests.report.crowds import chromium, crowd
from tests.report.html.test_page import HOSTILE
from tests.report.profiles import profiled

pytestmark = pytest.mark.skipif(
    chromium().find_chromium() is None and not os.environ.get("CI"),
    reason=f"no Chromium is here: none of {', '.join(chromium().NAMES)}",
)
READY = "document.documentElement.dataset.ready"
LANES, FLAMES = (
    "document.getElementById('lanes-tracks')",
    "document.getElementById('flames-tracks')",
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def browsed(
    shown: Profiled, file: Path, look: Callable[[Any], Awaitable[None]], **window: Any
) -> None:
    """Open its page, look at it, and hold it to making no error and asking for nothing."""
    file.write_text(profile_html(shown), encoding="utf-8")

    async def main() -> None:
        async with chromium().open_page(file, **window) as page:
            await page.until(READY)
            await look(page)
            assert page.problems == []
            assert [address for address in page.requests if address != file.as_uri()] == []

    asyncio.run(main())


async def state(page: Any, tracks: str) -> dict[str, float]:
    """What is shown: from, to, drawn, merged, cursor."""
    found = await page.evaluate(f"({{...{tracks}.dataset}})")
    return {name: float(value or 0) for name, value in found.items()}


async def changed(page: Any, tracks: str, act: Awaitable[Any]) -> dict[str, float]:
    """What is shown after something was done, which shows."""
    before = await page.evaluate(f"JSON.stringify({tracks}.dataset)")
    await act
    await page.until(f"JSON.stringify({tracks}.dataset) !== {before!r}")
    return await state(page, tracks)


async def place(page: Any, tracks: str, x: float, y: float) -> tuple[float, float]:
    """A place in the window, from one in the tracks."""
    box = await page.evaluate(
        f"({tracks}.scrollIntoView({{block: 'center', behavior: 'instant'}}), "
        f"(box => [box.left, box.top])({tracks}.getBoundingClientRect()))"
    )
    return box[0] + x, box[1] + y


@pytest.mark.parametrize("spans", [10, 1_000, 20_000])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_opens_without_errors_and_without_the_network(
    spans: int, dark: bool, tmp_path: Path
) -> None:
    async def look(page: Any) -> None:
        shown = await state(page, LANES)
        assert shown["drawn"] > 3
        assert (await state(page, FLAMES))["drawn"] == 6
        charts = "[...document.querySelectorAll('.chart canvas')].filter(each => each.width > 100)"
        assert await page.evaluate(f"{charts}.length") == (6 if spans > 100 else 5)
        inside = "document.documentElement.scrollWidth <= innerWidth"
        assert await page.evaluate(inside)
        picture = await page.picture()
        assert picture.startswith(SIGNATURE)
        assert len(picture) > 20_000  # an empty page is smaller

    browsed(crowd(spans), tmp_path / "page.html", look, dark=dark)


def test_narrow_windows_scroll_in_their_tables_alone(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    browsed(profiled(), tmp_path / "page.html", look, width=800)
    browsed(profiled(), tmp_path / "page.html", look, width=400)


def test_a_click_on_a_frame_zooms_to_it_and_whole_shows_all_again(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        whole = await state(page, FLAMES)
        x, y = await place(page, FLAMES, 60, 24 + 20 + 10)
        zoomed = await changed(page, FLAMES, page.click(x, y))
        assert zoomed["to"] - zoomed["from"] < whole["to"] - whole["from"]
        button = "document.querySelector('[data-tracks=flames][data-do=fit]').click()"
        again = await changed(page, FLAMES, page.evaluate(button))
        assert (again["from"], again["to"]) == (whole["from"], whole["to"])

    browsed(profiled(), tmp_path / "page.html", look)


def test_the_flame_graph_finds_frames_by_name(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        await page.evaluate("document.getElementById('flames-search').focus()")
        for key in "work":
            await page.press(key)
        assert await page.evaluate(f"{FLAMES}.dataset.found") == "1"
        said = await page.evaluate("document.getElementById('flames-said').textContent")
        assert said == "1 frames, 91 %"

    browsed(profiled(), tmp_path / "page.html", look)


def test_the_time_of_frames_is_told_in_the_unit_that_fits(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        await page.evaluate(f"{FLAMES}.focus()")
        await page.press("ArrowDown")
        await page.until("document.getElementById('flames-said').textContent")
        said = await page.evaluate("document.getElementById('flames-said').textContent")
        assert " ms" in said
        assert "µs ·" not in said

    whole = profiled()
    shown = structs.replace(whole, recordings=whole.recordings[:2])
    browsed(shown, tmp_path / "page.html", look)


def test_lanes_are_walked_and_zoomed_by_keyboard(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        await page.evaluate(f"{LANES}.focus()")
        first = await changed(page, LANES, page.press("ArrowRight"))
        assert first["cursor"] >= 0
        below = await changed(page, LANES, page.press("ArrowDown"))
        assert below["cursor"] != first["cursor"]
        said = await page.evaluate("document.getElementById('lanes-said').textContent")
        assert said.startswith("all / agent_331, ask (konseho) ·")
        beside = await changed(page, LANES, page.press("ArrowRight"))
        zoomed = await changed(page, LANES, page.press("Enter"))
        assert zoomed["to"] < beside["to"]
        closer = await changed(page, LANES, page.press("+"))
        assert closer["to"] - closer["from"] < zoomed["to"] - zoomed["from"]
        whole = await changed(page, LANES, page.press("0"))
        assert (whole["from"], whole["to"]) == (first["from"], first["to"])

    browsed(crowd(1_000), tmp_path / "page.html", look)


def test_the_mouse_tells_of_spans_drags_and_zooms(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        x, y = await place(page, LANES, 400, 24 + 22 + 11)
        await page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        await page.until("!document.getElementById('tip').hidden")
        assert "agent_" in await page.evaluate("document.getElementById('tip').textContent")
        wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -240, "modifiers": 2}
        zoomed = await changed(page, LANES, page.send("Input.dispatchMouseEvent", **wheel))
        at = {"button": "left", "y": y}
        await page.send(
            "Input.dispatchMouseEvent", type="mousePressed", x=x, clickCount=1, buttons=1, **at
        )
        move = page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x - 90, buttons=1, **at)
        moved = await changed(page, LANES, move)
        await page.send(
            "Input.dispatchMouseEvent", type="mouseReleased", x=x - 90, clickCount=1, **at
        )
        assert moved["from"] > zoomed["from"]
        assert moved["to"] - moved["from"] == pytest.approx(zoomed["to"] - zoomed["from"])

    browsed(crowd(1_000), tmp_path / "page.html", look)


def test_what_is_narrower_than_a_pixel_is_merged_and_said_so(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        out = "for (let turn = 0; turn < 3; turn++) tracks.lanes.zoom(0.1)"
        await page.evaluate(out)
        assert "narrower" not in await page.evaluate(
            "document.getElementById('lanes-merged').textContent"
        )
        crammed = "tracks.flames.all = [0, 3e5]; tracks.flames.fit()"
        shown = await changed(page, FLAMES, page.evaluate(crammed))
        assert shown["merged"] > 0
        said = await page.evaluate("document.getElementById('flames-merged').textContent")
        assert said.endswith("zoom in to see them.")

    browsed(profiled(), tmp_path / "page.html", look)


def test_only_the_critical_path_leaves_its_lanes(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        box = "document.getElementById('lanes-path')"
        shown = await changed(page, LANES, page.evaluate(f"{box}.click()"))
        assert 0 < shown["drawn"] <= 6

    browsed(crowd(1_000), tmp_path / "page.html", look)


def test_the_theme_can_be_switched(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        colour = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(colour) == "rgb(251, 251, 250)"
        await page.evaluate("document.getElementById('theme').focus()")
        await page.press("Enter")
        await page.until(f"{colour} === 'rgb(20, 21, 24)'")
        assert await page.evaluate("document.getElementById('theme').ariaPressed") == "true"
        await page.press("Enter")
        await page.until(f"{colour} === 'rgb(251, 251, 250)'")

    browsed(profiled(), tmp_path / "page.html", look)


def test_every_control_is_reached_by_tab_and_shows_it(tmp_path: Path) -> None:
    async def look(page: Any) -> None:
        reached = []
        for _ in range(40):
            await page.press("Tab")
            reached.append(
                await page.evaluate(
                    "(each => [each.id || each.dataset.do || each.textContent, "
                    "getComputedStyle(each).outlineStyle])(document.activeElement)"
                )
            )
        names = {name for name, _ in reached}
        assert {
            "theme",
            "lanes-path",
            "in",
            "out",
            "fit",
            "lanes-tracks",
            "flames-search",
            "flames-tracks",
        } <= names
        assert all(
            outline != "none" for name, outline in reached if name in ("theme", "lanes-tracks")
        )

    browsed(profiled(), tmp_path / "page.html", look)


def test_hostile_names_do_nothing_but_stand_there(tmp_path: Path) -> None:
    from msgspec import structs

    from konseho_cli.profiling.finding import Finding

    hostile = structs.replace(
        profiled(), findings=(Finding(topic="agent", what=HOSTILE, advice=HOSTILE),),
        predictions=(structs.replace(profiled().predictions[0], change=HOSTILE),),
    )  # fmt: skip

    async def look(page: Any) -> None:
        assert "alert(2)" in await page.evaluate("document.querySelector('.findings').textContent")
        assert await page.evaluate("document.images.length") == 0

    browsed(hostile, tmp_path / "page.html", look)
