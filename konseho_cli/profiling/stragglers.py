"""What the last answer of each round cost, seen from the others."""

from __future__ import annotations

from konseho_cli.profiling.analysis import Straggler
from konseho_cli.profiling.rounds import Round, rounds_of
from konseho_cli.profiling.trace import Named, Trace
from konseho_cli.telemetry.spans import Span


def stragglers_of(trace: Trace) -> tuple[Straggler, ...]:
    """Every round that more than one answered, the costliest first."""
    found = [
        _straggler(trace, each) for each in rounds_of(trace) if each.step and len(each.ended) > 1
    ]
    return tuple(sorted(found, key=lambda one: -one.cost))


def _straggler(trace: Trace, each: Round) -> Straggler:
    ended = each.ended
    last, begun = ended[-1], each.barrier.start
    labels = {_answer(trace, span).label for span in ended}
    # A branch that failed settled, but is none of those that make a quorum.
    answered = [span for span in ended if "error" not in span.attributes]
    majority = int(each.barrier.attributes.get("branches", len(ended))) // 2 + 1
    enough = answered[majority - 1].end if len(answered) >= majority else last.end
    return Straggler(
        step=each.step,
        label=labels.pop() if len(labels) == 1 else "",
        agent=_answer(trace, last).agent,
        answers=len(ended),
        last=last.end - begun,
        cost=last.end - ended[-2].end,
        quorum_cost=last.end - enough,
    )


def _answer(trace: Trace, last: Span) -> Named:
    """What the last call of a branch is about."""
    for span in reversed(trace.by_task[last.task]):
        if span.kind == "ask":
            return trace.named(span)
    return trace.named(last)
