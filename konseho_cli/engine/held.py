"""A step's outcome whose output is among the run's entries, and read where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.steps.results import Part

if TYPE_CHECKING:
    from konseho_cli.context.output import Output  # only a run that has much to hold loads it


class HeldOutcome(StepOutcome, frozen=True, kw_only=True):
    """Like any outcome to whoever reads it; each read may be one of the disk. Raises StoreFailed.

    Fields are copied by `structs.replace` as they are: give it `output`, not what that holds. What
    reads fields rather than attributes, as msgspec does, is to be given `plain()`.
    """

    output: Output

    @property  # type: ignore[misc]
    def value(self) -> Any:
        """What templates read."""
        return self.output.get("value")

    @property  # type: ignore[misc]
    def parts(self) -> tuple[Part, ...]:
        """The whole output, labelled."""
        return as_parts(self.output.get_parts())

    @property  # type: ignore[misc]
    def details(self) -> Mapping[str, Any]:
        """The record behind it."""
        found: Mapping[str, Any] = self.output.get("details")
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StepOutcome) and all(
            getattr(self, name) == getattr(other, name) for name in StepOutcome.__struct_fields__
        )

    __hash__ = None  # type: ignore[assignment]

    def plain(self) -> StepOutcome:
        """The same with all of it in memory, as what serialises fields needs it."""
        names = StepOutcome.__struct_fields__
        return StepOutcome(**{name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        return repr(self.plain())

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.plain().__reduce__()


def as_parts(parts: list[tuple[str, str]]) -> tuple[Part, ...]:
    """Labels and texts as a step gives them."""
    return tuple(Part(label=label, text=text) for label, text in parts)
