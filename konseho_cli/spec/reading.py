"""What templates and `needs` name: known, not itself, and never in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from konseho_cli.agents.definition import Agent
from konseho_cli.context.template_size import code_in
from konseho_cli.context.template_words import minds_null
from konseho_cli.context.templates import BadTemplate, expression_in, references
from konseho_cli.core import marks
from konseho_cli.core.graph import find_cycle
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.edges import STEP_ABOVE, Edge, edges_of
from konseho_cli.spec.lookup import found_below, look_up
from konseho_cli.spec.members import TEMPLATES
from konseho_cli.spec.problems import listed, loop_text
from konseho_cli.spec.sizes import shape
from konseho_cli.steps.base import Base
from konseho_cli.steps.fields import texts_of
from konseho_cli.steps.shapes import ANYTHING, Shape

MAX_CODE = 100_000
"""Characters of code in all templates of a council: parsing them takes a fraction of a second."""
MAX_LOOKS = 100_000
"""Edges looked at for steps that lost their wait: a warning is not worth more."""
MAX_LOOPS = 10
"""Circles reported at once."""

_GIVEN = ("task", "inputs")
_OF_MEMBERS = ("item", "index")


def check_reading(draft: Draft) -> None:
    """Check what every step reads and waits for."""
    if _too_much_code(draft):
        what = f"all templates together hold more than {MAX_CODE:,} characters of code"
        draft.problems.error(("steps",), what, key=True)
        return
    reader = _Reader(draft)
    reader.block(Block(draft.steps, ("steps",)))
    reader.council()
    for name, agent in draft.agents.items():
        if agent.each is not None:
            reader.population(name, agent)
    reader.warn_of_unused_inputs()


class Block:
    """Steps that read each other, and what they may read of what is around them."""

    def __init__(
        self,
        steps: Sequence[Base],
        place: marks.Path,
        *,
        around: Block | None = None,
        holder: Base | None = None,
    ) -> None:
        self.steps = steps
        self.place = place
        self.ids = frozenset(step.id for step in steps)
        outer = {} if around is None else around.readable
        self.readable: dict[str, tuple[marks.Path, Base]] = {
            **{name: found for name, found in outer.items() if holder is None or name != holder.id},
            **{step.id: ((*place, at), step) for at, step in enumerate(steps)},
        }
        """What its templates may name: place and step by id."""
        own = {} if holder is None else holder.block_shapes()
        self.given: Mapping[str, Shape] = {**({} if around is None else around.given), **own}
        """What its templates are given beside `task` and `inputs`."""
        self.conditional: bool = (around is not None and around.conditional) or (
            holder is not None and holder.when is not None
        )
        """Whether a `when` around it decides if it runs at all."""
        held = () if around is None else around.around
        self.around: tuple[str, ...] = held if holder is None else (*held, holder.id)
        """Ids of the steps that hold it."""


def _texts(step: Base) -> Iterator[tuple[str, str]]:
    """A step's templates, by field."""
    for field in (*step.templates, "when"):
        value = getattr(step, field)
        for text in texts_of(value):
            if isinstance(text, str):
                yield field, text
    for field, (text, _) in step.inner_templates().items():
        yield field, text


def _too_much_code(draft: Draft) -> bool:
    texts = {text for _, step in draft.placed() for _, text in _texts(step)}
    texts |= {text for text in (draft.spec.answer, draft.spec.gate) if text is not None}
    if sum(map(len, texts)) <= MAX_CODE:
        return False
    return sum(sum(code_in(text)) for text in texts) > MAX_CODE


class _Reader:
    """Holds the names that may be read, and notes the inputs that are."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._inputs: set[str] = set()
        self._all_inputs = False
        self._shapes: dict[marks.Path, Shape] = {}

    def block(self, block: Block) -> None:
        """What the steps of a block read, and those that they hold."""
        edges: dict[str, tuple[Edge, ...]] = {}
        above: str | None = None
        for index, step in enumerate(block.steps):
            reads = self._step(block, index)
            found = edges_of(step, above, block.ids, reads)
            edges[step.id] = tuple(
                edge for edge in found if edge.step in block.ids and edge.step != step.id
            )
            above = step.id
        if len(block.ids) < len(block.steps):
            return  # two of one id are told: who waits for whom is not known
        if not _check_loops(self._draft, block, edges):
            _warn_of_lost_order(self._draft, block, edges)

    def _step(self, block: Block, index: int) -> Mapping[str, frozenset[str]]:
        """What one step reads, by field; its mistakes are reported."""
        step = block.steps[index]
        place: marks.Path = (*block.place, index)
        inner = {
            name: Block(held, (*place, *name.split(".")), around=block, holder=step)
            for name, held in step.blocks().items()
        }
        reads = self._references(step, place)
        for field, names in reads.items():
            if field not in inner and field not in step.inner_templates():
                self._names((*place, field), names, step.own_names(field), block, step.id)
        for at, need in enumerate(step.needs or ()):
            path = (*place, "needs", at)
            if need == step.id:
                self._draft.problems.error(path, "a step cannot wait for itself", value=need)
            elif need not in block.ids:
                around = "the step around it can wait for that" if need in block.readable else None
                here = tuple(each.id for each in block.steps if each.id != step.id)
                hint = around or (listed("steps here: ", here) if here else None)
                self._unknown(path, f"unknown step '{need}'", need, here, hint)
        if isinstance(step.when, str):
            self._boolean((*place, "when"), step.when)
        for field, (text, name) in step.inner_templates().items():
            path = (*place, field)
            self._names(path, self._read(path, text), frozenset(), inner[name], None)
            self._nulls(path, text, frozenset(), inner[name])
            self._boolean(path, text)
        for held in inner.values():
            self.block(held)
        self._step_nulls(block, step, place)
        if step.prompt is None and (not inner or step.speakers()):
            self._all_inputs = True  # default prompts show them all
        return reads

    def _step_nulls(self, block: Block, step: Base, place: marks.Path) -> None:
        inner = step.inner_templates()
        for field, text in _texts(step):
            if field in inner or block.conditional or (step.when is not None and field != "when"):
                continue
            own = frozenset[str]() if field == "when" else step.names
            way = "" if field == "when" else "give this step a `when`, or "
            self._nulls((*place, field), text, own, block, way)

    def council(self) -> None:
        """`answer` and `gate`."""
        whole = Block(self._draft.steps, ("steps",))
        for field in ("answer", "gate"):
            template = getattr(self._draft.spec, field)
            if template is not None:
                path = (field,)
                self._names(path, self._read(path, template), frozenset(), whole, None)
                self._nulls(path, template, frozenset(), whole)
                if field == "gate":
                    self._boolean(path, template)

    def population(self, name: str, agent: Agent) -> None:
        """Its `each`, which is known before the run, and what is written for each member."""
        place = self._draft.places[name]
        for field in TEMPLATES:
            text = getattr(agent, field)
            for read in sorted(self._read((*place, field), text) if isinstance(text, str) else ()):
                if read.partition(".")[0] not in _OF_MEMBERS:
                    what = f"unknown name '{read}': only `item` and `index` are known here"
                    self._draft.problems.error((*place, field), what)
        if not isinstance(agent.each, str):
            return
        path = (*place, "each")
        if expression_in(agent.each) is None:
            what = "it must be a list, a file, or one {{ expression }} that is a list"
            hint = f"write {{file: {agent.each}}}" if "." in agent.each else None
            self._draft.problems.error(path, what, value=agent.each, hint=hint)
        names = self._read(path, agent.each)
        steps = {step.id for _, step in self._draft.placed()}
        late = sorted(read for read in names if read.partition(".")[0] in steps)
        for read in late:
            what = f"'{read}' is known too late: who speaks is settled before the first step"
            hint = "a `split` with `items` works on what a step found"
            self._draft.problems.error(path, what, hint=hint)
        nothing = Block((), ("steps",))
        self._names(path, names.difference(late), frozenset(), nothing, None)

    def warn_of_unused_inputs(self) -> None:
        """An input that nothing shows was perhaps forgotten in a prompt."""
        for name in () if self._all_inputs else self._draft.spec.inputs:
            if name not in self._inputs:
                what = f"input '{name}' is not used"
                self._draft.problems.warn(("inputs", name), what, key=True)

    def _references(self, step: Base, place: marks.Path) -> Mapping[str, frozenset[str]]:
        try:
            return step.references()
        except BadTemplate as error:
            first = error
        found: dict[str, frozenset[str]] = {}
        before = len(self._draft.problems.errors)
        for field, text in _texts(step):
            if field not in step.inner_templates():
                names = self._read((*place, field), text)
                found[field] = found.get(field, frozenset()) | names
        if len(self._draft.problems.errors) == before and not step.blocks():
            self._draft.problems.error(place, f"not a template: {first}")
        return found

    def _read(self, path: marks.Path, template: str) -> frozenset[str]:
        try:
            return references(template)
        except BadTemplate as error:
            self._draft.problems.error(path, f"not a template: {error}")
            return frozenset()

    def _names(
        self, path: marks.Path, names: frozenset[str], own: frozenset[str], block: Block,
        itself: str | None,
    ) -> None:  # fmt: skip
        for name in sorted(names):
            root, _, rest = name.partition(".")
            if root == "inputs":
                self._input(path, rest.partition(".")[0])
            elif root == itself:
                self._draft.problems.error(path, f"'{root}' is this step itself")
            elif root in block.around:
                self._draft.problems.error(path, f"'{root}' is the step around this one")
            elif root in own or root == "task":
                pass
            elif root in block.given:
                self._key(path, name, block.given[root])
            elif root not in block.readable:
                readable = tuple(name for name in block.readable if name != itself)
                known = (*_GIVEN, *own, *sorted(block.given), *readable)
                self._unknown_name(path, root, known, readable, block)
            elif rest:
                self._key(path, name, self._shape(block, root))

    def _unknown_name(
        self, path: marks.Path, name: str, known: tuple[str, ...], readable: tuple[str, ...],
        block: Block,
    ) -> None:  # fmt: skip
        what = f"unknown name '{name}'"
        is_input = name in self._draft.spec.inputs
        below = ((each, self._shape(block, each)) for each in readable)
        meant = f"inputs.{name}" if is_input else found_below(name, below)
        if meant is not None:
            self._draft.problems.error(path, what, value=name, hint=f"did you mean '{meant}'?")
            return
        self._unknown(path, what, name, known, listed("known here: ", known))

    def _shape(self, block: Block, name: str) -> Shape:
        """What is known of a step's value."""
        place, step = block.readable[name]
        if place not in self._shapes:
            broken = place in self._draft.broken
            self._shapes[place] = ANYTHING if broken else shape(step, self._draft.sizes)
        return self._shapes[place]

    def _key(self, path: marks.Path, name: str, known: Shape) -> None:
        """What is read of a value, where it is known what there is."""
        found = look_up(name, known)
        if found.missing:
            meant = found_below(found.missing, [(name.partition(".")[0], known)])
            known_keys = f"it has: {', '.join(sorted(found.known))}"
            what = f"'{found.within}' has no '{found.missing}'"
            near = () if meant else found.known
            self._unknown(
                path, what, found.missing, near, f"did you mean '{meant}'?" if meant else known_keys
            )

    def _nulls(
        self, path: marks.Path, text: str, own: frozenset[str], block: Block, way: str = ""
    ) -> None:
        """Warn of a template that reads what may be skipped, and does not say what becomes then."""
        for name in sorted(self._read_quietly(text)):
            root = name.partition(".")[0]
            if root in own or root in block.given or root not in block.readable:
                continue
            null = look_up(name, self._shape(block, root)).null
            if null and not minds_null(text):
                self._draft.problems.warn(
                    path, f"'{null}' is null where it is skipped",
                    hint=f"{way}write {{{{ {name} | default(…) }}}}",
                )  # fmt: skip

    def _read_quietly(self, template: str) -> frozenset[str]:
        try:
            return references(template)
        except BadTemplate:  # reported where it is read
            return frozenset()

    def _input(self, path: marks.Path, name: str) -> None:
        self._inputs.add(name)
        if not name:
            self._all_inputs = True
        elif name not in self._draft.spec.inputs:
            known = tuple(self._draft.spec.inputs)
            hint = "declare it under `inputs`"
            self._unknown(path, f"unknown input '{name}'", name, known, hint)

    def _unknown(
        self, path: marks.Path, what: str, name: str, known: tuple[str, ...],
        hint: str | None = None,
    ) -> None:  # fmt: skip
        self._draft.problems.error(path, what, value=name, near=(name, known), hint=hint)

    def _boolean(self, path: marks.Path, template: str) -> None:
        if expression_in(template) is None:
            bare = template.strip()
            hint = f'write "{{{{ {bare} }}}}"' if "{" not in bare and len(bare) < 80 else None
            what = "it must be one {{ expression }} that is true or false"
            self._draft.problems.error(path, what, value=template, hint=hint)


def _check_loops(draft: Draft, block: Block, edges: Mapping[str, tuple[Edge, ...]]) -> bool:
    """Report circles; whether there are any."""
    graph = {name: [edge.step for edge in found] for name, found in edges.items()}
    order = {step.id: at for at, step in reversed(list(enumerate(block.steps)))}
    for count in range(MAX_LOOPS):
        loop = find_cycle(graph)
        if loop is None:
            return count > 0
        because = {
            name: next(edge.because for edge in edges[name] if edge.step == other)
            for name, other in pairwise(loop)
        }
        told = next((name for name in because if because[name] != STEP_ABOVE), loop[0])
        idle = next((name for name in because if because[name] == STEP_ABOVE), None)
        place: marks.Path = (*block.place, order[told])
        draft.problems.error(
            place if told == idle else (*place, *because[told].split(".")),
            f"these steps wait for each other: {loop_text(loop)}",
            hint=f"'{idle}' names no step, so it waits for the step above; "
            "`needs: []` starts it at once" if idle else None,
        )  # fmt: skip
        graph[loop[0]].remove(loop[1])
    return True


def _warn_of_lost_order(draft: Draft, block: Block, edges: Mapping[str, tuple[Edge, ...]]) -> None:
    """A reference takes the place of the wait for the step above: say so where it is lost."""
    patience = [MAX_LOOKS]
    for index, step in enumerate(block.steps[1:], start=1):
        above = block.steps[index - 1].id
        found = edges[step.id]
        if step.needs is None and found and not _waits(step.id, above, edges, patience):
            named = ", ".join(f"'{edge.step}'" for edge in found)
            draft.problems.warn(
                (*block.place, index, *found[0].because.split(".")),
                f"it does not wait for '{above}', the step above, since it names only {named}",
                hint=f"`needs: [{above}]` makes it wait, `needs: []` says that this is meant",
            )


def _waits(
    name: str, other: str, edges: Mapping[str, tuple[Edge, ...]], patience: list[int]
) -> bool:
    """Whether a step waits for another, directly or not; yes where looking takes too long."""
    seen = {name}
    stack = [name]
    while stack:
        for edge in edges[stack.pop()]:
            patience[0] -= 1
            if edge.step == other or patience[0] < 0:
                return True
            if edge.step not in seen:
                seen.add(edge.step)
                stack.append(edge.step)
    return False
