"""What `serve` checks before it opens a door: the identity and the tokens, all problems at once."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sidecar.access.tokens import AppTokens, load_admin_token, token_file_warnings
from sidecar.access_preflight import PreparedAccess, prepare_access
from sidecar.audit.opening import check_destination
from sidecar.aws.http import tls_context
from sidecar.clock import Clock, SystemClock
from sidecar.config.consistency import inconsistencies
from sidecar.config.doors_section import AdminSection
from sidecar.config.listening import remote_doors
from sidecar.config.load import Loaded
from sidecar.config.role_sources import RoleSection
from sidecar.config.schema import Config, IdentitySection
from sidecar.delivery.prepare import PreparedFile, prepare_files
from sidecar.errors import ConfigError, IdentityError, OperatorError, Problem
from sidecar.identity.examined import examine, told
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.identity.password import NoPasswordSource, Password, PasswordFile, PasswordVariable
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.remembered_password import RememberedPassword
from sidecar.notify_preflight import notify_problems, notify_warnings
from sidecar.providers.session_policy import read_policy

_NOBODY: Final = NoPasswordSource()
_MACHINE: Final = SystemClock()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was read from disk and found good, and what a user should hear about it.

    Args:
        identity: the identity to start with; None if none is configured, since no role needs it.
        places: where the next one will be found, with a password that nobody is asked for.
        access: who is let in.
        warnings: sentences for the log.
        files: what is to be written, and where.
        environment: where tokens in variables were looked up.
        admin_tokens: the admin door's token; None if it asks for none.

    """

    identity: Identity | None
    places: IdentityPlaces | None
    access: PreparedAccess
    warnings: tuple[str, ...]
    files: tuple[PreparedFile, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    admin_tokens: AppTokens | None = None

    def held_identity(self, clock: Clock) -> HeldIdentity | None:
        """Begin to hold the identity, if there is one."""
        if self.identity is None or self.places is None:
            return None
        return HeldIdentity(self.identity, self.places, clock)


def prepare(
    loaded: Loaded,
    environment: Mapping[str, str],
    now: datetime,
    *,
    ask: Password = _NOBODY,
    clock: Clock = _MACHINE,
) -> Prepared:
    """Check that the configuration fits together, and read and check what it names.

    Args:
        loaded: the configuration, with the problems found in it so far; what they spoil is left
            out, so that one run tells of everything that can be told.
        environment: where tokens and passwords in variables are looked up.
        now: the moment that certificates are checked at.
        ask: whom to ask for the key's password when the configuration names none; once, and not
            after this returns.
        clock: what pauses are made by later, between looks at the keys of issuers.

    Raises:
        ConfigError: with every problem found, those of `loaded` first.

    """
    config, faulty = loaded.config, loaded.faulty
    problems = [*loaded.problems, *inconsistencies(config, faulty)]
    warnings = [*loaded.warnings]
    identity = places = None
    if config.identity is not None and "identity" not in faulty:
        remembered = RememberedPassword(ask)
        places = identity_places(config.identity, environment, remembered)
        where = _told("identity", loaded.said_by)
        identity = _checked_identity(places, where, now, problems, warnings)
        remembered.stop_asking()
    access = prepare_access(config, environment, now, clock=clock, faulty=faulty)
    problems += access.problems
    warnings += access.warnings
    admin_tokens = None
    if "admin" not in faulty:
        admin_tokens = _admin_tokens(config.admin, environment, access, problems, warnings)
    problems += _named_files(config, faulty)
    problems += notify_problems(config, environment, faulty)
    wanted = config.files_by_place().items()
    sound = {where: file for where, file in wanted if not {"files", where} & faulty}
    files, file_problems, file_warnings = prepare_files(sound, environment)
    problems += file_problems
    warnings += file_warnings
    if problems:
        raise ConfigError(loaded.with_variables(problems), hint=loaded.hint)
    warnings += [*remote_doors(config.doors), *notify_warnings(config)]
    return Prepared(identity, places, access, tuple(warnings), files, environment, admin_tokens)


def _admin_tokens(
    section: AdminSection,
    environment: Mapping[str, str],
    access: PreparedAccess,
    problems: list[Problem],
    warnings: list[str],
) -> AppTokens | None:
    place = section.static_token_file or section.token_env
    if place is None:
        return None
    tokens, found = load_admin_token(place, environment, access.access.static)
    problems += found
    warnings += token_file_warnings(place) if isinstance(place, Path) else ()
    return tokens


def identity_places(
    section: IdentitySection, environment: Mapping[str, str], ask: Password
) -> IdentityPlaces:
    """Say where the configured identity is kept, and where its password comes from.

    Args:
        section: the checked options.
        environment: where a password in a variable is looked up.
        ask: whom to ask for a password when the options name none.

    """
    password = ask
    if section.password_file is not None:
        password = PasswordFile(section.password_file)
    elif section.password_env is not None:
        password = PasswordVariable(section.password_env, environment)
    return IdentityPlaces(
        certificate=section.certificate,
        private_key=section.private_key,
        chain=section.chain,
        password=password,
        pkcs11_module=section.pkcs11_module,
        tpm=section.tpm,
    )


def _told(section: str, said_by: Mapping[str, str]) -> str:
    """Name a section, with the variables that had a say in it."""
    variables = [name for place, name in said_by.items() if place.startswith(f"{section}.")]
    return f"{section} ({', '.join(variables)})" if variables else section


def _checked_identity(
    places: IdentityPlaces,
    where: str,
    now: datetime,
    problems: list[Problem],
    warnings: list[str],
) -> Identity | None:
    """Read the identity and add what is wrong with it to either list."""
    try:
        found = examine(places, now)
    except IdentityError as exc:
        problems.append(Problem(where, exc.message, exc.hint))
        return None
    problems += [Problem("identity.certificate", told(each), each.hint) for each in found.errors]
    warnings += [f"{told(each)}; {each.hint}" for each in found.warnings]
    return found.identity


def _named_files(config: Config, faulty: AbstractSet[str]) -> Iterator[Problem]:
    """Find files that are read later, and cannot be."""
    if "aws" not in faulty and (problem := _ca_bundle(config.aws.ca_bundle)):
        yield problem
    for name, role in config.roles.items():
        if f"roles.{name}" not in faulty:
            yield from _policy_file(name, role)
    if "audit" not in faulty:
        yield from _audit(config.audit.destination)


def _policy_file(name: str, role: RoleSection) -> Iterator[Problem]:
    """Read a session policy now, as it will be read for each session."""
    path = getattr(role, "policy_file", None)
    if path is not None:
        try:
            read_policy(path)
        except OperatorError as exc:
            yield Problem(f"roles.{name}.policy_file", exc.message, exc.hint)


def _audit(destination: str | Path) -> Iterator[Problem]:
    if isinstance(destination, Path):
        try:
            check_destination(destination)
        except OperatorError as exc:
            yield Problem("audit.destination", exc.message, exc.hint)


def _ca_bundle(path: Path | None) -> Problem | None:
    try:
        tls_context(path)
    except OperatorError as exc:
        return Problem("aws.ca_bundle", exc.message, exc.hint)
    return None
