"""The OpenAI client against servers that nobody here wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.models.base import Usage

KEY = {"OPENAI_API_KEY": "test-key-of-the-independent-server"}
SCHEMA = {
    "type": "object",
    "properties": {"approve": {"type": "boolean"}, "why": {"enum": ["cost", "risk", "none"]}},
    "required": ["approve", "why"],
    "additionalProperties": False,
}


def ask(
    tools: Any, aimock: str, *prompts: str, env: dict[str, str] | None = None, **more: Any
) -> Any:
    requests = [tools.ask(prompt, **more.pop("request", {})) for prompt in prompts]
    return tools.talk(None, base_url=f"{aimock}/v1", env=env or KEY, requests=requests, **more)


def test_an_answer_streams_with_its_usage(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "How is the weather?", show=True)
    assert heard.reply.text == "Sunny in Zürich, 21 °C ☀️, with a light breeze from the lake."
    assert heard.reply.usage == Usage(input_tokens=11, output_tokens=17)
    assert len(heard.shown) > 2
    assert heard.kinds == ["connect", "ttft", "stream"]


def test_an_answer_that_is_cut_off_says_so(tools: Any, aimock: str) -> None:
    assert ask(tools, aimock, "cut me off").reply.finish == "length"


def test_structured_output_is_asked_for_by_response_format(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "Do you approve?", request={"schema": SCHEMA})
    assert json.loads(heard.reply.text) == {"approve": True}


def test_a_busy_server_is_asked_again(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "busy once, please")
    assert heard.reply.text == "Thank you for your patience."
    assert heard.retries[0][0] == "openai:m: 429: slow down"
    assert "backoff" in heard.kinds


def test_a_broken_server_stays_broken_after_the_last_attempt(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "broken", attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert str(heard.error) == "openai:m: 500: the model fell over"


def test_a_stream_that_is_hung_up_is_an_error_with_its_beginning(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "hang up", attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert "This is a long answer".startswith(heard.error.partial[:20])
    assert heard.error.partial


def test_a_wrong_key_is_refused_with_a_hint_and_without_the_key(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, "hello", env={"OPENAI_API_KEY": "sk-wrong-0123456789"})
    assert isinstance(heard.error, ModelRefused)
    assert heard.error.status == 401
    assert heard.error.hint.startswith("is OPENAI_API_KEY set")
    assert "0123456789" not in str(heard.error)


def test_an_unknown_address_is_refused_with_a_hint(tools: Any, aimock: str) -> None:
    heard = tools.talk(None, base_url=f"{aimock}/nowhere", env=KEY)
    assert isinstance(heard.error, ModelRefused)
    assert "base_url" in heard.error.hint


def test_many_calls_at_once_are_all_answered(tools: Any, aimock: str) -> None:
    heard = ask(tools, aimock, *["weather"] * 200, at_once=True)
    assert len(heard.replies) == 200
    assert heard.errors == []


def test_llama_cpp_streams_noise_with_real_usage(tools: Any, llama: str) -> None:
    request = tools.ask("hello", max_tokens=12, seed=1, temperature=0.8)
    heard = tools.talk(None, "vllm:m", base_url=f"{llama}/v1", requests=[request], show=True)
    assert heard.reply.text == "".join(heard.shown)
    assert heard.reply.finish == "length"
    assert heard.reply.usage.output_tokens == 12
    assert heard.reply.usage.input_tokens > 0


@pytest.mark.parametrize(
    "schema", [SCHEMA, {"type": "array", "items": SCHEMA, "minItems": 2, "maxItems": 3}]
)
def test_llama_cpp_keeps_to_a_schema(tools: Any, llama: str, schema: dict[str, Any]) -> None:
    request = tools.ask("Do you approve?", schema=schema, max_tokens=400, seed=1)
    heard = tools.talk(None, "vllm:m", base_url=f"{llama}/v1", requests=[request])
    value = json.loads(heard.reply.text)
    first = value[0] if isinstance(value, list) else value
    assert first.keys() == {"approve", "why"}
    assert isinstance(first["approve"], bool)


def test_llama_cpps_own_error_is_shown(tools: Any, llama: str) -> None:
    request = tools.ask("word " * 20_000, max_tokens=4)
    heard = tools.talk(None, "vllm:m", base_url=f"{llama}/v1", requests=[request])
    assert isinstance(heard.error, ModelRefused)
    assert heard.error.status == 400
    assert "context" in str(heard.error)


def test_no_call_is_lost_on_connections_that_llama_cpp_drops(tools: Any, llama: str) -> None:
    requests = [tools.ask(f"hello {n}", schema={"enum": [1, 2]}, max_tokens=60) for n in range(300)]
    one_by_one = tools.talk(None, "vllm:m", base_url=f"{llama}/v1", requests=requests[:150])
    at_once = tools.talk(
        None, "vllm:m", base_url=f"{llama}/v1", requests=requests[150:], at_once=True
    )
    for heard in (one_by_one, at_once):
        assert heard.errors == []
        assert {reply.text for reply in heard.replies} <= {"1", "2"}
        assert len(heard.replies) == 150
        assert heard.retries == []
    # it closes every connection at the request that follows a streamed answer
    assert any("error" in span.attributes for span in one_by_one.spans)
