"""The Anthropic client against a server that nobody here wrote."""

from __future__ import annotations

import json
from typing import Any

from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.models.base import Message, Request, Usage

KEY = {"ANTHROPIC_API_KEY": "test-key-of-the-independent-server"}
CLAUDE = "anthropic:claude-haiku-4-5"


def ask(
    tools: Any, aimock: str, prompt: str, env: dict[str, str] | None = None, **more: Any
) -> Any:
    messages = (Message("system", "Be brief."), Message("user", prompt))
    request = Request(model="claude-haiku-4-5", messages=messages, schema=more.pop("schema", None))
    return tools.talk(None, CLAUDE, base_url=aimock, env=env or KEY, requests=[request], **more)


def test_an_answer_streams_with_its_usage(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "How is the weather?", show=True)
    assert heard.reply.text == "Sunny in Zürich, 21 °C ☀️, with a light breeze from the lake."
    assert heard.reply.usage == Usage(input_tokens=11, output_tokens=17)
    assert len(heard.shown) > 2
    assert heard.kinds == ["connect", "ttft", "stream"]


def test_an_answer_that_is_cut_off_says_so(tools: Any, aimock: str) -> None:
    assert ask(tools, aimock, "cut me off").reply.finish == "length"


def test_structured_output_is_a_forced_tool(tools: Any, aimock: str) -> None:
    schema = {"type": "object", "properties": {"approve": {"type": "boolean"}}}
    heard = ask(tools, aimock, "Do you approve?", schema=schema)
    assert json.loads(heard.reply.text) == {"approve": True}
    assert heard.reply.finish == "stop"


def test_an_overloaded_server_is_asked_again(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "overloaded once, please")
    assert heard.reply.text == "Here again."
    assert heard.retries[0][0] == f"{CLAUDE}: 529: Overloaded"


def test_a_stream_that_is_hung_up_is_an_error_with_its_beginning(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "hang up", attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert heard.error.partial.startswith("This is")


def test_a_wrong_key_is_refused_with_a_hint(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "hello", env={"ANTHROPIC_API_KEY": "sk-ant-wrong-0123456789"})
    assert isinstance(heard.error, ModelRefused)
    assert heard.error.status == 401
    assert heard.error.hint.startswith("is ANTHROPIC_API_KEY set")
    assert "0123456789" not in str(heard.error)
