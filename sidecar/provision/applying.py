"""A stack brought from how it is to how it is described, one resource after the other.

Each resource is looked at when its turn comes, so a run that was interrupted is simply repeated.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sidecar.errors import OperatorError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted
from sidecar.provision.kinds.known import kind_of
from sidecar.provision.looking import Look
from sidecar.provision.planning import Action, Step, refuse_others, step_for
from sidecar.provision.resource import Resource

# What is to be deleted: how it was wanted, how it is, and how it is done.
Doomed: TypeAlias = tuple[Wanted, Found, Kind]

# What was made may not be seen at once, by IAM above all.
_LOOKS: Final = 15
_PAUSE_SECONDS: Final = 2.0


def refuse_early(look: Look) -> None:
    """See that nothing of what is known beforehand will stop an application halfway.

    Raises:
        OperatorError: something is somebody else's, cannot be changed in place, or lacks what it
            is made of.
        UpstreamError: AWS refused to tell, or did not answer.

    """
    for step in look.steps():
        if step.action is Action.CREATE:
            kind_of(step.wanted.type).check(look.account, step.wanted)


def apply(look: Look, tell: Callable[[Step], None] = lambda _: None) -> Mapping[str, Found]:
    """Make and change what must be, and give everything that exists then.

    Args:
        look: the stack; used once.
        tell: gets each step before it is done, those included that do nothing.

    Raises:
        OperatorError: something of a name that is needed is somebody else's, or will not change.
        UpstreamError: AWS refused a call or did not answer; doing it again goes on from there.

    """
    for resource in look.resources:
        wanted, found, kind = look.at(resource)
        step = step_for(wanted, found, kind)
        tell(step)
        if step.action is Action.CREATE:
            kind.create(look.account, wanted)
            found = _seen(look, resource)
            step = step_for(wanted, found, kind)
        if step.action is Action.UPDATE and found is not None:
            kind.update(look.account, wanted, found, step.changed)
            _settled(look, resource)
    return look.found


def _seen(look: Look, resource: Resource) -> Found:
    """Look until what was made is seen."""
    for _ in range(_LOOKS):
        _, found, _ = look.at(resource)
        if found is not None:
            return found
        look.account.sleep(_PAUSE_SECONDS)
    raise OperatorError(
        f"{resource.type} {resource.logical_id} was made and is not seen",
        hint="apply again in a minute",
    )


def _settled(look: Look, resource: Resource) -> None:
    """Look until a change is seen."""
    step = step_for(*look.at(resource))
    for _ in range(_LOOKS):
        if step.action is Action.LEAVE:
            return
        look.account.sleep(_PAUSE_SECONDS)
        step = step_for(*look.at(resource))
    if step.action is not Action.LEAVE:
        raise OperatorError(
            f"{resource.type} {resource.logical_id} still differs in"
            f" {', '.join(sorted(step.changed))}",
            hint="apply again in a minute; if it stays so, AWS takes the value for another",
        )


def doomed(look: Look) -> tuple[Doomed, ...]:
    """Give what a destruction would delete, the last made first.

    Raises:
        OperatorError: something of a name of the stack is somebody else's, or may not be deleted;
            nothing is deleted then.

    """
    there = []
    for resource in look.resources:
        wanted, found, kind = look.at(resource)
        if found is not None:
            refuse_others(wanted, found)
            refuse_kept(found)
            there.append((wanted, found, kind))
    return tuple(reversed(there))


def refuse_kept(found: Found) -> None:
    """Raise OperatorError when something may not be deleted."""
    if found.kept_by:
        message, hint = found.kept_by
        raise OperatorError(message, hint=hint)


def destroy(
    account: Account,
    what: tuple[Doomed, ...],
    tell: Callable[[Wanted, Found], None] = lambda _wanted, _found: None,
) -> None:
    """Delete it in this order; what is gone already is no failure."""
    for wanted, found, kind in what:
        tell(wanted, found)
        kind.delete(account, found)
