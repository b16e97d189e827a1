"""What is kept of a run at its beginning: all that it takes to run it again, or to go on with it."""

from __future__ import annotations

from typing import Any

import msgspec

from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.packing import pack, unpack
from konseho_cli.core.process import here
from konseho_cli.engine.casting import Casting
from konseho_cli.engine.state import Premises
from konseho_cli.models.cache import CacheWishes, one_line
from konseho_cli.models.cassette import Wished, without_secrets
from konseho_cli.models.redact import Redactor
from konseho_cli.spec.check import converted
from konseho_cli.spec.document import Targets
from konseho_cli.spec.load import check_document, council_document, to_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.settings import Settings
from konseho_cli.store.base import RunBegan
from konseho_cli.version import __version__

FORMAT = 1


class KeptOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller said, beside the task and the inputs."""

    max_concurrency: int | None = None
    timeout_s: float | None = None
    strict: bool = False
    caching: CacheWishes = CacheWishes()
    settings: Settings = Settings()
    targets: Targets = Targets()


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The council as it was loaded, and what the caller said. Unknown keys of later versions pass."""

    format: int = FORMAT
    council: dict[str, Any]
    """As a council file that names no other file could state it."""
    task: str
    inputs: dict[str, Any]
    wished: Wished
    seed: int
    options: KeptOptions = KeptOptions()

    def loaded(self) -> Loaded:
        """The council again."""
        return check_document(self.council)


def remember(
    premises: Premises,
    loaded: Loaded,
    casting: Casting,
    *,
    wished: Wished,
    options: KeptOptions,
    started: float,
    redactor: Redactor,
) -> RunBegan:
    """The first record of a run, without a secret in any text of it."""
    remembered = Remembered(
        council=council_document(loaded.spec), task=premises.task, inputs=dict(premises.inputs),
        wished=wished, seed=premises.seed, options=options,
    )  # fmt: skip
    said = premises.task or "  ".join(map(str, premises.inputs.values()))
    hide = redactor.hide
    plain = to_document(
        **{name: getattr(remembered, name) for name in remembered.__struct_fields__}
    )
    return RunBegan(
        run=premises.run,
        council=hide(premises.council),
        file="" if loaded.file is None else hide(str(loaded.file.absolute())),
        task=one_line(said, hide),
        models=casting.models,
        simulated=casting.simulated,
        started=started,
        process=here(),
        version=__version__,
        document=pack(without_secrets(plain, redactor, free=True)),
    )


def decode(document: bytes, run: str) -> Remembered:
    """Raises StoreFailed."""
    try:
        found = converted(unpack(document), Remembered)
    except ValueError as error:
        raise StoreFailed(f"what is kept of run {run} cannot be read: {error}") from error
    if found.format > FORMAT:
        raise StoreFailed(f"run {run} was kept by a newer Konseho", hint="update Konseho")
    return found
