"""What `konseho doctor` looks at of models: keys (there or not, nothing else), choice, network."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import KonsehoError, ModelError, UsageError
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call, Identity, Message, Request
from konseho_cli.models.config import config_path
from konseho_cli.models.http import Http
from konseho_cli.models.registry import (
    PROVIDERS,
    ModelChoice,
    Provider,
    default_model,
    parse_model_name,
)
from konseho_cli.report.doctor import Finding
from konseho_cli.telemetry.spans import Recorder

if TYPE_CHECKING:
    from konseho_cli.report.doctor import State

PATIENCE_S = 10.0
"""For one server to say anything."""
_GROUP = "Models"


def examine_models(env: Mapping[str, str]) -> Iterator[Finding]:
    """The model of who names none; then each key: whether it is there, and never what it is."""
    config = _config(env)
    yield config
    if config.state != "error":  # else it is told once
        yield _default(env)
    for provider in PROVIDERS.values():
        if provider.needs_key or env.get(provider.key_env, "").strip():
            yield _key(provider, env)


def _config(env: Mapping[str, str]) -> Finding:
    place = config_path(env)
    try:
        default_model(None, {name: text for name, text in env.items() if name != "KONSEHO_MODEL"})
    except UsageError as error:
        return Finding(
            group=_GROUP, name="config", state="error", said=str(error), mend=error.hint
        )  # fmt: skip
    if place is None or not place.exists():
        where = f": {place} may name a model" if place else ""
        return Finding(group=_GROUP, name="config", state="absent", said=f"none{where}")
    return Finding(group=_GROUP, name="config", said=f"{place} can be read")


def _default(env: Mapping[str, str]) -> Finding:
    try:
        name, chosen = default_model(None, env)
        parse_model_name(name)
    except UsageError as error:
        return Finding(
            group=_GROUP, name="default", state="error", said=str(error),
            mend=f"KONSEHO_MODEL or the config is to name one: {error.hint or 'provider:model'}",
        )  # fmt: skip
    if chosen:
        return Finding(group=_GROUP, name="default", said=name)
    return Finding(
        group=_GROUP, name="default", state="absent", said="none: answers are simulated",
        mend="export a key, or KONSEHO_MODEL=provider:model, such as ollama:llama3.2",
    )  # fmt: skip


def _key(provider: Provider, env: Mapping[str, str]) -> Finding:
    name = provider.name
    if not env.get(provider.key_env, "").strip():
        return Finding(
            group=_GROUP, name=name, state="absent", said=f"{provider.key_env} is not set",
            mend=f"export {provider.key_env}=…",
        )  # fmt: skip
    try:
        provider.make(_choice(provider), provider, env, Http())
    except KonsehoError as error:
        return Finding(group=_GROUP, name=name, state="warning", said=str(error), mend=error.hint)
    return Finding(group=_GROUP, name=name, said=f"{provider.key_env} is set")


def _choice(provider: Provider) -> ModelChoice:
    return ModelChoice(
        provider=provider.name, model=provider.default_model or "none", timeout_s=PATIENCE_S,
        max_tokens=1,
    )  # fmt: skip


def examine_network(env: Mapping[str, str]) -> Iterator[Finding]:
    """Proxies; then whether the servers answer that there is a key or an address for, or are here.

    What is sent asks for nothing: a server refuses it, and that it does is the answer.
    """
    yield from _proxies()
    meant = _meant(env)
    asked = [each for each in PROVIDERS.values() if _is_of_interest(each, env, meant)]
    reached = asyncio.run(_reach_all(asked, env))
    for provider, finding in zip(asked, reached, strict=True):
        is_meant = provider.name == meant or provider.needs_key or _stated(provider, env)
        if finding.state == "error" and not is_meant:
            yield Finding(
                group="Network", name=provider.name, state="absent",
                said=f"nothing at {provider.place(_choice(provider), env)}",
            )  # fmt: skip
        else:
            yield finding


def _meant(env: Mapping[str, str]) -> str:
    """The provider of the default model; a config that cannot be read is told elsewhere."""
    try:
        return default_model(None, env)[0].partition(":")[0]
    except UsageError:
        return ""


def _is_of_interest(provider: Provider, env: Mapping[str, str], meant: str) -> bool:
    if not provider.base_url:
        return False  # the simulator
    is_local = not provider.needs_key
    return is_local or provider.name == meant or bool(env.get(provider.key_env, "").strip())


def _stated(provider: Provider, env: Mapping[str, str]) -> bool:
    return bool(provider.base_url_env and env.get(provider.base_url_env, "").strip())


def _proxies() -> Iterator[Finding]:
    for scheme, proxy in urllib.request.getproxies().items():
        if scheme in ("http", "https"):
            # A proxy's address may hold a password.
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            host = parts.netloc.rpartition("@")[2] or "an address that cannot be read"
            said = f"{scheme} through {host}"
            yield Finding(group="Network", name="proxy", said=said)


async def _reach_all(asked: Sequence[Provider], env: Mapping[str, str]) -> list[Finding]:
    return list(await asyncio.gather(*(_reach(provider, env) for provider in asked)))


async def _reach(provider: Provider, env: Mapping[str, str]) -> Finding:
    choice, http, began = _choice(provider), Http(), RealClock.now()
    place = provider.place(choice, env)
    identity = Identity(step="doctor", agent="doctor")
    call = Call(identity=identity, scope=Recorder(RealClock()).root())
    # No messages: every server refuses that, and none answers, which might cost something.
    request = Request(model="", messages=tuple[Message, ...](), max_tokens=1)
    state: State = "ok"
    said, mend = f"{place} answers", None
    try:
        await provider.make(choice, provider, env, http).generate(request, call)
    except KonsehoError as error:
        status = error.status if isinstance(error, ModelError) else None
        if status is None or status in (401, 403, 407) or status >= 500:
            state, said = "error", str(error)
            mend = error.hint or "the server has the trouble: try again later"
        if status == 404:
            state, said, mend = "warning", f"{place} answers 404", "is the address right?"
        if status is not None and status < 400:
            said = f"{place} answers, but not as a server of models does"
            state, mend = "warning", "is it another server that listens there?"
    finally:
        await http.aclose()
    took = show_duration((RealClock.now() - began) / 1e9)
    said = f"{said} in {took}" if state == "ok" else said
    return Finding(group="Network", name=provider.name, state=state, said=said, mend=mend)
