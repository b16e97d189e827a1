"""`sim`: the embedded simulator. Seeded latencies, words from the prompt, documents from a schema.

The same run gives the same answers at the same times. Every text starts with `[simulated]` and
every document says it in its strings, so that none can be taken for a real answer.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
from collections.abc import Mapping

import msgspec
from msgspec import structs

from konseho_cli.core.errors import ModelUnavailable, UsageError
from konseho_cli.core.hashing import rng
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.core.units import Duration
from konseho_cli.models.base import Call, Reply, Request, Usage
from konseho_cli.models.sim_document import example

MARK = "[simulated]"
_CHARS_PER_TOKEN = 4
_PIECES = 12
"""Chunks that an answer streams in, at most."""
_WORD = re.compile(r"[^\W\d_]{4,}")


class SimSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the simulator behaves; latencies are medians of lognormal distributions."""

    ttft: float = 0.3
    """Seconds to the first token."""
    tps: float = 80.0
    """Tokens a second after it."""
    tokens: float = 120.0
    """Length of a free-text answer."""
    spread: float = 0.4
    """Sigma of the lognormals; 0: always the median."""
    errors: float = 0.0
    """Share of attempts that fail with a 503."""


PRESETS: Mapping[str, SimSettings] = {
    "": SimSettings(),
    "fast": SimSettings(ttft=0.05, tps=400.0, tokens=60.0),
    "slow": SimSettings(ttft=1.5, tps=25.0, tokens=300.0),
    "flaky": SimSettings(errors=0.2),
    "instant": SimSettings(ttft=0.0, tps=math.inf, spread=0.0),
}


def sim_settings(name: str) -> SimSettings:
    """From the part behind `sim:`: a preset, parameters, or both: `fast,errors=0.1,ttft=2s`.

    Raises UsageError naming what is unknown.
    """
    settings = PRESETS[""]
    parts = [part.strip() for part in name.split(",")] if name else []
    for place, part in enumerate(parts):
        key, given, value = part.partition("=")
        if place and not given:
            raise UsageError(f"sim:{name}: a preset comes first", hint="as in sim:fast,errors=0.1")
        known = set(SimSettings.__struct_fields__) if given else set(PRESETS) - {""}
        if key not in known:
            raise UsageError(
                f"sim: unknown {'parameter' if given else 'preset'} '{key}'",
                hint=did_you_mean(key, known) or f"known: {', '.join(sorted(known))}",
            )
        settings = (
            structs.replace(settings, **{key: _number(key, value)}) if given else PRESETS[key]
        )
    return settings


def _number(key: str, value: str) -> float:
    try:
        number = float(Duration(value)) if key == "ttft" else float(value)
    except ValueError:
        number = math.nan
    most = {"errors": 1.0, "spread": 5.0, "tps": math.inf}.get(key, 1e6)
    if not 0 <= number <= most or (key == "tps" and number == 0):
        raise UsageError(f"sim: {key}={value} is not possible")
    return number


class SimModel:
    """A Model that needs no server."""

    __slots__ = ("_name", "_settings")

    def __init__(self, name: str = "") -> None:
        self._name = f"sim:{name}" if name else "sim"
        self._settings = sim_settings(name)

    @property
    def may_fail(self) -> bool:
        """Whether it makes errors, so that somebody ought to try again."""
        return self._settings.errors > 0

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer after the simulated time. Raises ModelUnavailable at the set error rate."""
        settings = self._settings
        chance = rng(call.seed, call.identity.parts())
        first_s = _lognormal(chance, settings.ttft, settings.spread)
        fails = settings.errors > 0 and chance.random() < settings.errors
        with call.scope.span("ttft"):
            if first_s:
                await asyncio.sleep(first_s)
            if fails:
                raise ModelUnavailable(f"{self._name}: simulated failure", status=503)
        text = self._text(request, call, chance)
        usage = Usage(
            input_tokens=sum(len(message.text) for message in request.messages) // _CHARS_PER_TOKEN,
            output_tokens=max(1, len(text) // _CHARS_PER_TOKEN),
        )
        with call.scope.span("stream"):
            await self._stream(text, usage.output_tokens / settings.tps, call)
        return Reply(text=text, model=self._name, usage=usage)

    def _text(self, request: Request, call: Call, chance: random.Random) -> str:
        prompt = request.messages[-1].text
        words = rng("words", prompt, call.identity.agent)
        if request.schema is not None:
            document = example(request.schema, words, MARK)
            return json.dumps(document, ensure_ascii=False)
        length = _lognormal(chance, self._settings.tokens, self._settings.spread)
        return _prose(prompt, int(length * _CHARS_PER_TOKEN), words)

    async def _stream(self, text: str, seconds: float, call: Call) -> None:
        if call.on_text is None:
            if seconds:
                await asyncio.sleep(seconds)
            return
        size = max(1, math.ceil(len(text) / _PIECES))
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        for piece in pieces:
            if seconds:
                await asyncio.sleep(seconds / len(pieces))
            call.on_text(piece)


def _lognormal(chance: random.Random, median: float, sigma: float) -> float:
    return median * math.exp(chance.gauss(0, sigma)) if median and sigma else median


def _prose(prompt: str, length: int, words: random.Random) -> str:
    """Sentences of the prompt's own words, about `length` characters."""
    vocabulary = list(dict.fromkeys(word.lower() for word in _WORD.findall(prompt[-20_000:])))
    vocabulary = vocabulary or ["nothing", "was", "asked"]
    text = MARK
    while len(text) < length:
        count = words.randint(5, 12)
        sentence = " ".join(words.choice(vocabulary) for _ in range(count))
        text += f" {sentence.capitalize()}."
    return text
