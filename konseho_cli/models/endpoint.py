"""Where a provider is reached: its address, what proves who we are, and how to speak of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from konseho_cli.core.errors import UsageError
from konseho_cli.models.redact import HIDDEN, Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One URL that requests are posted to. Its repr shows no secret."""

    provider: str
    url: str
    """Without userinfo: fit to be shown."""
    origin: str
    """`https://api.openai.com`: what connections are counted by."""
    host: str
    base_url: str
    key_env: str
    """The environment variable of its key; empty where it needs none."""
    headers: Mapping[str, str] = field(repr=False)
    redactor: Redactor = field(repr=False)


def endpoint(
    provider: str,
    base_url: str,
    path: str,
    *,
    key: str | None,
    key_env: str,
    key_header: str = "Authorization",
    headers: Mapping[str, str] | None = None,
) -> Endpoint:
    """Check an address and join it with its path and key. Raises UsageError."""
    parts, clean = _check(provider, base_url)
    sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    userinfo = parts.netloc.rpartition("@")[0]
    basic = base64.b64encode(unquote(userinfo).encode()).decode() if userinfo else None
    if key:
        key = _printable(key.strip(), key_env)
        sent[key_header] = f"Bearer {key}" if key_header == "Authorization" else key
    if basic:
        sent["Authorization"] = f"Basic {basic}"  # stated for exactly this server, so it wins
    password = unquote(userinfo.partition(":")[2])
    return Endpoint(
        provider=provider,
        url=f"{clean.rstrip('/')}{path}",
        origin=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        host=parts.hostname or "",
        base_url=clean,
        key_env=key_env,
        headers=sent,
        redactor=Redactor(key, basic, password, userinfo),
    )


def split_http(url: str) -> SplitResult:
    """The parts of an http URL that can be called. Raises ValueError, whose text shows no secret."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # a port that is no number raises only here
        host = (parts.hostname or "").encode("idna")  # raises for an empty or an endless label
    except ValueError:
        host = b""
    if not host or parts.scheme not in ("http", "https"):
        _, at, rest = url.rpartition("@")  # whatever it is, secrets come before the @
        shown = Redactor().clean(f"{HIDDEN}@{rest}" if at else url)
        raise ValueError(f"not an http URL: '{shown}'")
    return parts


def _check(provider: str, base_url: str) -> tuple[SplitResult, str]:
    hint = "write it as http://HOST:PORT/v1"
    try:
        parts = split_http(base_url)
    except ValueError as error:
        raise UsageError(f"{provider}: base_url is {error}", hint=hint) from None
    if parts.query or parts.fragment:
        raise UsageError(f"{provider}: base_url must have no query and no fragment", hint=hint)
    clean = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return parts, clean


def _printable(key: str, key_env: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"{key_env} holds characters that no key has", hint="copy it once more")
    return key
