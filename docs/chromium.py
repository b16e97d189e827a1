"""A headless Chromium over its DevTools protocol: for pictures of reports, and for their tests."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S = 60.0
LARGEST_MESSAGE = 2**28
KEYS = {
    "Enter": 13, "Escape": 27, "Tab": 9, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip


def find_chromium() -> str | None:
    """Its path, where there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page: what it does, what it says, what it asks for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.session: str | None = None
        self.problems: list[str] = []
        """Console errors and warnings, exceptions, refusals of the page's policy."""
        self.loaded = asyncio.Event()
        self.requests: list[str] = []
        """Every address that was asked for."""

    async def listen(self) -> None:
        """Take what comes, until the browser goes."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            else:
                self._note(said["method"], said.get("params", {}))

    def _note(self, method: str, said: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            told = details.get("exception", {}).get("description", "")
            self.problems.append(f"{details['text']} {told}")
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
            told = " ".join(
                str(each.get("value", each.get("description"))) for each in said["args"]
            )
            self.problems.append(f"{said['type']}: {told}")
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.problems.append(said["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command; its result. Raises RuntimeError where the browser refuses it."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        session = {} if self.session is None else {"sessionId": self.session}
        await self._socket.send_json({"id": number, "method": method, "params": params} | session)
        async with asyncio.timeout(PATIENCE_S):
            said = await answer
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        return dict(said["result"])

    async def evaluate(self, expression: str) -> Any:
        """The value of JavaScript, awaited. Raises RuntimeError for what it throws."""
        said = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in said:
            raise RuntimeError(str(said["exceptionDetails"]))
        return said["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait for an expression to become true, looked at before each frame. Raises TimeoutError."""
        await self.evaluate(
            "new Promise(done => { const look = () => "
            f"({condition}) ? done(true) : requestAnimationFrame(look); look(); }})"
        )

    async def press(self, key: str) -> None:
        """A key, down and up again."""
        text = {} if key in KEYS and key != "Enter" else {"text": "\r" if key == "Enter" else key}
        code = KEYS.get(key, ord(key[0].upper()))
        pressed = {"key": key, "windowsVirtualKeyCode": code}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **pressed, **text)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def click(self, x: float, y: float) -> None:
        """The left button, at a place of the window."""
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        await self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        await self.send("Input.dispatchMouseEvent", type="mousePressed", buttons=1, **at)
        await self.send("Input.dispatchMouseEvent", type="mouseReleased", **at)

    async def picture(self, *, whole: bool = False) -> bytes:
        """What is to be seen, or all of the page, as PNG."""
        shot = await self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole,
            **({"clip": await self._all()} if whole else {}),
        )  # fmt: skip
        return base64.b64decode(shot["data"])

    async def _all(self) -> dict[str, Any]:
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}


def address_of(file: Path) -> str:
    """As the browser calls it."""
    return file.resolve().as_uri()


@asynccontextmanager
async def open_page(
    file: Path, *, width: int = 1280, height: int = 900, dark: bool = False
) -> AsyncIterator[Page]:
    """A file in a browser of its own, which is gone afterwards. Raises RuntimeError without one."""
    async with (
        _browser() as devtools,
        aiohttp.ClientSession() as http,
        http.ws_connect(devtools, max_msg_size=LARGEST_MESSAGE) as socket,
    ):
        page = Page(socket)
        listening = asyncio.create_task(page.listen())
        try:
            await _attach(page, width, height, dark=dark)
            await page.send("Page.navigate", url=address_of(file))
            async with asyncio.timeout(PATIENCE_S):
                await page.loaded.wait()
            yield page
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _attach(page: Page, width: int, height: int, *, dark: bool) -> None:
    target = (await page.send("Target.createTarget", url="about:blank"))["targetId"]
    attached = await page.send("Target.attachToTarget", targetId=target, flatten=True)
    page.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        await page.send(f"{domain}.enable")
    page.loaded.clear()  # it was the empty page
    await page.send(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=height, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    await page.send("Emulation.setEmulatedMedia", features=[scheme])


@asynccontextmanager
async def _browser() -> AsyncIterator[str]:
    """The address of its DevTools."""
    found = find_chromium()
    if found is None:
        raise RuntimeError(f"no Chromium is here: none of {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            found, "--headless=new", "--remote-debugging-port=0", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage",
            "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={folder}",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_S):
                address = await _address(process)
            drain = asyncio.create_task(_drain(process))
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own children, too
            await process.wait()
        await drain


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = b""
    async for line in process.stderr:
        if match := re.match(rb"DevTools listening on (ws://\S+)", line):
            return match[1].decode()
        said += line
    raise RuntimeError(f"Chromium did not start: {said.decode(errors='replace')[-500:]}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(2**16):
        pass
