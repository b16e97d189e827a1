from __future__ import annotations

import pytest
from msgspec import structs

from konseho_cli.models.service_state import ServiceState
from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.report.frame import as_text
from konseho_cli.report.summary import MOST_STOPS, stops, summary
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.spec.document import Targets
from konseho_cli.steps.ask import Ask


def test_a_run_is_one_line_and_what_must_be_known(outcome):
    assert as_text(summary(outcome, verdicts(outcome, Targets(calls=2)), UNICODE)).splitlines() == [
        "✖ target missed, run degraded in 3.0 s · 4 calls · 9 tokens · $0.030 · critical path: aside/cid → verdict/dee",
        "  warning: a step is never read",
        "  ▲ review: bob was dropped: 503: busy",
        "  gate: true",
        "  ✖ target calls: 4, allowed 2",
    ]


def test_a_plain_terminal_gets_plain_letters(outcome):
    assert as_text(summary(outcome, (), ASCII)).isascii()


def test_calls_that_asked_no_model_are_counted_apart(outcome):
    first, second, *rest = outcome.calls
    calls = (structs.replace(first, source="cache"), structs.replace(second, source="flight"))
    line = as_text(summary(structs.replace(outcome, calls=(*calls, *rest)), (), UNICODE))
    assert "4 calls · 1 of 4 from cache · 1 of 4 shared · 9 tokens" in line


def test_simulated_answers_are_named(outcome):
    simulated = structs.replace(outcome, simulated=True)
    assert " · simulated · " in as_text(summary(simulated, (), UNICODE))
    assert "simulated" not in as_text(summary(outcome, (), UNICODE))


def test_what_the_error_says_is_not_said_twice(failed):
    assert "verdict:" not in as_text(summary(failed, (), UNICODE))
    assert "busy" in failed.error


def test_a_reason_cannot_drive_the_terminal(outcome):
    step = structs.replace(outcome.steps[0], reasons=("\x1b[2Jgone\nnext",))
    evil = structs.replace(outcome, steps=(step,))
    text = as_text(summary(evil, (), UNICODE))
    assert "\x1b" not in text
    assert "review: gone next" in text


@pytest.mark.parametrize(("length", "shown"), [(6, 6), (9, 7)])
def test_a_long_critical_path_is_told_by_its_ends(stage, length, shown):
    steps = {f"s{n}": Ask(agent="ann") for n in range(length)}
    path = stops(stage.run(steps))
    assert len(path) == shown
    assert path[0] == "s0/ann"
    assert path[-1] == f"s{length - 1}/ann"
    assert (f"{length - MOST_STOPS} more" in path) == (length > MOST_STOPS)


def test_a_false_gate_is_the_first_word(outcome) -> None:
    refused = structs.replace(outcome, status="ok", gate=False)
    line = "".join(piece.text for piece in summary(refused, (), UNICODE)[0])
    assert line.startswith("✖ gate false, run ok in ")


def test_where_some_prices_are_unknown_the_known_ones_are_the_least(outcome) -> None:
    calls = (*outcome.calls[:-1], structs.replace(outcome.calls[-1], cost=None))
    line = "".join(
        piece.text for piece in summary(structs.replace(outcome, calls=calls), (), UNICODE)[0]
    )
    assert "$0.020 or more" in line


def test_a_server_in_trouble_is_named(outcome) -> None:
    service = ServiceState(
        model="openai:m", address="", circuit="open", failures=5, concurrency=16,
        requests=1023, throttled=23, hedges=0,
    )  # fmt: skip
    text = as_text(summary(structs.replace(outcome, services=(service,)), (), UNICODE))
    assert "openai:m: its circuit is open after 5 failures" in text
    assert "openai:m: 23 of 1,023 requests were refused with a 429" in text


def test_a_step_that_was_skipped_is_no_warning(outcome) -> None:
    step = structs.replace(outcome.steps[0], status="skipped", reasons=("`when` is false",))
    lines = summary(structs.replace(outcome, status="ok", steps=(step,)), (), UNICODE)
    (skipped,) = [line for line in lines if "when" in as_text((line,))]
    assert as_text((skipped,)) == f"  – {step.id} was skipped: `when` is false"
    assert skipped[0].style == "dim"
