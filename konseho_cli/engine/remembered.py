"""What is kept of a run at its beginning: all that it takes to run it again, or to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.packing import pack, unpack
from konseho_cli.models.cache import CacheWishes
from konseho_cli.models.cassette import Wished, hidden
from konseho_cli.models.redact import Redactor
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.load import Loaded, check_document, to_document

FORMAT = 1
_ABOUT = 200
"""Characters of the task that are kept in the clear, for people."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The council as it was loaded, and what the caller said. Unknown keys of later versions pass."""

    format: int = FORMAT
    council: dict[str, Any]
    """As a council file that names no other file could state it."""
    task: str
    inputs: dict[str, Any]
    wished: Wished
    seed: int
    max_concurrency: int | None = None
    timeout_s: float | None = None
    strict: bool = False
    caching: CacheWishes = CacheWishes()

    def loaded(self) -> Loaded:
        """The council again."""
        return check_document(self.council)


def council_document(spec: CouncilSpec) -> dict[str, Any]:
    """A loaded council as built-in values: equal documents are equal councils."""
    return to_document(**{name: getattr(spec, name) for name in spec.__struct_fields__})


def encode(remembered: Remembered, redactor: Redactor) -> bytes:
    """Packed, without a secret in any text of it."""
    plain = msgspec.to_builtins(remembered)
    return pack(hidden(plain, redactor.hide, free=True))


def decode(document: bytes, run: str) -> Remembered:
    """Raises StoreFailed."""
    try:
        found = msgspec.convert(unpack(document), Remembered)
    except ValueError as error:
        raise StoreFailed(f"what is kept of run {run} cannot be read: {error}") from error
    if found.format > FORMAT:
        raise StoreFailed(f"run {run} was kept by a newer Konseho", hint="update Konseho")
    return found


def about(task: str, inputs: Mapping[str, Any], redactor: Redactor) -> str:
    """How the task begins, in one line; of the inputs where there is none."""
    said = task or "  ".join(str(value) for value in inputs.values())
    line = redactor.hide(" ".join(said[: 8 * _ABOUT].split()))[:_ABOUT]
    return line.encode("utf-8", "replace").decode()
