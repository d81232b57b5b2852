"""What the configuration means for one program: its own doors, its own token, and no more."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sidecar.cli.stronger_profile import stronger_profiles
from sidecar.config.address import Address
from sidecar.config.schema import Config, DoorsSection

# Where the program's token is looked up; no shell can set a variable of this name.
TOKEN: Final = "the token of exec"  # noqa: S105 - a name

_FREE: Final = (Address.parse("127.0.0.1:0"),)

log = logging.getLogger("sidecar.exec")


def for_one_program(config: Config, app: str, *, reads_events: bool) -> Config:
    """Give the configuration of the sidecar that one program has to itself.

    Its doors are on free ports, and of these only the ones that a program knocks at. It has no
    other app, no file to deliver and nothing to prefetch: that is `serve`'s, which may run beside.
    A queue gives each message to one reader, so that it is read only where a change matters.

    Args:
        config: the checked configuration.
        app: the name of the program's app; its token comes from variable `TOKEN`.
        reads_events: whether a change of a value matters.

    """
    section = replace(config.apps[app], static_token_file=None, token_env=TOKEN)
    doors = DoorsSection(
        credentials=_FREE,
        secrets=_FREE if config.doors.secrets else (),
        aws_api=_FREE if config.doors.aws_api else (),
        admin=(),
    )
    queue = config.secrets.events_queue_url if reads_events else None
    cache = replace(config.secrets, prefetch=(), prefetch_tags=(), events_queue_url=queue)
    return replace(config, apps={app: section}, doors=doors, secrets=cache, files=())


def own_variables(config: Config) -> frozenset[str]:
    """Name the variables that hold passwords and tokens of the sidecar's."""
    names = {app.token_env for app in config.apps.values()}
    if config.identity is not None:
        names.add(config.identity.password_env)
    return frozenset(name for name in names if name)


def without_profiles(environment: Mapping[str, str]) -> dict[str, str]:
    """Hide the files of AWS's in which SDKs would find other credentials first."""
    hidden = {}
    for file, section, key, variable in stronger_profiles(environment):
        hidden[variable] = os.devnull
        log.warning(
            "%s is hidden from the program: SDKs prefer %s in its [%s] to the sidecar",
            file,
            key,
            section,
        )
    return {**environment, **hidden}
