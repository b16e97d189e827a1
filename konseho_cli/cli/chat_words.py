"""What begins with a slash in a chat: words to Konseho, not to the council."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from konseho_cli.cli.asking import read_models
from konseho_cli.cli.chatting import Chat, Said, so_far
from konseho_cli.cli.streams import mutter
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.casting import Wishes
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import harmless, one_line, plural

SHOWN = 200
"""Characters of an answer in `/history`."""


class Leave(Exception):
    """The chat is over."""


class Words:
    """Carries out what follows a slash. Raises Leave for `/quit`."""

    def __init__(self, chat: Chat, symbols: Symbols) -> None:
        self._chat, self._symbols = chat, symbols
        self._saved: set[Path] = set()

    def heed(self, text: str) -> None:
        """One line that begins with a slash. Raises UsageError, KonsehoError, Leave."""
        name, _, rest = text[1:].partition(" ")
        word = _WORDS.get(name)
        if word is None:
            begun = [f"/{each}" for each in _WORDS if name and each.startswith(name)]
            likely = f"did you mean '{begun[0]}'?" if len(begun) == 1 else None
            near = likely or did_you_mean(f"/{name}", [f"/{each}" for each in _WORDS])
            what = f"there is no /{name:.40}"
            raise UsageError(what, hint=near or "/help shows what there is; // begins with a /")
        word.do(self, rest.strip())

    def help(self, _: str) -> None:
        """What there is."""
        shown = [(f"/{name} {word.takes}".rstrip(), word.about) for name, word in _WORDS.items()]
        shown += [
            ("//…", "say something that begins with a slash"),
            ("…\\", "goes on in the next line"),
            ('"""…"""', "what is between them, over several lines"),
            ("Ctrl-C", "interrupts a turn, or gives up the line"),
            ("Ctrl-D", "ends the chat"),
        ]
        width = max(len(name) for name, _ in shown)
        mutter("".join(f"  {name:<{width}}  {about}\n" for name, about in shown))

    def history(self, _: str) -> None:
        """What was said."""
        for number, each in enumerate(self._chat.said, 1):
            answer = one_line(each.answer)
            cut = self._symbols.ellipsis if len(answer) > SHOWN else ""
            told = f"{answer[:SHOWN]}{cut}" if answer else f"({each.status}: no answer)"
            mutter(f"  {number}. {one_line(each.user)}\n     {told}\n")
        mutter(f"  {so_far(self._chat.said, self._symbols)}\n" if self._chat.said else NOTHING)

    def runs(self, _: str) -> None:
        """The runs behind the turns."""
        for number, each in enumerate(self._chat.said, 1):
            calls = plural(each.calls, "call")
            mutter(
                f"  {number}. {each.run}  {each.status:<11}  {calls:>8}  {one_line(each.user):.60}\n"
            )
        mutter("" if self._chat.said else NOTHING)

    def save(self, name: str) -> None:
        """Write what was said as Markdown."""
        if not name:
            raise UsageError("/save FILE: which file?")
        try:
            file = Path(name).expanduser()
            if file.exists() and file.absolute() not in self._saved:
                raise UsageError(f"{file} is there already", hint="/save to another file")
            write_atomically(file, transcript(self._chat.loaded.spec.name, self._chat.said))
        except (OSError, RuntimeError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise KonsehoError(f"{name} could not be written: {why}") from error
        self._saved.add(file.absolute())
        mutter(f"  {plural(len(self._chat.said), 'turn')} in {harmless(str(file))}\n")

    def clear(self, _: str) -> None:
        """Begin a new conversation."""
        self._chat.forget()
        mutter("  a new conversation: the council is told nothing of what was said\n")

    def model(self, name: str) -> None:
        """Show the models, or choose another one for the turns to come."""
        chat = self._chat
        if name:
            new, old = read_models([name], simulate=False), chat.options.wishes
            wishes = Wishes(model=new.model or old.model, models={**old.models, **new.models})
            options = structs.replace(chat.options, wishes=wishes)
            chat.check(options)
            chat.options = options
        mutter(f"  {', '.join(chat.check(chat.options).models)}\n")

    def quit(self, _: str) -> None:
        """End the chat."""
        raise Leave


NOTHING = "  nothing was said yet\n"


class _Word(NamedTuple):
    do: Callable[[Words, str], None]
    about: str
    takes: str = ""


_WORDS: Mapping[str, _Word] = {
    "help": _Word(Words.help, "what there is"),
    "history": _Word(Words.history, "what was said, and what it took"),
    "runs": _Word(Words.runs, "the run of each turn, for `konseho runs show`"),
    "save": _Word(Words.save, "write what was said as Markdown", "FILE"),
    "model": _Word(Words.model, "the models, or another one from now on", "[PROVIDER:MODEL]"),
    "clear": _Word(Words.clear, "begin a new conversation"),
    "quit": _Word(Words.quit, "end the chat"),
    "exit": _Word(Words.quit, "the same"),
}


def transcript(council: str, said: list[Said]) -> str:
    """The conversation as Markdown."""
    lines = [f"# A conversation with {council}", ""]
    for number, each in enumerate(said, 1):
        quoted = "\n".join(f"> {line}".rstrip() for line in each.user.splitlines())
        answer = each.answer or f"*{each.status}: no answer*"
        lines += [f"## {number}", "", quoted, "", answer, "", f"*Run {each.run}*", ""]
    return "\n".join(lines)
