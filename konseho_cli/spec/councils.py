"""`council` steps: the file of each is read and checked, and takes its own place in the document."""

from __future__ import annotations

import msgspec

from konseho_cli.core import marks
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.loaded import Loaded
from konseho_cli.steps.nested import Nested
from konseho_cli.steps.union import Step

UNUSED = ("max_concurrency", "targets", "seed")
"""Keys of a council that mean nothing inside of another one: the outermost one's hold."""


def settle_councils(draft: Draft) -> None:
    """Fill `draft.councils`; what a file held stands in the step from now on."""

    def settle(step: Step, place: marks.Path) -> Step:
        if not isinstance(step, Nested) or place in draft.broken or step.check():
            return step
        loaded = draft.read(step, place)
        if loaded is None:
            return step
        draft.councils[place] = loaded
        _check_inputs(draft, step, place, loaded)
        _warn_of_unused(draft, step, place, loaded)
        document = draft.document_of(loaded.spec)
        return msgspec.structs.replace(step, file=None, council=document)

    draft.change(settle)


def _check_inputs(draft: Draft, step: Nested, place: marks.Path, loaded: Loaded) -> None:
    declared = loaded.spec.inputs
    for name in step.inputs:
        if name not in declared:
            what = f"council '{loaded.spec.name}' has no input '{name}'"
            hint = None if declared else "it has none"
            draft.problems.error(
                (*place, "inputs", name), what, key=True, near=(name, declared), hint=hint
            )
    for name, one in declared.items():
        if one.required and name not in step.inputs:
            what = f"council '{loaded.spec.name}' needs the input '{name}'"
            draft.problems.error((*place, "inputs"), what, hint=one.description or None)


def _warn_of_unused(draft: Draft, step: Nested, place: marks.Path, loaded: Loaded) -> None:
    empty = type(loaded.spec)(konseho=1, name="", steps=loaded.spec.steps)
    unused = [key for key in UNUSED if getattr(loaded.spec, key) != getattr(empty, key)]
    if unused:
        listed = ", ".join(f"`{key}`" for key in unused)
        field = "file" if step.file is not None else "council"
        what = f"{listed} of council '{loaded.spec.name}' {'are' if unused[1:] else 'is'} not used"
        draft.problems.warn((*place, field), what, hint="those of this council hold")
