"""What is marked for Anthropic's prompt cache, and what comes back of it."""

from __future__ import annotations

from typing import Any

from konseho_cli.models.anthropic import _body
from konseho_cli.models.base import Message, Request

MARK = {"type": "ephemeral"}
LONG = "s" * 4096


def body(
    system: str = "Be brief.", *turns: str, stable: int = 0, model: str = "claude-sonnet-4-5"
) -> Any:
    roles = ("user", "assistant") * 3
    messages = [Message("system", system)] if system else []
    said = [Message(role, text) for role, text in zip(roles, turns or ("hi",), strict=False)]
    return _body(Request(model=model, messages=(*messages, *said)), stable)


def test_a_short_prompt_is_sent_without_marks() -> None:
    sent = body("Be brief.", "hello")
    assert sent["system"] == "Be brief."
    assert sent["messages"] == [{"role": "user", "content": "hello"}]


def test_a_long_system_prompt_is_marked() -> None:
    assert body(LONG)["system"] == [{"type": "text", "text": LONG, "cache_control": MARK}]


def test_what_is_long_enough_depends_on_the_model() -> None:
    assert body(LONG, model="claude-haiku-4-5")["system"] == LONG
    assert isinstance(body(LONG * 4, model="claude-haiku-4-5")["system"], list)


def test_a_beginning_that_others_share_is_a_block_of_its_own() -> None:
    sent = body("Be brief.", LONG + "and my own part", stable=4096)
    assert sent["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": LONG, "cache_control": MARK},
                {"type": "text", "text": "and my own part"},
            ],
        }
    ]


def test_a_message_that_is_shared_whole_has_no_empty_block() -> None:
    for text in (LONG, LONG + "\n"):
        (only,) = body("", text, stable=4096)["messages"][0]["content"]
        assert only == {"type": "text", "text": text, "cache_control": MARK}


def test_the_system_prompt_counts_for_what_comes_after_it() -> None:
    sent = body(LONG, "shared|own", stable=7)
    assert [len(sent["system"]), len(sent["messages"][0]["content"])] == [1, 2]


def test_a_shared_beginning_that_is_too_short_is_not_marked() -> None:
    assert body("Be brief.", "shared|own", stable=7)["messages"][0]["content"] == "shared|own"


def test_a_repair_finds_the_beginning_where_the_first_call_left_it() -> None:
    first = body("Be brief.", LONG + "own", stable=4096)
    again = body("Be brief.", LONG + "own", "wrong", "Repair it.", stable=4096)
    assert again["messages"][0] == first["messages"][0]
    assert [each["content"] for each in again["messages"][1:]] == ["wrong", "Repair it."]


def test_there_are_never_more_marks_than_four() -> None:
    sent = body(LONG, LONG + "own", "wrong", LONG, stable=4096)
    assert str(sent).count("cache_control") == 2


def test_an_independent_server_takes_the_blocks(tools: Any, aimock: str) -> None:
    asked = [
        Request(
            model="claude-sonnet-4-5",
            messages=(Message("system", LONG), Message("user", f"{LONG}\n{who}: the weather?")),
        )
        for who in ("Ann", "Bob")
    ]
    heard = tools.talk(
        None,
        "anthropic:claude-sonnet-4-5",
        base_url=aimock,
        env={"ANTHROPIC_API_KEY": "test-key-of-the-independent-server"},
        requests=asked,
        at_once=True,
        cache="warm",
    )
    assert not heard.errors
    assert all(reply.text.startswith("Sunny in Zürich") for reply in heard.replies)
    assert heard.kinds.count("queue.warm") == 1


def test_on_the_wire_a_fan_out_marks_what_its_calls_share(tools: Any) -> None:
    stream = (
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, '
        b'"delta": {"type": "text_delta", "text": "Hello"}}\n\n',
        b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
    )
    texts = [f"{LONG}\n{who}" for who in ("Ann", "Bob", "Cid")]
    asked = [Request(model="claude-sonnet-4-5", messages=(Message("user", t),)) for t in texts]
    heard = tools.talk(
        tools.streams(*stream),
        "anthropic:claude-sonnet-4-5",
        env={"ANTHROPIC_API_KEY": "sk-ant-12345678"},
        requests=asked,
        at_once=True,
        cache="warm",
    )
    assert [reply.text for reply in heard.replies] == ["Hello"] * 3
    contents = [each["messages"][0]["content"] for each in heard.bodies]
    kept = {"type": "text", "text": f"{LONG}\n", "cache_control": MARK}
    assert [content[0] for content in contents] == [kept] * 3
    assert sorted(content[1]["text"] for content in contents) == ["Ann", "Bob", "Cid"]
