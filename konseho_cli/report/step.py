"""One step of a finished run, whole: what was said, ballots, rounds, errors, what each call took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.engine.outcome import CallRecord, RunOutcome, StepOutcome
from konseho_cli.engine.within import by_step, within
from konseho_cli.profiling.explaining.asked import Asked
from konseho_cli.report.json import FORMAT, call_document, dump, step_document
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, one_line, plural
from konseho_cli.steps.base import as_text
from konseho_cli.version import __version__


def step_text(outcome: RunOutcome, step: StepOutcome, symbols: Symbols) -> str:
    """All of it; texts as they are."""
    calls = by_step(outcome.calls)
    return "\n\n".join(block for block in _blocks(step, calls, symbols) if block)


def step_json(outcome: RunOutcome, step: StepOutcome, asked: Sequence[Asked] | None) -> str:
    """The step and its calls as in the JSON of a run; `asked`: None leaves the prompts out."""
    calls = by_step(outcome.calls)
    document = {
        "konseho": FORMAT,
        "version": __version__,
        "run": outcome.run,
        "step": step_document(outcome, step, calls),
        "calls": [call_document(outcome, call) for call in calls.get(step.id, ())],
    }
    if asked is not None:
        document["prompts"] = asked_documents(asked)
    return dump(document)


def asked_text(asked: Sequence[Asked]) -> str:
    """What each call was asked, message by message."""
    if not asked:
        return "No prompt was kept: nobody was asked."
    return "\n\n".join("\n\n".join(_asked(one)) for one in asked)


def asked_documents(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [
        {
            "step": one.step,
            "agent": one.agent,
            "label": one.label,
            "messages": [{"role": each.role, "text": each.text} for each in one.messages],
        }
        for one in asked
    ]


def _asked(one: Asked) -> Iterator[str]:
    yield _rule(f"{one.step}{f' {one.label}' if one.label else ''}/{one.agent}", "===")
    for message in one.messages:
        role = {"system": "role", "user": "prompt", "assistant": "answer"}[message.role]
        yield f"[{role}]\n{message.text.strip()}"


def _blocks(
    step: StepOutcome, calls: Mapping[str, Sequence[CallRecord]], symbols: Symbols
) -> Iterator[str]:
    yield _heading(step, symbols)
    yield _inside(step, calls, symbols)
    if step.kind == "debate":
        yield from _rounds(step)
    if step.kind == "vote":
        yield from _ballots(step)
    if step.kind == "split":
        yield from _pieces(step)
    if step.kind == "refine":
        yield from _versions(step)
    if step.kind not in ("debate", "refine") or not step.details.get("rounds"):
        for part in step.parts:
            yield f"{_rule(part.label)}\n{part.text.strip()}"
    own = [call for call in calls.get(step.id, ()) if call.step == step.id]
    if own:
        yield _usage(own, symbols)


def _inside(step: StepOutcome, calls: Mapping[str, Sequence[CallRecord]], symbols: Symbols) -> str:
    """The steps that it holds, a line each; each can be shown by its address."""
    rows = []
    for inner in within(step):
        took = inner.start is not None and inner.end is not None
        own = calls.get(inner.id, ())
        rows.append((
            f"{symbols.of(inner.status)} {inner.id}", inner.kind,
            show_duration(((inner.end or 0) - (inner.start or 0)) / 1e9) if took else "",
            plural(len(own), "call") if own else "",
            one_line("; ".join(inner.reasons)),
        ))  # fmt: skip
    return "\n".join(_columns(rows, right=(2, 3)))


def _heading(step: StepOutcome, symbols: Symbols) -> str:
    took = ""
    if step.start is not None and step.end is not None:
        took = f" in {show_duration((step.end - step.start) / 1e9)}"
    lines = [f"{symbols.of(step.status)} {step.id}: {step.kind}, {step.status}{took}"]
    lines += [f"  {symbols.degraded} {one_line(reason)}" for reason in step.reasons]
    return "\n".join(lines)


def _rounds(step: StepOutcome) -> Iterator[str]:
    """Every position of every round."""
    rounds, accounts = step.details.get("rounds"), step.details.get("accounts") or ()
    for number, spoken in enumerate(rounds if isinstance(rounds, list) else ()):
        name = f"round {number}" if number else "proposal"
        for agent, said in spoken.items():
            agree = {True: ", agrees", False: ", does not agree"}.get(said.get("agree"), "")
            text = as_text(said.get("position")).strip()
            yield f"{_rule(f'{agent}, {name}{agree}')}\n{text}"
        for account in accounts:
            if account.get("round") == number:
                yield _account(account)


def _account(account: Mapping[str, Any]) -> str:
    agreed = "agreed" if account.get("agreed") else "not agreed"
    lines = [_rule(f"{account.get('moderator')} moderates: {agreed}"), str(account.get("summary"))]
    return "\n".join(
        [*lines, *(f"- still open: {one}" for one in account.get("open_points") or ())]
    )


def _versions(step: StepOutcome) -> Iterator[str]:
    """Every version, and all that was said of it."""
    rounds = step.details.get("rounds")
    for number, one in enumerate(rounds if isinstance(rounds, list) else (), 1):
        name = f"version {number} of {step.details.get('worker')}"
        yield f"{_rule(name)}\n{as_text(one.get('version')).strip()}"
        for critic, said in (one.get("critiques") or {}).items():
            judged = "approves" if said.get("approves") else "does not approve"
            lines = [str(said.get("summary") or "").strip()]
            for point in said.get("points") or ():
                lines.append(f"- ({point.get('severity')}) {point.get('what')}")
                lines += [
                    f"  {key}: {point[key]}" for key in ("why", "suggestion") if point.get(key)
                ]
            rule = _rule(f"{critic} on version {number}: {judged}")
            yield "\n".join([rule, *filter(None, lines)])
        for critic, why in (one.get("missing") or {}).items():
            yield _rule(f"{critic} did not judge version {number}: {why}")


def _ballots(step: StepOutcome) -> Iterator[str]:
    """Candidates, then every ballot with its reason; dissent is marked."""
    details = step.details
    for one in details.get("candidates") or ():
        score = (details.get("scores") or {}).get(one.get("key"))
        counted = "" if score is None else f", {score}"
        won = ", winner" if one.get("key") == details.get("winner") else ""
        name = f"candidate {one.get('key')} ({one.get('label')}){counted}{won}"
        yield f"{_rule(name)}\n{as_text(one.get('candidate')).strip()}"
    dissent = {one.get("voter") for one in details.get("dissent") or ()}
    for ballot in details.get("ballots") or ():
        vote = ballot.get("vote")
        said = ", ".join(vote) if isinstance(vote, list) else vote or ballot.get("status")
        against = ", dissent" if ballot.get("voter") in dissent else ""
        again = "second " if ballot.get("round") == 2 else ""
        rule = _rule(f"{again}ballot of {ballot.get('voter')}: {said}{against}")
        yield f"{rule}\n{str(ballot.get('reason') or '').strip()}".rstrip()
    if details.get("tie"):
        yield f"A tie was resolved: {details['tie']}"


def _pieces(step: StepOutcome) -> Iterator[str]:
    """Whose answers are not among the parts, because a merger wrote one of them all."""
    said = {part.text for part in step.parts}
    for piece in step.details.get("pieces") or ():
        text = as_text(piece.get("answer"))
        if text not in said:
            done = text.strip() if piece.get("answer") is not None else "(not done)"
            rule = _rule(f"piece {piece.get('index')}, {piece.get('instance')}")
            yield f"{rule}\n{done}"


def _usage(calls: Sequence[CallRecord], symbols: Symbols) -> str:
    """A line a call: who, how it ended, what it took."""
    rows = [_call(call, symbols) for call in calls]
    return "\n".join((plural(len(calls), "call"), *_columns(rows, right=(2, 3, 4))))


def _columns(rows: Sequence[tuple[str, ...]], right: tuple[int, ...]) -> Iterator[str]:
    """Side by side; those in `right` are figures."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        texts = [
            " " * (width - cells(text)) + text
            if place in right
            else text + " " * (width - cells(text))
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(text for text in texts if text)}".rstrip()


def _call(call: CallRecord, symbols: Symbols) -> tuple[str, ...]:
    source = "" if call.source == "model" else f"from {call.source}"
    again = plural(call.retries, "retry").replace("retrys", "retries") if call.retries else ""
    hedges = plural(call.hedges, "hedge") if call.hedges else ""
    usage = f"{show_count(call.usage.input_tokens)} in {show_count(call.usage.output_tokens)} out"
    return (
        f"{symbols.of(call.status)} {call.agent}",
        one_line(call.label),
        show_duration((call.end - call.start) / 1e9),
        usage,
        show_money(call.cost) if call.cost else "",
        call.model,
        ", ".join(filter(None, (source, again, hedges, one_line(call.error)))),
    )


def _rule(name: str, stroke: str = "---") -> str:
    return f"{stroke} {one_line(name)} {stroke}"
