from __future__ import annotations

import io

from konseho_cli.report.progress import Progress
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.view import RunView
from konseho_cli.telemetry.events import AskFinished, AskRetried, Warned


def told(events, symbols=UNICODE, remark=""):
    stream = io.StringIO()
    progress = Progress(RunView(council="small", models=("m",)), stream.write, symbols)
    progress.begin(remark)
    progress(events)
    return stream.getvalue().splitlines()


def test_every_step_has_a_line_when_it_starts_and_when_it_ends(events):
    assert told(events) == [
        "small · m",
        "  review: parallel · ann, bob",
        "  aside: ask · cid",
        "  review: bob failed · 503: busy",
        "  review: degraded in 1.2 s · 2 calls · 3 tokens · $0.010",
        "    bob was dropped: 503: busy",
        "  aside: ok in 2.0 s · 1 call · 3 tokens · $0.010",
        "  verdict: chair · dee",
        "  verdict: ok in 1.0 s · 1 call · 3 tokens · $0.010",
    ]


def test_a_person_who_does_not_answer_did_not_fail():
    lost = AskFinished(
        at=1, step="ok", agent="ann", call=1, status="failed", source="human", model="human:ann",
        input_tokens=0, output_tokens=0, cost=None, error="nobody is there",
    )  # fmt: skip
    assert told([lost])[1:] == ["  ok: nobody answered · nobody is there"]


def test_a_plain_stream_gets_plain_letters(events):
    assert all(line.isascii() for line in told(events, ASCII))


def test_what_must_be_known_is_in_the_first_line():
    assert told([], remark="simulated answers") == ["small · m · simulated answers"]


def test_retries_and_warnings_are_told():
    retry = AskRetried(at=0, step="s", agent="ann", call=1, reason="503\nbusy", wait_s=1.5)
    assert told([retry, Warned(at=0, message="be\nware")])[1:] == [
        "  s: ann · again in 1.5 s: 503 busy",
        "  warning: be ware",
    ]
