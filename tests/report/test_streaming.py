from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.engine.plan import make_plan
from konseho_cli.report.streaming import AnswerStream, streamable_step
from konseho_cli.report.text import harmless
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.fields import Output
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.events import AskRetried, TextArrived

STEPS = {
    "both": Parallel(agents=("ann", "bob")),
    "form": Ask(agent="ann", output=Output(schema={"type": "object"})),
    "last": Chair(agent="ann"),
}


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (None, "last"),
        ("{{ last }}", "last"),
        ("{{ both }}", None),
        ("{{ form }}", None),
        ("{{ last.x }}", None),
        ("So: {{ last }}", None),
        ("fixed", None),
    ],
)
def test_only_the_text_of_one_step_can_stream(answer, step):
    spec = CouncilSpec(konseho=1, name="c", steps=tuple(STEPS.values()), answer=answer)
    assert streamable_step(spec, make_plan(STEPS)) == step


class Written:
    """A stream and what it wrote."""

    def __init__(self, *, for_terminal: bool = False) -> None:
        self.pieces: list[str] = []
        self.cleared = 0
        self.stream = AnswerStream(
            "last", self.pieces.append, for_terminal=for_terminal, before_first=self._clear
        )

    def _clear(self) -> None:
        self.cleared += 1

    def hear(self, *texts: str, step: str = "last") -> None:
        for text in texts:
            self.stream([TextArrived(at=0, step=step, agent="a", call=1, text=text)])

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def test_text_is_written_as_it_comes_and_ended_by_a_newline():
    written = Written()
    written.hear("One ", "two.")
    assert written.pieces == ["One ", "two."]
    written.stream.finish("One two.")
    assert written.text == "One two.\n"
    assert written.cleared == 1


def test_what_other_steps_say_is_not_the_answer():
    written = Written()
    written.hear("Nothing.", step="both")
    assert written.text == ""
    assert not written.stream.began


def test_an_answer_that_did_not_stream_is_written_at_the_end():
    written = Written()
    written.stream.finish("Whole.")
    assert written.text == "Whole.\n"


def test_an_attempt_that_broke_starts_over_and_the_answer_is_not_doubled():
    written = Written()
    written.hear("One tw")
    written.stream([AskRetried(at=0, step="last", agent="a", call=1, reason="lost", wait_s=1)])
    written.hear("One two.")
    written.stream.finish("One two.")
    assert written.text == "One tw\n\nOne two.\n"


def test_where_something_else_became_the_answer_that_is_written():
    written = Written()
    written.hear("I can")
    written.stream.finish("The fallback says no.")
    assert written.text == "I can\n\nThe fallback says no.\n"


def streamed(text: str, size: int) -> str:
    written = Written(for_terminal=True)
    written.hear(*(text[start : start + size] for start in range(0, len(text), size)))
    written.stream.finish(text)
    return written.text


@given(st.text(alphabet="\x1b[]31m;\x07\x9b\\ab\n"), st.integers(1, 5))
def test_however_a_stream_is_cut_the_terminal_is_safe(text, size):
    assert not set(streamed(text, size)) & {"\x1b", "\x07", "\x9b"}


@given(st.text(alphabet="\x1b[31mab\n", max_size=60), st.integers(1, 5))
def test_however_a_stream_is_cut_it_reads_as_if_it_had_not_been(text, size):
    assert streamed(text, size).rstrip("\n") == harmless(text).rstrip("\n")


def test_a_colour_that_is_cut_in_two_leaves_nothing_behind():
    written = Written(for_terminal=True)
    written.hear("a\x1b[", "31", "mred", "\x1b[0m")
    written.stream.finish("a\x1b[31mred\x1b[0m")
    assert written.text == "ared\n"


def test_a_pipe_gets_every_character():
    written = Written()
    written.hear("\x1b[31mred")
    assert written.text == "\x1b[31mred"
