"""What the configuration means for one program: its own doors, its own token, and no more."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from sidecar.cli.stronger_profile import stronger_profiles
from sidecar.config.address import Address
from sidecar.config.app_section import AppSection
from sidecar.config.audit_section import OFF, STDOUT
from sidecar.config.chaining import chain_of
from sidecar.config.consistency import default_region, inconsistencies, secrets_role, sts_region
from sidecar.config.doors_section import AdminSection, DoorsSection
from sidecar.config.metadata_section import MetadataSection
from sidecar.config.role_sources import RolesAnywhereSection, RoleSection
from sidecar.config.schema import Config
from sidecar.config.tokens_section import TokensSection

# Where the program's token is looked up; no shell can set a variable of this name.
TOKEN: Final = "the token of exec"  # noqa: S105 - a name

_FREE: Final = (Address.parse("127.0.0.1:0"),)

log = logging.getLogger("sidecar.exec")


def for_one_program(config: Config, app: str, *, reads_events: bool) -> Config:
    """Give the configuration of the sidecar that one program has to itself.

    Its doors are on free ports, and of these only the ones that a program knocks at. It has no
    other app, no role that only another app has, no key for tokens, no file to deliver and nothing
    to prefetch: that is `serve`'s, which may run beside.
    A queue gives each message to one reader, so that it is read only where a change matters.
    Nothing is put down on stdout, which is the program's; no notice is sent, and no key rotated.

    Args:
        config: the configuration; while it contradicts itself, every role stays, to be told of.
        app: the name of the program's app; its token comes from variable `TOKEN`.
        reads_events: whether a change of a value matters.

    """
    section = _with_token_of_its_own(config.apps[app])
    doors = DoorsSection(
        credentials=_FREE,
        secrets=_FREE if config.doors.secrets else (),
        aws_api=_FREE if config.doors.aws_api else (),
        admin=(),
    )
    queue = config.secrets.events_queue_url if reads_events else None
    cache = replace(config.secrets, prefetch=(), prefetch_tags=(), events_queue_url=queue)
    audit = config.audit
    if audit.destination == STDOUT:
        audit = replace(audit, destination=OFF)
    alone = replace(
        config,
        apps={app: section},
        issuers={},
        tokens=TokensSection(),
        doors=doors,
        admin=AdminSection(),
        metadata=MetadataSection(),
        secrets=cache,
        audit=audit,
        files=(),
        notify={},
        rotation={},
    )
    return alone if inconsistencies(alone) else _with_needed_roles(alone, section.roles)


def _with_token_of_its_own(section: AppSection) -> AppSection:
    """Leave of an app what it may have, and nothing of how it proves itself elsewhere."""
    return AppSection(
        roles=section.roles,
        secrets=section.secrets,
        deny_secrets=section.deny_secrets,
        parameters=section.parameters,
        deny_parameters=section.deny_parameters,
        assume_roles=section.assume_roles,
        token_env=TOKEN,
    )


def _with_needed_roles(config: Config, roles: Iterable[str]) -> Config:
    """Leave out every role but some, the one that reads secrets, and what these are chained on.

    Which role and which regions are meant by default may depend on the roles that are left out.
    """
    via = secrets_role(config) or next(iter(config.roles))
    needed = {each for name in (*roles, via) for each in chain_of(name, config.roles)}
    return replace(
        config,
        roles={name: _in_its_region(name, config) for name in config.roles if name in needed},
        secrets=replace(config.secrets, via=via),
        aws=replace(config.aws, region=default_region(config)),
    )


def _in_its_region(name: str, config: Config) -> RoleSection:
    section = config.roles[name]
    if config.aws.region is not None or isinstance(section, RolesAnywhereSection):
        return section
    return replace(section, region=sts_region(name, config))


def own_variables(config: Config) -> frozenset[str]:
    """Name the variables that hold passwords, tokens and addresses of the sidecar's."""
    names = {app.token_env for app in config.apps.values()} | {config.admin.token_env}
    if config.identity is not None:
        names.add(config.identity.password_env)
    for sink in config.notify.values():
        names |= {getattr(sink, key, None) for key in ("url_env", "hmac_key_env")}
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
