"""May an app do this? A pure function of app, action and resource, which also says why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from sidecar.access.names import has_usual_spelling, possible_names, referred_secret
from sidecar.access.policy import LONGEST_ID, App, covers_parameter, matches
from sidecar.redaction import Secret


class Action(Enum):
    """What an app may ask for.

    What it names is judged before AWS is asked, when an id may stand for several names; what it
    reads is judged by the real name, once AWS has told it.
    """

    GET_CREDENTIALS = auto()
    ASSUME_ROLE = auto()
    NAME_SECRET = auto()
    READ_SECRET = auto()
    NAME_PARAMETER = auto()
    READ_PARAMETER = auto()
    READ_PATH = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes, or no with a reason that an operator understands."""

    allowed: bool
    reason: str = ""


ALLOW: Final = Decision(allowed=True)


def decide(
    app: App, action: Action, resource: str, source_result: Secret | None = None
) -> Decision:
    """Say whether an app may do something to a resource.

    Args:
        app: who asks.
        action: what for.
        resource: a role's name or ARN, or that of a secret, a parameter or a path of parameters.
        source_result: see `App.may_read_parameter`.

    """
    if _allowed(app, action, resource, source_result):
        return ALLOW
    return Decision(allowed=False, reason=_why_not(app, action, resource))


_RULES: Final[Mapping[Action, Callable[[App, str], bool]]] = {
    Action.GET_CREDENTIALS: App.may_have_role,
    Action.ASSUME_ROLE: App.may_assume,
    Action.NAME_SECRET: App.may_name_secret,
    Action.READ_SECRET: App.may_read_secret,
    Action.NAME_PARAMETER: App.may_name_parameter,
    Action.READ_PATH: App.may_read_path,
}


def _allowed(app: App, action: Action, resource: str, source_result: Secret | None) -> bool:
    if action is Action.READ_PARAMETER:
        return app.may_read_parameter(resource, source_result)
    return _RULES[action](app, resource)


def _why_not(app: App, action: Action, resource: str) -> str:
    where = f"apps.{app.name}"
    if len(resource) > LONGEST_ID:
        return f"the name has more than {LONGEST_ID} characters"
    match action:
        case Action.GET_CREDENTIALS:
            return f"{where}.roles does not have the role"
        case Action.ASSUME_ROLE:
            return f"no pattern of {where}.assume_roles covers the role"
        case Action.NAME_SECRET | Action.READ_SECRET:
            return _why_not_secret(app, resource)
        case Action.READ_PATH:
            return _why_not_path(app, resource)
        case _:
            return _why_not_parameter(app, resource)


def _why_not_secret(app: App, secret_id: str) -> str:
    denied = any(
        matches(pattern, name) for pattern in app.deny_secrets for name in possible_names(secret_id)
    )
    return _by_patterns(f"apps.{app.name}", "secrets", denied=denied)


def _why_not_parameter(app: App, name: str) -> str:
    secret_id = referred_secret(name)
    if secret_id is not None:
        return _why_not_secret(app, secret_id)
    if not has_usual_spelling(name):
        return "the parameter's name is not spelled as AWS gives it back"
    return _no_parameter(app, name)


def _why_not_path(app: App, path: str) -> str:
    if replace(app, deny_parameters=()).may_read_path(path):
        return f"a pattern of apps.{app.name}.deny_parameters may cover something below it"
    return _by_patterns(f"apps.{app.name}", "parameters", denied=False)


def _no_parameter(app: App, name: str) -> str:
    denied = covers_parameter(app.deny_parameters, name)
    return _by_patterns(f"apps.{app.name}", "parameters", denied=denied)


def _by_patterns(where: str, kind: str, *, denied: bool) -> str:
    if denied:
        return f"a pattern of {where}.deny_{kind} covers it"
    return f"no pattern of {where}.{kind} covers it"
