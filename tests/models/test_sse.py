from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.sse import EventTooLong, SseEvent, SseParser


def parse(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close()


def test_an_event_is_its_data_until_a_blank_line() -> None:
    assert parse(b'data: {"a": 1}\n\n') == [SseEvent("message", b'{"a": 1}')]


def test_the_name_of_an_event_ends_with_it() -> None:
    found = parse(b"event: ping\ndata: 1\n\ndata: 2\n\n")
    assert found == [SseEvent("ping", b"1"), SseEvent("message", b"2")]


def test_several_data_lines_are_joined() -> None:
    assert parse(b"data: a\ndata:b\ndata\ndata:  c\n\n") == [SseEvent("message", b"a\nb\n\n c")]


def test_comments_ids_and_unknown_fields_are_let_pass() -> None:
    assert parse(b": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\nfoo: bar\ndata: x\n\n") == [
        SseEvent("message", b"x")
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_any_of_the_three_ways(end: bytes) -> None:
    assert parse(end.join((b"data: a", b"", b"data: b", b"", b""))) == [
        SseEvent("message", b"a"),
        SseEvent("message", b"b"),
    ]


def test_a_byte_order_mark_counts_only_at_the_start() -> None:
    assert parse(b"\xef\xbb\xbfdata: a\n\n") == [SseEvent("message", b"a")]
    assert parse(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == [SseEvent("message", b"a")]


def test_an_event_without_data_is_none() -> None:
    assert parse(b"event: ping\n\ndata:\n\n") == []


def test_a_last_event_without_its_blank_line_still_comes() -> None:
    assert parse(b"data: [DONE]") == [SseEvent("message", b"[DONE]")]


def test_an_endless_line_is_an_error_before_it_fills_the_memory() -> None:
    parser = SseParser(limit=100)
    for _ in range(7):
        assert parser.feed(b"data: aaaaaaa") == []
    with pytest.raises(EventTooLong):
        parser.feed(b"data: aaaaaaa")


def test_an_endless_event_is_an_error_too() -> None:
    parser = SseParser(limit=100)
    for _ in range(7):
        assert parser.feed(b"data: aaaaaaa\n") == []
    with pytest.raises(EventTooLong):
        parser.feed(b"data: aaaaaaa\n")


def test_its_bound_is_said_as_a_size() -> None:
    with pytest.raises(EventTooLong, match=r"more than 8\.0 MiB"):
        SseParser().feed(b"x" * (9 << 20))


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["", "data", "data:", "data: [DONE]", "event: error", "event", ": comment", "\ufeff"]
        ),
        st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12).map(
            lambda text: f"data: {text}"
        ),
    ),
    max_size=12,
)


@given(
    lines=LINES,
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=12, max_size=12),
    mark=st.booleans(),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_any_split_of_the_bytes_gives_the_same_events(
    lines: list[str], ends: list[str], mark: bool, cuts: list[int]
) -> None:
    text = "".join(line + end for line, end in zip(lines, ends, strict=False))
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert parse(*pieces) == parse(data) == parse(*(bytes([byte]) for byte in data))
