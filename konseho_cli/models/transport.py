"""The aiohttp adapter: one session, posts and streamed answers, foreign errors made ours."""

from __future__ import annotations

import asyncio
import os
import urllib.request
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from konseho_cli.core.errors import ModelError, ModelRefused
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call
from konseho_cli.models.endpoint import Endpoint, split_http
from konseho_cli.models.failures import broken, phrase, read_body, status_error
from konseho_cli.models.phases import Phases
from konseho_cli.models.quota import retry_after
from konseho_cli.models.reader import Reader
from konseho_cli.models.redact import Hiding
from konseho_cli.models.sse import EventTooLong, SseParser
from konseho_cli.version import __version__

CONNECT_TIMEOUT_S = 5.0
_MAX_ANSWER = 64 << 20
_MAX_ERROR = 64 << 10
_LINGER_S = 0.25
"""How long a finished answer waits for the end of its stream, so that its connection lives on."""
_RESENDS = 3
_PROXY = "are HTTP_PROXY and HTTPS_PROXY right?"
_UNPACK = "let the server, or what is before it, keep to Accept-Encoding: identity"


class Transport:
    """One aiohttp session; its own limits are off, because ours record who waited for whom."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._urls: dict[str, tuple[URL, str | None]] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=0, ttl_dns_cache=300, keepalive_timeout=60
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
            headers={"User-Agent": f"konseho/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_tracing()],
            auto_decompress=False,  # what nobody asked for is refused, not unpacked
        )

    async def aclose(self) -> None:
        """Close the session and its connections."""
        await self._session.close()

    async def converse(
        self, endpoint: Endpoint, body: bytes, reader: Reader, call: Call, timeout_s: float
    ) -> None:
        """Post, and hand the answer to the reader. Raises ModelError."""
        phases = Phases(call.scope)
        sink = endpoint.redactor.stream(call.on_text) if call.on_text else None
        error: BaseException | None = None
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                response = await self._send(endpoint, body, phases, reader.name)
                try:
                    headers = {name.lower(): text for name, text in response.headers.items()}
                    if call.on_headers:
                        call.on_headers(response.status, headers)
                    if response.status != 200:
                        raise await self._failure(endpoint, response, reader, headers)
                    await _receive(endpoint, response, reader, phases, sink, deadline)
                finally:
                    response.close()  # does nothing where the answer was read to its end
        except (aiohttp.ClientError, OSError, EventTooLong) as problem:
            if not reader.done:  # what breaks after the answer was complete breaks nothing
                if deadline.expired():
                    error = _too_late(reader, timeout_s)
                else:
                    _, proxy = self._urls[endpoint.url]
                    error = _translate(problem, endpoint, reader, proxied=proxy is not None)
                raise error from problem
        except BaseException as problem:
            error = problem
            raise
        finally:
            phases.leave(error)
            if sink:
                sink.flush()

    async def _send(
        self, endpoint: Endpoint, body: bytes, phases: Phases, name: str
    ) -> aiohttp.ClientResponse:
        """A kept connection may have died in the meantime; then it was never a failed call."""
        url, proxy = self._urls.get(endpoint.url) or self._route(endpoint, name)
        resends = 0
        while True:
            phases.reused = False
            try:
                return await self._session.post(
                    url,
                    data=body,
                    headers=endpoint.headers,
                    allow_redirects=False,
                    proxy=proxy,
                    trace_request_ctx=phases,
                )
            except (aiohttp.ClientConnectionError, ConnectionError) as dead:
                resends += 1
                if not phases.reused or resends > _RESENDS:
                    raise
                phases.leave(dead)

    def _route(self, endpoint: Endpoint, name: str) -> tuple[URL, str | None]:
        """The URL and the environment's proxy for it, found once. Raises ModelRefused.

        Not aiohttp's `trust_env`: that reads the environment in a thread at every request, and
        lets a ~/.netrc clash with our key.
        """
        try:
            url = URL(endpoint.url)
        except ValueError:  # yarl is stricter about hosts than the standard library
            base = endpoint.base_url
            raise ModelRefused(f"{name}: {base} is not a URL", hint="is base_url right?") from None
        proxy = None
        if not _is_here(endpoint.host) and not urllib.request.proxy_bypass(endpoint.host):
            proxy = urllib.request.getproxies().get(url.scheme)
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        if proxy:
            _check_proxy(proxy, name, url.scheme)
        self._urls[endpoint.url] = (url, proxy)
        return self._urls[endpoint.url]

    async def _failure(
        self,
        endpoint: Endpoint,
        response: aiohttp.ClientResponse,
        reader: Reader,
        headers: Mapping[str, str],
    ) -> ModelError:
        body = b"" if _packing(response) else await _read(response, _MAX_ERROR)
        wait = retry_after(headers, self._wall())
        told = read_body(body)
        return status_error(endpoint, reader.name, response.status, told, retry_after_s=wait)


async def _receive(
    endpoint: Endpoint,
    response: aiohttp.ClientResponse,
    reader: Reader,
    phases: Phases,
    sink: Hiding | None,
    deadline: asyncio.Timeout,
) -> None:
    if packed := _packing(response):
        said = endpoint.redactor.clean(packed)
        what = f"the answer came packed ({said}), though it was asked for as it is"
        raise ModelRefused(f"{reader.name}: {what}", hint=_UNPACK, status=response.status)
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/event-stream"):
        await _stream(response, reader, phases, sink, deadline)
    elif "html" in kind:
        await _refuse_page(response, endpoint, reader)
    else:
        text = reader.document(await _read(response, _MAX_ANSWER))
        if sink and text:
            sink.feed(text)


def _check_proxy(proxy: str, name: str, scheme: str) -> None:
    """Raises ModelRefused where aiohttp would end in an assertion, or take SOCKS for HTTP."""
    hint = f"write {scheme.upper()}_PROXY as http://HOST:PORT"
    try:
        split_http(proxy)
    except ValueError as error:
        raise ModelRefused(f"{name}: the proxy's address is {error}", hint=hint) from None
    try:
        auth = aiohttp.BasicAuth.from_url(URL(proxy))
        _ = auth and auth.encode()  # a user or password outside of latin-1 raises only here
    except ValueError:
        what = "the proxy's address holds characters that cannot be sent"
        raise ModelRefused(f"{name}: {what}", hint=hint) from None


def _is_here(host: str) -> bool:
    """Whether it is this machine, which no proxy can reach for us."""
    return host in ("localhost", "::1") or host.startswith("127.")


async def _stream(
    response: aiohttp.ClientResponse,
    reader: Reader,
    phases: Phases,
    sink: Hiding | None,
    deadline: asyncio.Timeout,
) -> None:
    """Read to the very end, so that the connection can be used again."""
    parser = SseParser()
    content = response.content
    size, started = 0, False
    while not reader.done:
        chunk = await content.readany()
        size += len(chunk)
        if size > _MAX_ANSWER:
            raise EventTooLong("an answer of more than 64 MiB")
        for event in parser.feed(chunk) if chunk else parser.close():
            text = reader.event(event)
            if not text:
                continue
            if not started:
                started = True
                phases.enter("stream")
            if sink:
                sink.feed(text)
        if not chunk:
            reader.end()
            return
    if not content.at_eof():
        deadline.reschedule(asyncio.get_running_loop().time() + _LINGER_S)
        while await content.readany():
            pass


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= limit and (chunk := await response.content.readany()):
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)[:limit]


def _packing(response: aiohttp.ClientResponse) -> str | None:
    """The encoding that nobody asked for; None where the body is as it is."""
    encoding = response.headers.get("Content-Encoding", "").strip()
    return None if encoding.lower() in ("", "identity") else encoding


async def _refuse_page(
    response: aiohttp.ClientResponse, endpoint: Endpoint, reader: Reader
) -> None:
    said = endpoint.redactor.clean(read_body(await _read(response, _MAX_ERROR)).message)
    raise ModelRefused(
        f"{reader.name}: {endpoint.base_url} answered with {said}",
        hint="is base_url right?",
        status=200,
    )


def _tracing() -> aiohttp.TraceConfig:
    """Only these three moments tell a new connection from a kept one."""
    config = aiohttp.TraceConfig()

    async def connecting(_: object, context: object, __: object) -> None:
        _phases(context).enter("connect")

    async def connected(_: object, context: object, __: object) -> None:
        _phases(context).enter("ttft")

    async def reused(_: object, context: object, __: object) -> None:
        phases = _phases(context)
        phases.reused = True
        phases.enter("ttft")

    config.on_connection_create_start.append(connecting)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(reused)
    return config


def _phases(context: object) -> Phases:
    phases = context.trace_request_ctx  # type: ignore[attr-defined]
    assert isinstance(phases, Phases)
    return phases


def _too_late(reader: Reader, timeout_s: float) -> ModelError:
    what = f"no complete answer within {show_duration(timeout_s)}"
    return broken(reader.name, what, hint="raise the model's timeout", partial=reader.text)


def _translate(
    error: Exception, endpoint: Endpoint, reader: Reader, *, proxied: bool
) -> ModelError:
    """A foreign error as one of ours, with the way out."""
    name, base, partial = reader.name, endpoint.base_url, reader.text
    said = endpoint.redactor.clean(_words(error))
    if isinstance(
        error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
    ):
        return ModelRefused(f"{name}: no secure connection to {base}: {said}")
    unreached = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    if proxied and isinstance(error, unreached):
        return broken(name, f"no connection to the proxy: {_why(error)}", hint=_PROXY)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return broken(name, f"the host of {base} was not found", hint="is base_url right?")
    if isinstance(error, unreached):
        hint = f"is the server running at {base}?"
        return broken(name, f"no connection to {base}: {_why(error)}", hint=hint)
    if isinstance(error, aiohttp.InvalidURL):
        return ModelRefused(f"{name}: {base} is not a URL", hint="is base_url right?")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        what = f"the proxy answered {error.status}: {phrase(error.status)}"
        return broken(name, what, hint=_PROXY)
    if isinstance(error, aiohttp.ClientResponseError):
        what = f"the connection broke: what came is not HTTP: {said}"
        return broken(name, what, hint="is base_url right?", partial=partial)
    return broken(name, f"the connection broke: {said or type(error).__name__}", partial=partial)


def _words(error: Exception) -> str:
    """What happened, without what aiohttp has around it: a status 400 that nobody sent, a URL."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server hung up"  # its own text may be a whole head, half read
    inner = error.__cause__ if isinstance(error, aiohttp.ClientPayloadError) else None
    inner = inner or getattr(error, "certificate_error", error)
    said = getattr(inner, "message", "") or getattr(inner, "strerror", "") or inner
    return str(said).partition("\n")[0].rstrip(" :.")


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host was not found"
    code = getattr(getattr(error, "os_error", None), "errno", None)
    return os.strerror(code) if code else f"no answer within {show_duration(CONNECT_TIMEOUT_S)}"
