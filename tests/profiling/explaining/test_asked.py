from __future__ import annotations

from typing import Any

import msgspec
import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.packing import pack
from konseho_cli.models.base import Identity, Message, Reply, Request
from konseho_cli.models.cassette import Answered
from konseho_cli.profiling.explaining.asked import Asked, asked_in
from konseho_cli.store.base import CallKept

REQUEST = Request(
    model="m", messages=(Message("system", "You decide."), Message("user", "Tabs or spaces?"))
)


def call(body: bytes | None = None, request: Request | None = REQUEST) -> CallKept:
    if body is None:
        answered = Answered(
            identity=Identity(step="pick", agent="ann").parts(), hash="0", source="model",  # type: ignore[arg-type]
            start=0, duration=1, reply=Reply(text="Tabs.", model="sim:fast"), request=request,
        )  # fmt: skip
        body = pack(msgspec.to_builtins(answered))
    figures: dict[str, Any] = dict.fromkeys(
        ("iteration", "turn", "repair", "tool_turn", "start", "end", "input_tokens",
         "output_tokens", "cached_tokens", "written_tokens", "wasted_tokens", "requests",
         "retries", "hedges"), 0,
    )  # fmt: skip
    return CallKept(
        run="r", path="pick", item="", agent="ann", step="pick", label="", model="sim:fast",
        status="ok", source="model", cost=None, error="", body=body, **figures,
    )  # fmt: skip


def test_what_a_call_was_asked_is_read_from_what_is_kept() -> None:
    (asked,) = asked_in([call()])
    assert (asked.step, asked.agent, asked.prompt) == ("pick", "ann", "Tabs or spaces?")
    assert asked.messages[0].text == "You decide."


def test_a_call_whose_request_was_not_kept_is_left_out() -> None:
    assert asked_in([call(request=None)]) == ()


def test_who_was_told_nothing_has_no_prompt() -> None:
    assert Asked(step="a", agent="b", label="", messages=()).prompt == ""


def test_a_call_that_cannot_be_read_is_named() -> None:
    with pytest.raises(StoreFailed, match="a call of step 'pick' of run r cannot be read"):
        asked_in([call(body=b"junk")])
