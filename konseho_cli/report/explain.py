"""Why a run came to its answer, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.explaining.debates import DebateAccount, Moderated, Move, Round
from konseho_cli.profiling.explaining.excerpt import Excerpt
from konseho_cli.profiling.explaining.explanation import (
    CallsAccount,
    Explanation,
    StepAccount,
)
from konseho_cli.profiling.explaining.said import Said
from konseho_cli.profiling.explaining.votes import BallotAccount, VoteAccount
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, ends_of, fit, listed, one_line, plural
from konseho_cli.report.wrap import wrap
from konseho_cli.version import __version__

_MOST_NAME = 24
"""Columns of a name in front of what was said."""
MOST_STOPS = 20
"""On the critical path; of a longer one its ends are told."""
_WIDEST = 110
"""Columns of a line, however wide the terminal is: longer ones are hard to read."""


def explanation_json(explanation: Explanation) -> str:
    """All of it. Shares are 0 to 1, times seconds."""
    return dump({"konseho": FORMAT, "version": __version__, **msgspec.to_builtins(explanation)})


def explanation_text(explanation: Explanation, symbols: Symbols, width: int) -> str:
    """All of it, a paragraph a step."""
    writer = Writer(symbols, min(width, _WIDEST))
    blocks = [
        "\n".join(writer.head(explanation)),
        *("\n".join(writer.deeper(step.depth).step(step)) for step in explanation.steps),
        "\n".join(writer.end(explanation)),
    ]
    return "\n\n".join(block for block in blocks if block)


class Writer(msgspec.Struct, frozen=True):
    """Writes lines for one width with one set of signs."""

    symbols: Symbols
    width: int
    margin: int = 0
    """Columns in front of each line of a step."""

    def deeper(self, depth: int) -> Writer:
        """For a step inside of others."""
        return msgspec.structs.replace(self, margin=self.margin + 2 * depth)

    def head(self, explanation: Explanation) -> Iterator[str]:
        """Where the answer comes from, and why there is none."""
        yield from self._plain(origin_sentence(explanation), 0)
        if explanation.error is not None:
            yield from self._plain(f"{self.symbols.failed} {explanation.error}", 0)
        if explanation.gate is not None:
            yield f"gate: {str(explanation.gate).lower()}"

    def step(self, step: StepAccount) -> Iterator[str]:
        """One step: its heading, what was said in it, what went wrong."""
        yield from self._plain(f"{self.symbols.of(step.status)} {heading(step)}", 0)
        if step.debate is not None:
            yield from self._debate(step.debate)
        if step.vote is not None:
            yield from self._vote(step.vote)
        yield from self._all_said(step.said, step.unsaid)
        if step.had is not None:
            yield from self._plain(had_sentence(step), 2)
        for reason in step.reasons:
            yield from self._plain(f"{self.symbols.degraded} {reason}", 2)
        if step.untold:
            yield from self._plain(untold_sentence(step), 2)

    def end(self, explanation: Explanation) -> Iterator[str]:
        """Calls, the critical path, and the rule of the excerpts."""
        for sentence in calls_sentences(explanation.calls):
            yield from self._plain(sentence, 0)
        if explanation.critical_path:
            path = f" {self.symbols.arrow} ".join(ends_of(explanation.critical_path, MOST_STOPS))
            yield from self._plain(f"critical path: {path}", 0)
        if is_cut(explanation):
            yield from self._plain(rule(explanation, self.symbols), 0)

    # ------------------------------------------------------------------ what was said

    def _all_said(self, said: Sequence[Said], unsaid: int) -> Iterator[str]:
        entries = [
            (
                f"{one.label} {one.agent}" if one.agent else one.label,
                f"{one.about}: {self._excerpt(one.text)}" if one.about else self._excerpt(one.text),
            )
            for one in said
        ]
        yield from self._entries(entries, 2)
        if unsaid:
            yield from self._plain(f"and {unsaid:,} more", 2)

    def _debate(self, debate: DebateAccount) -> Iterator[str]:
        for number, one in enumerate(debate.rounds):
            before = debate.rounds[number - 1] if number else None
            yield from self._plain(round_heading(one, before, self.symbols), 2)
            entries = []
            for move in one.moves:
                text = self._excerpt(move.position) if has_new_words(move) else ""
                told = move_words(move, self.symbols)
                entries.append((move.agent, ". ".join(filter(None, (told, text)))))
            yield from self._entries(entries, 4)
            for agent in one.left:
                yield from self._plain(f"{agent} was not heard any more", 4)
            if one.account is not None:
                told = self._excerpt(one.account.text)
                yield from self._plain(f"{account_words(one.account)}: {told}", 4)

    def _vote(self, vote: VoteAccount) -> Iterator[str]:
        labelled = {one.key: one.label for one in vote.candidates}
        entries = []
        for one in vote.candidates:
            sign = self.symbols.arrow if one.key == vote.winner else " "
            score = "" if one.score is None else number(one.score)
            name = one.key if one.label in ("", one.key) else f"{one.key} ({one.label})"
            entries.append((f"{sign} {name}  {score}".rstrip(), self._excerpt(one.candidate)))
        yield from self._entries(entries, 2)
        revoted = any(ballot.round > 1 for ballot in vote.ballots)
        if vote.ballots:
            yield from self._plain(f"ballots{_legend(labelled)}", 2)
        cast = [(self._voter(one, revoted), self._ballot(one)) for one in vote.ballots]
        yield from self._entries(cast, 4)
        if vote.tie:
            yield from self._plain(f"a tie was resolved: {vote.tie}", 2)
        if vote.moderator is not None and vote.decision is not None:
            yield from self._plain(f"{vote.moderator} decided: {self._excerpt(vote.decision)}", 2)

    def _voter(self, ballot: BallotAccount, revoted: bool) -> str:
        weight = f" ×{number(ballot.weight)}" if ballot.weight != 1 else ""
        again = f", ballot {ballot.round}" if revoted else ""
        return f"{ballot.voter}{weight}{again}"

    def _ballot(self, ballot: BallotAccount) -> str:
        reason = self._excerpt(ballot.reason)
        sign = f"{self.symbols.degraded} " if ballot.dissents or ballot.status == "failed" else ""
        return f"{sign}{ballot_words(ballot)}{f': {reason}' if reason else ''}"

    # ------------------------------------------------------------------ the layout

    def _entries(self, entries: Sequence[tuple[str, str]], indent: int) -> Iterator[str]:
        """Names in a column, and texts beside them."""
        most = max(8, min(_MOST_NAME, self.width // 3))
        named = [(fit(one_line(name), most, self.symbols), text) for name, text in entries]
        # A name keeps the blanks in front of it: they stand where others have a sign.
        named = [
            (f"{' ' * (len(raw) - len(raw.lstrip()))}{name}", text)
            for (raw, _), (name, text) in zip(entries, named, strict=True)
        ]
        column = max((cells(name) for name, _ in named), default=0)
        for name, text in named:
            lead = f"{' ' * (self.margin + indent)}{name}{' ' * (column - cells(name))}  "
            lines = wrap(one_line(text), self.width - cells(lead)) or ("",)
            yield f"{lead}{lines[0]}".rstrip()
            yield from (f"{' ' * cells(lead)}{line}" for line in lines[1:])

    def _plain(self, text: str, indent: int) -> Iterator[str]:
        indent += self.margin
        lines = wrap(one_line(text), self.width - indent - 2)
        for place, line in enumerate(lines):
            yield f"{' ' * (indent + (2 if place else 0))}{line}"

    def _excerpt(self, text: Excerpt) -> str:
        """With how much was left out."""
        if not text.left_out:
            return text.text
        return f"{text.text} {self.symbols.ellipsis} (+{text.left_out:,})"


# ---------------------------------------------------------------- sentences, for Markdown too


def origin_sentence(explanation: Explanation) -> str:
    """Where the answer comes from."""
    found = explanation.origin
    told = " Its answers are simulated: they mean nothing." if explanation.simulated else ""
    told += " It was replayed." if explanation.replayed else ""
    if found is None:
        return f"{explanation.council}: {explanation.status}.{told}"
    relation = "is" if found.relation == "is" else "holds the whole of"
    whose = _whose(explanation, found.outputs[0]) if found.relation == "is" else ""
    outputs = listed(found.outputs)
    return f"{explanation.council}: {explanation.status}. The answer {relation} {outputs}{whose}.{told}"


def _whose(explanation: Explanation, output: str) -> str:
    """`, as ann wrote it`; `, which 2 of 3 voters chose`."""
    step = next((one for one in explanation.steps if one.id == output.partition(".")[0]), None)
    if step is None:
        return ""
    if step.vote is not None and step.vote.winner is not None:
        last = max((ballot.round for ballot in step.vote.ballots), default=1)
        cast = [one for one in step.vote.ballots if one.round == last and one.status == "cast"]
        against = sum(ballot.dissents for ballot in cast)
        dissent = f", {against} of {plural(len(cast), 'ballot')} against it" if against else ""
        return f", {step.vote.winner} by {step.vote.method}{dissent}"
    wrote = len(step.said) == 1 and step.kind != "route"  # what that says is why it chose
    return f", as {step.said[0].label} wrote it" if wrote else ""


def heading(step: StepAccount) -> str:
    """A step in a line."""
    parts = [step.kind]
    if step.status != "ok":
        parts.append(step.status)
    if step.duration_s is not None:
        parts.append(show_duration(step.duration_s))
    if step.debate is not None:
        parts.append(debate_result(step.debate))
    if step.vote is not None:
        parts.append(vote_result(step.vote))
    return f"{step.id}: {', '.join(parts)}"


def untold_sentence(step: StepAccount) -> str:
    """Where the iterations before the last are told of."""
    return f"of its iterations the last: {plural(step.untold, 'step')} more ran in those before"


def debate_result(debate: DebateAccount) -> str:
    """How many rounds, and whether they agreed."""
    rounds = plural(len(debate.rounds) - 1, "round")
    return f"{rounds}, {'all agreed' if debate.agreed else 'not all agreed'}"


def vote_result(vote: VoteAccount) -> str:
    """Who won, and by how much."""
    if vote.winner is None:
        return f"nobody won by {vote.method}"
    margin = vote.margin
    score = "" if margin is None else f", {number(margin[0])} to {number(margin[1])}"
    return f"{vote.winner} won by {vote.method}{score}"


def round_heading(one: Round, before: Round | None, symbols: Symbols) -> str:
    """Who agreed, and whether the positions came together."""
    name = f"round {one.number}" if one.number else "proposals"
    parts = []
    if one.number:
        parts.append(f"{one.agreed} of {len(one.moves)} agree")
    if one.alike is not None:
        was = None if before is None else before.alike
        came = "" if was is None else f"{was * 100:.0f} {symbols.arrow} "
        parts.append(f"positions {came}{one.alike * 100:.0f} % alike")
    return f"{name}: {', '.join(parts)}" if parts else name


def move_words(move: Move, symbols: Symbols) -> str:
    """What an agent did with its position; empty for a proposal."""
    if move.change is None:
        return ""
    held = "kept its position" if not has_new_words(move) else f"{_new(move)} is new"
    if move.changed and len(move.changed) <= 4:
        held += f" ({', '.join(move.changed)})"
    if move.towards is not None:
        near = move.towards
        held += (
            f", towards {near.agent} ({near.before * 100:.0f} {symbols.arrow} "
            f"{near.after * 100:.0f} % alike)"
        )
    return f"{held}; {'agrees' if move.agree else 'does not agree'}"


def account_words(account: Moderated) -> str:
    """Who moderated, and whether it found them agreed."""
    return f"{account.agent} moderates, {'agreed' if account.agreed else 'not agreed'}"


def has_new_words(move: Move) -> bool:
    """Whether there is anything to read that was not there before."""
    return move.change is None or move.change > 0


def _new(move: Move) -> str:
    share = (move.change or 0) * 100
    return f"{share:.0f} %" if share >= 1 else "under 1 %"


def number(value: float) -> str:
    """A score: whole, or with three figures."""
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def ballot_words(ballot: BallotAccount) -> str:
    """What a ballot says."""
    if ballot.status == "cast":
        return (" > " if ballot.is_ranking else ", ").join(ballot.vote) or "none of them"
    return {"not_needed": "was not needed"}.get(ballot.status, ballot.status)


def _legend(labelled: dict[str, str]) -> str:
    """What the letters in the reasons stand for."""
    pairs = [f"{label} = {key}" for key, label in labelled.items() if label not in ("", key)]
    return f" (in their reasons {', '.join(pairs)})" if pairs else ""


def had_sentence(step: StepAccount) -> str:
    """What the one who speaks alone had before it."""
    size = f"{step.prompt_size or 0:,} characters"
    if not step.had:
        return f"had before it: no earlier output that can be told by its text ({size})"
    steps: dict[str, list[str]] = {}
    for one in step.had:
        steps.setdefault(one.step, []).append(one.label + ("" if one.whole else ", shortened"))
    outputs = [f"{name} ({'; '.join(labels)})" for name, labels in steps.items()]
    return f"had before it: {', '.join(outputs)}; {size} in all"


def calls_sentences(calls: CallsAccount) -> Iterator[str]:
    """Who answered in the place of a model, and what went out in vain."""
    for names, how in (
        (calls.cached, "came from the cache"),
        (calls.shared, "came from an identical call in flight"),
        (calls.resumed, "had been paid for by an earlier session"),
    ):
        if names:
            yield f"{len(names):,} of {plural(calls.total, 'call')} {how}: {listed(names, 6)}"
    if calls.failed:
        yield f"{plural(len(calls.failed), 'call')} failed: {'; '.join(calls.failed[:6])}"
    if calls.unanswered:
        asked = plural(len(calls.unanswered), "question")
        yield f"nobody answered {asked}: {'; '.join(calls.unanswered[:6])}"
    vain = [plural(calls.retries, "request") + " made again"] if calls.retries else []
    vain += [plural(calls.hedges, "hedge")] if calls.hedges else []
    vain += [f"{calls.wasted_tokens:,} tokens wasted"] if calls.wasted_tokens else []
    if vain:
        yield ", ".join(vain)


def is_cut(explanation: Explanation) -> bool:
    """Whether any text is not whole."""
    return any(text.left_out for text in _texts(explanation))


def _texts(explanation: Explanation) -> Iterator[Excerpt]:
    for step in explanation.steps:
        yield from (one.text for one in step.said)
        for one in step.debate.rounds if step.debate else ():
            yield from (move.position for move in one.moves)
            if one.account is not None:
                yield one.account.text
        if step.vote is not None:
            yield from (one.candidate for one in step.vote.candidates)
            yield from (one.reason for one in step.vote.ballots)


def rule(explanation: Explanation, symbols: Symbols) -> str:
    """How texts are cut, and where they are whole."""
    most = explanation.excerpt_characters
    debated = any(step.debate for step in explanation.steps)
    alike = " Alike: the share of pairs of neighbouring words in common." if debated else ""
    return (
        f"Of each text the first sentences, at most {most} characters; {symbols.ellipsis} (+N) counts "
        f"the rest. `konseho runs show {explanation.run} STEP` has them whole.{alike}"
    )
