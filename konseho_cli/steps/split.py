"""`split`: work is cut into pieces, which instances of agents do at the same time (map-reduce)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec

from konseho_cli.agents.definition import AgentRef, AgentRefs
from konseho_cli.context.templates import references
from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    Estimate,
    Positive,
    StepContext,
    Template,
    agent_id,
    as_text,
    root,
)
from konseho_cli.steps.evaluating import evaluate_field, is_fixed
from konseho_cli.steps.following import Needs, needs_of
from konseho_cli.steps.listed import check_agents
from konseho_cli.steps.pieces import By, NoPieces, Piece, cut
from konseho_cli.steps.results import Answer, Part, StepResult
from konseho_cli.steps.wording import word

if TYPE_CHECKING:
    from konseho_cli.agents.pool import AgentPool

MOST = 10_000
"""Pieces of one step."""
Strategy: TypeAlias = Literal["auto", "fixed", "adaptive", "items"]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A piece with its answer."""

    instance: str
    """Which instance did it: `researcher#2`."""
    answer: Answer


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the branches of a run share."""

    pool: AgentPool
    instances: Mapping[str, AgentRef]
    pieces: Sequence[Piece]
    needs: Needs
    said: dict[int, Answer] = {}
    """By number."""

    def needed(self, index: int) -> dict[str, JSON]:
        """What the pieces that it builds on came to, by their names; without those that failed."""
        return {
            name: self.said[number].value
            for number, name in self.needs.get(index, {}).items()
            if number in self.said
        }


class Split(Base, frozen=True, kw_only=True, tag="split"):
    """Work is cut into pieces; instances of agents do them at the same time; order is kept.

    The value is a text (`merge: concat`), a list (`list`), or the merger's answer (`agent`). A
    `prompt` of the user's own takes the place of task, inputs and earlier outputs; one that reads
    `item` is used alone, since it says where the piece stands.
    """

    agent: AgentRef | None = None
    """Who does the pieces; or `agents`."""
    agents: AgentRefs = ()
    """Several, in turn: the first instance is the first agent, and so on, round and round."""
    items: Template | list[Any] = "{{ task }}"
    """A list, a mapping (its values), or a text that is cut."""
    by: By = "auto"
    """How text is cut. auto takes the first that fits: a JSON array, several headings, several
    numbered or bulleted lines, file names, paragraphs, lines."""
    min_agents: Positive = 1
    max_agents: Positive = 8
    strategy: Strategy = "auto"
    """How many instances work. auto: one a piece, but between `min_agents` and `max_agents`.
    fixed: `max_agents`. adaptive: `min_agents` at first, one more up to `max_agents` whenever a
    piece is done and others still wait. items: one a piece, without a limit."""
    after: Template | None = None
    """What a piece builds on: the names of other pieces, computed for each, such as
    `{{ item.needs }}`. It begins when these are done, and its prompt reads `needed`, their answers
    by name. A piece is called by its `name`, its `title` or its `id`, by its key, or by its
    text."""
    merge: Literal["concat", "list", "agent"] = "concat"
    """concat: the texts, a blank line between. list: the answers. agent: the `merger` writes one
    answer. `output` shapes each item of a list, or the merger's answer."""
    merger: AgentRef | None = None
    """Who merges; by default the (first) agent of the pieces."""
    quorum: Positive | None = None
    """How many pieces must succeed; by default all, or one under `on_error: continue`."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "items", "after")
    names: ClassVar[frozenset[str]] = frozenset({"item", "index", "total", "needed"})
    lists: ClassVar[tuple[str, ...]] = ("agents",)

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """Who does the pieces, and who merges them."""
        single = {"agent": self.agent, "merger": self.merger}
        named = {field: (ref,) for field, ref in single.items() if ref is not None}
        return {**named, "agents": self.agents} if self.agents else named

    def own_names(self, field: str) -> frozenset[str]:
        """What comes after what is asked of each piece."""
        return self.names - {"needed"} if field == "after" else super().own_names(field)

    def check(self) -> Mapping[str, str]:
        """One way to name agents, a range that is one, a merger and a shape that are used."""
        found: dict[str, str] = {}
        if self.agent is not None and self.agents:
            found["agents"] = "either `agent` or `agents`, not both"
        elif self.agent is None:
            found |= check_agents(self.agents, None)
        if self.min_agents > self.max_agents:
            found["min_agents"] = f"{self.min_agents} is above `max_agents`, {self.max_agents}"
        if self.merger is not None and self.merge != "agent":
            found["merger"] = "only `merge: agent` has a merger"
        if self.output is not None and self.merge == "concat":
            found["output"] = "a concatenation has no shape: set `merge` to list or agent"
        if is_fixed(self.after):
            found["after"] = "every piece would come after that one: write {{ item.needs }}"
        if isinstance(self.items, list):
            found |= self._check_list(len(self.items))
        return found

    def _check_list(self, count: int) -> dict[str, str]:
        if not 0 < count <= MOST:
            return {"items": f"1 to {MOST:,} are possible, not {count:,}"}
        if self.by not in ("auto", "items"):
            return {"by": f"`{self.by}` cuts text, but `items` is a list"}
        if self.quorum is not None and self.quorum > count:
            return {"quorum": f"{self.quorum} is above the number of items, {count}"}
        return {}

    def estimate(self) -> Estimate:
        """One call a piece; how many there are is often known only in the run."""
        merging = 1 if self.merge == "agent" else 0
        if isinstance(self.items, list):
            return Estimate(fewest=len(self.items) + merging, most=len(self.items) + merging)
        return Estimate(fewest=1 + merging, most=None)

    async def run(self, ctx: StepContext) -> StepResult:
        """Cut, do the pieces, merge."""
        pieces = self._pieces(ctx)
        crew = self.agents or ((self.agent,) if self.agent is not None else ())
        instances = staff(crew, self._most(len(pieces)))
        names = list(instances)
        first = min(self.min_agents, len(names)) if self.strategy == "adaptive" else len(names)
        from konseho_cli.agents.pool import AgentPool  # it brings asyncio, which a check needs not

        pool = AgentPool(names[:first], spare=names[first:])
        needs, unknown = ({}, "") if self.after is None else needs_of(ctx, pieces, self.after)
        self._tell(ctx, len(pieces), pool.size, unknown)
        work = _Work(pool=pool, instances=instances, pieces=pieces, needs=needs)
        called = {index: f"piece {index}" for index in range(1, len(pieces) + 1)}
        gathered = await ctx.gather(
            {name: self._branch(work, index) for index, name in called.items()},
            quorum=self.quorum,
            after={called[index]: [called[each] for each in on] for index, on in needs.items()},
        )
        done = {name.removeprefix("piece "): one for name, one in gathered.done.items()}
        return await self._merged(ctx, crew, work, done)

    def _tell(self, ctx: StepContext, pieces: int, at_once: int, unknown: str) -> None:
        """How much there is to do, and what was not found of what it waits for."""
        many = f"{pieces:,} pieces, {at_once} at a time" if pieces > 1 else "1 piece"
        calls = pieces + (self.merge == "agent")
        ctx.progress(", ".join(filter(None, (many, unknown))), calls=calls)

    def _pieces(self, ctx: StepContext) -> tuple[Piece, ...]:
        try:
            pieces = cut(evaluate_field(ctx, self.items), self.by)
        except NoPieces as error:
            raise StepFailed(
                ctx.step, f"nothing to split: {error}", hint="see `items` and `by`"
            ) from None
        if len(pieces) > MOST:
            raise StepFailed(ctx.step, f"{len(pieces):,} pieces are more than {MOST:,}")
        if self.quorum is not None and self.quorum > len(pieces):
            raise StepFailed(ctx.step, f"quorum {self.quorum}, but only {len(pieces)} pieces")
        return pieces

    def _most(self, pieces: int) -> int:
        """How many instances there may be at most."""
        if self.strategy == "items":
            return pieces
        if self.strategy == "auto":
            return max(self.min_agents, min(pieces, self.max_agents))
        return self.max_agents

    def _branch(self, work: _Work, index: int) -> Branch[Done]:
        schema = self.schema if self.merge == "list" else None

        async def do(ctx: StepContext) -> Done:
            async with ctx.lease(work.pool, str(index)) as instance:
                answer = await ctx.ask(
                    work.instances[instance],
                    self._prompt(ctx, work, index),
                    schema=schema,
                    item=str(index),
                    label=work.pieces[index - 1].label,
                )
                work.said[index] = answer
                return Done(instance=instance, answer=answer)

        return do

    def _prompt(self, ctx: StepContext, work: _Work, index: int) -> str:
        item, total, needed = work.pieces[index - 1].item, len(work.pieces), work.needed(index)
        brief = ctx.brief(item=item, index=index, total=total, needed=needed)
        read = set() if self.prompt is None else set(map(root, references(self.prompt)))
        if "item" in read:
            return brief
        told = {} if "needed" in read else {name: as_text(said) for name, said in needed.items()}
        return word(
            "split", brief=brief, item=as_text(item), index=index, total=total, needed=told,
            alone=self.after is None,
        )  # fmt: skip

    async def _merged(
        self,
        ctx: StepContext,
        crew: Sequence[AgentRef],
        work: _Work,
        done: Mapping[str, Done],
    ) -> StepResult:
        labels = {str(index): piece.label for index, piece in enumerate(work.pieces, 1)}
        parts = tuple(
            Part(label=f"{index}: {labels[index]}", text=one.answer.text)
            for index, one in done.items()
        )
        details = {"instances": work.pool.size, "pieces": _record(work, done)}
        if self.merge == "agent":
            answer = await self._ask_merger(ctx, crew, labels, done)
            written = (Part(label=answer.agent, text=answer.text),)
            return StepResult(value=answer.value, parts=written, details=details)
        value: JSON = [one.answer.value for one in done.values()]
        if self.merge == "concat":
            value = "\n\n".join(one.answer.text.strip() for one in done.values())
        return StepResult(value=value, parts=parts, details=details)

    async def _ask_merger(
        self,
        ctx: StepContext,
        crew: Sequence[AgentRef],
        labels: Mapping[str, str],
        done: Mapping[str, Done],
    ) -> Answer:
        ctx.progress("merge")
        prompt = word(
            "merge",
            brief=self._whole_brief(ctx),
            total=len(labels),
            results=[
                {"index": index, "label": labels[index], "text": one.answer.text}
                for index, one in done.items()
            ],
            missing=[label for index, label in labels.items() if index not in done],
        )
        merger = self.merger if self.merger is not None else crew[0]
        return await ctx.ask(merger, prompt, schema=self.schema, item="merge", label="merge")

    def _whole_brief(self, ctx: StepContext) -> str:
        """The merger's brief: a `prompt` about one piece cannot be about the whole."""
        if self.prompt is not None and set(map(root, references(self.prompt))) & self.names:
            return f"# Task\n\n{ctx.evaluate('{{ task }}')}\n"
        return ctx.brief()


def staff(crew: Sequence[AgentRef], count: int) -> dict[str, AgentRef]:
    """Names of `count` instances and the agents behind them, round and round."""
    found: dict[str, AgentRef] = {}
    for place in range(count):
        ref = crew[place % len(crew)]
        found[f"{agent_id(ref)}#{place // len(crew) + 1}"] = ref
    return found


def _record(work: _Work, done: Mapping[str, Done]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index, piece in enumerate(work.pieces, 1):
        one = done.get(str(index))
        record = {
            "index": index,
            "item": piece.item,
            "agent": one.answer.agent if one else None,
            "instance": one.instance if one else None,
            "answer": one.answer.value if one else None,
        }
        if work.needs:
            record["after"] = list(work.needs.get(index, ()))
        found.append(record)
    return found
