"""The loop of a chat: who speaks next, at a terminal or through a pipe."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from konseho_cli.cli.chat_words import Leave, Words
from konseho_cli.cli.chatting import Chat
from konseho_cli.cli.prompting import Stopped, piped, typed
from konseho_cli.cli.streams import has_reader, is_terminal, mutter, tell
from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.report.symbols import symbols_for
from konseho_cli.report.text import one_line
from konseho_cli.store.home import find_home, make_home

FILE = "chat_history"
"""What was typed, in `.konseho/`: for its owner's eyes only."""
NOT_BEGUN = 2


def converse(chat: Chat) -> int:
    """Until nobody says anything any more; the exit status."""
    try:
        return _at_terminal(chat) if is_terminal(sys.stdin) else _through_pipe(chat)
    finally:
        chat.close()


def _at_terminal(chat: Chat) -> int:
    """A turn that fails is told, and does not make the status: a person saw it."""
    words = Words(chat, symbols_for(getattr(sys.stderr, "encoding", None)))
    if not chat.quiet:
        mutter(f"{_banner(chat)}\n\n")
    try:
        for text in typed(_history(chat)):
            stopped_by = _one_turn(chat, words, text)
            if stopped_by is not None:
                return 128 + stopped_by
            if not has_reader(sys.stdout):
                return 0
    except Leave:
        return 0
    except Stopped as stop:
        return 128 + stop.number
    return 0


def _one_turn(chat: Chat, words: Words, text: str) -> signal.Signals | None:
    """What was typed, carried out; the signal that is to end the chat. Raises Leave."""
    try:
        if text.startswith("/") and not text.startswith("//"):
            words.heed(text)
            return None
        carried = chat.take(text.removeprefix("/") if text.startswith("//") else text)
    except KonsehoError as error:
        tell(error)
        return None
    except KeyboardInterrupt:  # between two moments that know what to do about it
        mutter("\n")
        return None
    if carried and carried.stopped_by not in (None, signal.SIGINT):
        return carried.stopped_by
    mutter("\n")
    return None


def _through_pipe(chat: Chat) -> int:
    """The status of the first turn that did not go well; nobody is asked what nobody would read."""
    status = 0
    for text in piped(tell):
        if not has_reader(sys.stdout):
            return status
        carried = chat.take(text)
        if carried is not None and carried.stopped_by is not None:
            return 128 + carried.stopped_by
        status = status or (NOT_BEGUN if carried is None else carried.status)
    return status


def _banner(chat: Chat) -> str:
    session = chat.first
    who = ", ".join(session.models)
    unchosen = ": no model was chosen, see --model" if session.casting.unchosen else ""
    simulated = f" (simulated answers{unchosen})" if session.simulated else ""
    return f"{one_line(chat.loaded.spec.name)}  {one_line(who)}{simulated}\n/help shows what one can type, Ctrl-D ends"


def _history(chat: Chat) -> Path | None:
    """None: nothing is to be kept, or nothing can be."""
    if not chat.options.storing.enabled:
        return None
    try:
        home = find_home(os.environ)
        make_home(home)
    except StoreFailed:
        return None
    return home / FILE
