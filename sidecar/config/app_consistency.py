"""What must hold between the options of an app, and between apps."""

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from sidecar.config.app_section import AppSection
from sidecar.config.option import options_of
from sidecar.config.role_sources import SESSION_TOKEN, shares_session
from sidecar.config.schema import Config
from sidecar.errors import Problem

_WAYS = ("token_file", "static_token_file", "token_env", "issuer")
# Options besides those of apps and files that name a file which must not be written over.
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("certificate", "private_key", "chain", "password_file"),
    "admin": ("static_token_file",),
    "tokens": ("key_file",),
    "audit": ("destination",),
}
_EXCHANGE: Final = f"exchange = {SESSION_TOKEN}"


def app_inconsistencies(config: Config, faulty: AbstractSet[str]) -> Iterator[Problem]:
    """Find every contradiction in and between apps.

    Args:
        config: the configuration.
        faulty: sections whose values could not be read; what depends on them is not looked at.

    """
    sound = {name: app for name, app in config.apps.items() if f"apps.{name}" not in faulty}
    for name, app in sound.items():
        if "roles" not in faulty:
            yield from _roles(name, app, config)
        if "tokens" not in faulty:
            yield from _proof(name, app, issued=config.tokens.key_file is not None)
    yield from _same_files(sound, _other_files(config, sound, faulty))


def _roles(name: str, app: AppSection, config: Config) -> Iterator[Problem]:
    for role in app.roles:
        if role not in config.roles:
            yield Problem(
                f"apps.{name}.roles",
                f"there is no role {role!r}",
                f"configured are {', '.join(config.roles)}",
            )


def _proof(name: str, app: AppSection, *, issued: bool) -> Iterator[Problem]:
    """One way for an app to say who it is; with a key that outlives restarts, tokens are issued."""
    ways = [way for way in _WAYS if getattr(app, way) is not None]
    if len(ways) > 1:
        yield Problem(
            f"apps.{name}",
            f"has two tokens: {' and '.join(ways)}",
            f"set exactly one of {', '.join(_WAYS)}",
        )
    elif not ways and not issued:
        yield Problem(
            f"apps.{name}",
            "has no token",
            f"set exactly one of {', '.join(_WAYS)} (without a file: SIDECAR_TOKEN or "
            "SIDECAR_TOKEN_FILE), or tokens.key_file and `sidecar token issue`",
        )
    if app.token_file is None and _says_how(app):
        yield Problem(
            f"apps.{name}.token_file",
            "is missing, and its mode, owner or group is set",
            "add it, or remove token_file_mode, token_file_owner and token_file_group",
        )


def _says_how(app: AppSection) -> bool:
    usual = options_of(AppSection)["token_file_mode"][1]
    of_others = (app.token_file_owner, app.token_file_group)
    return of_others != (None, None) or app.token_file_mode != usual


def _same_files(
    apps: Mapping[str, AppSection], others: Iterable[tuple[str, str | Path | None]]
) -> Iterator[Problem]:
    """No token file that is something else too: the sidecar writes it over, key or not.

    Of two apps with one file, one would be taken for the other.
    """
    taken: dict[str, str] = {}
    for name, app in apps.items():
        if app.token_file is None:
            continue
        first = taken.setdefault(os.path.abspath(app.token_file), name)  # noqa: PTH100 - as below
        if first != name:
            what = f"{app.token_file} is that of app {first} too"
            yield Problem(f"apps.{name}.token_file", what, "give each app a file of its own")
    for where, file in others:
        # Links are not followed: the sidecar replaces a link.
        whose = taken.get(os.path.abspath(file)) if file else None  # noqa: PTH100
        if whose is not None:
            what = f"{file} is what the sidecar writes for app {whose}"
            yield Problem(where, what, "name another file")


def _other_files(
    config: Config, apps: Mapping[str, AppSection], faulty: AbstractSet[str]
) -> Iterator[tuple[str, str | Path | None]]:
    """List what else is a file, each with the option that names it."""
    for name, app in apps.items():
        yield f"apps.{name}.static_token_file", app.static_token_file
    for section, keys in _FILES.items():
        found = None if section in faulty else getattr(config, section)
        if found is not None:
            yield from ((f"{section}.{key}", getattr(found, key)) for key in keys)
    for where, file in config.files_by_place().items():
        if not {"files", where} & faulty:
            yield f"{where}.path", file.path


def shared_roles(config: Config) -> Iterator[str]:
    """Warn of apps that the aws-api door cannot tell apart although they may not have the same."""
    if not config.doors.aws_api:
        return
    for role, section in config.roles.items():
        if not shares_session(section):
            continue
        sharing = {name: app for name, app in config.apps.items() if role in app.roles}
        if len({_may_read(app) for app in sharing.values()}) > 1:
            remedy = "shared_session = false" if section.shared_session else _EXCHANGE
            yield (
                f"apps {', '.join(sharing)} share one session of role {role}: at the aws-api door "
                f"each may read only what all of them may (hint: roles.{role}.{remedy})"
            )


def _may_read(app: AppSection) -> tuple[tuple[str, ...], ...]:
    return app.secrets, app.deny_secrets, app.parameters, app.deny_parameters
