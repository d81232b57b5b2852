"""A plan as people read it before they agree to it."""

from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.provision.kinds.kind import Found, Wanted
from sidecar.provision.leftovers import LeftOver
from sidecar.provision.planning import Action, Step

_SIGNS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.LEAVE: "=",
    Action.DELETE: "-",
}
# Certificates and policies are longer than a screen.
_LONGEST: Final = 160


def plan_lines(
    steps: Sequence[Step], *, unchanged: bool = False, full: bool = False
) -> Iterator[str]:
    """Show what would be done, a line for each thing and for each property of it.

    Args:
        steps: the plan.
        unchanged: whether what stays as it is has a line too.
        full: whether long values are shown whole.

    """
    for each in steps:
        if each.action is not Action.LEAVE or unchanged:
            yield from step_lines(each, full=full)
    yield summary(steps)


def step_lines(step: Step, *, full: bool = False) -> Iterator[str]:
    """Show one step; long values are cut unless they shall be shown in full."""
    yield f"{_SIGNS[step.action]} {step.wanted.type} {step.wanted.logical_id}"
    for each in step.changes:
        before, after = (_value(text, full=full) for text in (each.before, each.after))
        shown = after if step.action is Action.CREATE else f"{before} -> {after}"
        yield f"    {each.name}: {shown}"


def summary(steps: Sequence[Step]) -> str:
    """Count what would be done."""
    counts = {action: sum(each.action is action for each in steps) for action in Action}
    return (
        f"{counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to change,"
        f" {counts[Action.LEAVE]} unchanged"
    )


def doomed_line(wanted: Wanted, found: Found) -> str:
    """Show one thing that would be deleted, by a name that people know, and what goes with it."""
    name = wanted.properties.get("Name")
    known = f" ({name})" if isinstance(name, str) and name not in found.ref else ""
    lost = f"; lost with it: {found.also_lost}" if found.also_lost else ""
    return f"- {wanted.type} {found.ref}{known}{lost}"


def left_over_lines(over: LeftOver) -> Iterator[str]:
    """Show what is of the stack and described no longer, and what was not looked for."""
    for wanted, found, _ in over.things:
        yield f"left over: {doomed_line(wanted, found).removeprefix('- ')}"
    kept = [found.kept_by for _, found, _ in over.things if found.kept_by]
    for why, what_to_do in kept:
        yield f"in the way of a pruning: {why}; {what_to_do}"
    if over.things and not kept:
        yield f"{len(over.things)} left over; sidecar provision apply --prune deletes them"
    for each in over.unseen:
        yield f"not looked for, since AWS refused it: {each}"


def _value(text: str, *, full: bool) -> str:
    """Write a value in one line, and cut it in its middle where it is long."""
    text = " ".join(text.split())
    if full or len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]} … {text[-half:]} ({len(text)} characters)"
