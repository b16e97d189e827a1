"""Why a run came to its answer, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from konseho_cli.profiling.explaining.debates import DebateAccount
from konseho_cli.profiling.explaining.excerpt import Excerpt
from konseho_cli.profiling.explaining.explanation import Explanation, StepAccount
from konseho_cli.profiling.explaining.votes import VoteAccount
from konseho_cli.report.explain import (
    MOST_STOPS,
    account_words,
    ballot_words,
    calls_sentences,
    had_sentence,
    has_new_words,
    heading,
    is_cut,
    move_words,
    number,
    origin_sentence,
    round_heading,
    rule,
    untold_sentence,
)
from konseho_cli.report.markdown import inline
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.text import encodable, ends_of


def explanation_markdown(explanation: Explanation) -> str:
    """All of it; ends with a newline."""
    blocks = [
        f"# Why: {inline(explanation.council)}, run {explanation.run}",
        inline(origin_sentence(explanation)),
        *([f"**{inline(explanation.error)}**"] if explanation.error is not None else []),
        *([] if explanation.gate is None else [f"Gate: {str(explanation.gate).lower()}"]),
        *(block for step in explanation.steps for block in _step(step)),
        *_end(explanation),
    ]
    return encodable("\n\n".join(blocks) + "\n")


def _step(step: StepAccount) -> Iterator[str]:
    yield f"{'#' * min(6, 2 + step.depth)} {inline(heading(step))}"
    if step.untold:
        yield _capital(inline(untold_sentence(step)))
    if step.reasons:
        yield "\n".join(f"- {inline(reason)}" for reason in step.reasons)
    if step.debate is not None:
        yield from _debate(step.debate)
    if step.vote is not None:
        yield from _vote(step.vote)
    said = [
        f"- **{inline(one.label)}**{f' ({inline(one.agent)})' if one.agent else ''}: "
        f"{f'{inline(one.about)}: ' if one.about else ''}{_excerpt(one.text)}"
        for one in step.said
    ]
    if step.unsaid:
        said.append(f"- and {step.unsaid:,} more")
    if said:
        yield "\n".join(said)
    if step.had is not None:
        yield _capital(inline(had_sentence(step)))


def _debate(debate: DebateAccount) -> Iterator[str]:
    for place, one in enumerate(debate.rounds):
        before = debate.rounds[place - 1] if place else None
        yield f"### {_capital(inline(round_heading(one, before, UNICODE)))}"
        lines = []
        for move in one.moves:
            text = _excerpt(move.position) if has_new_words(move) else ""
            told = ". ".join(filter(None, (inline(move_words(move, UNICODE)), text)))
            lines.append(f"- **{inline(move.agent)}**: {told}")
        lines += [f"- **{inline(agent)}** was not heard any more" for agent in one.left]
        if one.account is not None:
            lines.append(f"- {inline(account_words(one.account))}: {_excerpt(one.account.text)}")
        yield "\n".join(lines)


def _vote(vote: VoteAccount) -> Iterator[str]:
    rows = ["| candidate | label | score | |", "| --- | --- | ---: | --- |"]
    for one in vote.candidates:
        key = f"**{inline(one.key)}**" if one.key == vote.winner else inline(one.key)
        score = "" if one.score is None else number(one.score)
        rows.append(f"| {key} | {inline(one.label)} | {score} | {_excerpt(one.candidate)} |")
    yield "\n".join(rows)
    if vote.ballots:
        rows = ["| voter | ballot | reason |", "| --- | --- | --- |"]
        for ballot in vote.ballots:
            words = inline(ballot_words(ballot)) + (" (dissent)" if ballot.dissents else "")
            rows.append(f"| {inline(ballot.voter)} | {words} | {_excerpt(ballot.reason)} |")
        yield "\n".join(rows)
    if vote.tie:
        yield f"A tie was resolved: {vote.tie}."
    if vote.moderator is not None and vote.decision is not None:
        yield f"**{inline(vote.moderator)}** decided: {_excerpt(vote.decision)}"


def _end(explanation: Explanation) -> Iterator[str]:
    lines = [f"- {inline(sentence)}" for sentence in calls_sentences(explanation.calls)]
    if explanation.critical_path:
        lines.append(
            f"- critical path: {inline(' → '.join(ends_of(explanation.critical_path, MOST_STOPS)))}"
        )
    if lines:
        yield "## Calls"
        yield "\n".join(lines)
    if is_cut(explanation):
        yield rule(explanation, UNICODE)


def _excerpt(text: Excerpt) -> str:
    return inline(f"{text.text} … (+{text.left_out:,})" if text.left_out else text.text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
