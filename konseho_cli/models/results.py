"""Results of programs that are used again: by what they were given, and by all that they read."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.command import CommandRequest
from konseho_cli.models.file_hashes import FileHashes, Unmatched
from konseho_cli.models.program import Place

VERSION = 2
"""Of the keys: raised where an old result must not be found under a new key."""
_encoder = msgspec.msgpack.Encoder(order="sorted")


class Fingerprints:
    """What a result is kept by."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._files = FileHashes()

    async def of(self, order: CommandRequest, request: Request) -> bytes | None:
        """32 bytes; None where its result is not to be used again. Raises ModelRefused."""
        if order.inputs is None or not order.cache:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self._of, order, request.messages[-1].text)

    def _of(self, order: CommandRequest, written: str) -> bytes | None:
        place = self._place
        folder, env = place.folder(order.cwd), place.environment(order)
        try:
            files = self._files.digest(folder, order.inputs or ())
            program = _identity(place.program(order, folder, env))
        except (Unmatched, OSError):
            return None  # what it reads is not known, so it is executed
        parts = (VERSION, written, str(folder), _plain(env), program, files)
        return hashlib.blake2b(_encoder.encode(parts), digest_size=32).digest()


def _identity(path: Path) -> tuple[str, int, int, int]:
    """The file behind the name, and its state: another version of a program is another program.

    A package may give all its files one time, so the time at which this one came counts, too.
    """
    real = path.resolve()
    found = real.stat()
    return str(real), found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _plain(env: Mapping[str, str]) -> dict[str, bytes]:
    return {name: value.encode("utf-8", "surrogateescape") for name, value in env.items()}


class ByCall:
    """In the place of `Caching`: the key was found out before, since files had to be read for it."""

    def key(self, request: Request, call: Call) -> bytes | None:
        """The call's own."""
        return call.key


class _Fingerprinting:
    """A model whose results are kept by what the program is given and reads."""

    __slots__ = ("_fingerprints", "_model", "_order_of")

    def __init__(
        self,
        model: Model,
        fingerprints: Fingerprints,
        order_of: Callable[[Call], CommandRequest],
    ) -> None:
        self._model = model
        self._fingerprints = fingerprints
        self._order_of = order_of

    async def _key(self, request: Request, call: Call) -> bytes | None:
        """As of now. Raises ModelRefused."""
        return await self._fingerprints.of(self._order_of(call), request)


class Keyed(_Fingerprinting):
    """Outermost: finds out by what the result of a call is kept."""

    __slots__ = ()

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the model raises."""
        key = await self._key(request, call)
        return await self._model.generate(request, structs.replace(call, key=key))


class Steady(_Fingerprinting):
    """Innermost: a result is not kept where what the program read has changed meanwhile."""

    __slots__ = ()

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the model raises."""
        reply = await self._model.generate(request, call)
        if call.key is None or reply.finish != "stop":
            return reply
        again = await self._key(request, call)
        return reply if again == call.key else structs.replace(reply, finish="other")
