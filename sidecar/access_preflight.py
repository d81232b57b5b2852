"""Who is let in, as the configuration and the files that it names say; at start and on reload."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sidecar.access.callers import Access, OwnTokens
from sidecar.access.outside_issuer import OutsideIssuer
from sidecar.access.own_token import OwnTokenRules
from sidecar.access.policy import App
from sidecar.access.token_file import TokenPlace, prepare_place
from sidecar.access.token_key import MAX_KEY_BYTES, TokenKey, UnusableTokenKey
from sidecar.access.tokens import load_tokens, token_file_warnings
from sidecar.clock import Clock
from sidecar.config.app_consistency import shared_roles
from sidecar.config.app_section import AppSection
from sidecar.config.schema import Config
from sidecar.config.tokens_section import TokensSection
from sidecar.errors import OperatorError, Problem
from sidecar.file_target import Target, group_number, user_number
from sidecar.issuer_graph import build_issuers
from sidecar.regular_file import read_regular_file

_KEY_HINT: Final = "make one: (umask 077; openssl genpkey -algorithm ed25519 -out FILE)"
_SECRET_HINT: Final = "make one: (umask 077; openssl rand -hex 32 > FILE)"  # noqa: S105 - a command


@dataclass(frozen=True, slots=True)
class PreparedAccess:
    """Who is let in, where tokens are written, what is wrong, and what a user should hear.

    Where there are problems, nothing else of it may be used.
    """

    access: Access
    places: tuple[TokenPlace, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    problems: list[Problem]
    warnings: list[str]


def prepare_access(
    config: Config,
    environment: Mapping[str, str],
    now: datetime,
    *,
    clock: Clock,
    faulty: AbstractSet[str] = frozenset(),
    until_now: Access | None = None,
) -> PreparedAccess:
    """Read tokens and keys, and look at the places where tokens are to be written.

    Args:
        config: the configuration.
        environment: where tokens in variables are looked up.
        now: the moment, before which `not_before` must be.
        clock: what pauses are made by, between looks at the keys of issuers.
        faulty: sections that had problems; what hangs on them is left out.
        until_now: who was let in before a reload. What tokens were signed with goes on where no
            other key is configured, or a reload would end every token; the keys of issuers go on.

    """
    found = _Found([], [])
    sound = {name: app for name, app in config.apps.items() if f"apps.{name}" not in faulty}
    apps = {name: app_of(name, section) for name, section in sound.items()}
    wanted = {
        apps[name]: place
        for name, section in sound.items()
        if (place := section.static_token_file or section.token_env)
    }
    static, problems = load_tokens(wanted, environment)
    found.problems += problems
    for place in wanted.values():
        found.warnings += token_file_warnings(place) if isinstance(place, Path) else ()
    key_until_now = None if until_now is None else until_now.own.key
    tokens = TokensSection() if "tokens" in faulty else config.tokens
    key = _key(tokens, key_until_now, found) or TokenKey.generate(tokens.algorithm)
    found.problems += _not_before(tokens, sound, now)
    places = tuple(_places(sound, found))
    own = OwnTokens(key, own_token_rules(replace(config, tokens=tokens, apps=sound)))
    before = () if until_now is None else until_now.outside
    held = [each for each in before if isinstance(each, OutsideIssuer)]
    outside, problems = build_issuers(config, apps, faulty, clock, held)
    found.problems += problems
    access = Access(tuple(apps.values()), static, own, outside)
    found.warnings += () if faulty else shared_roles(config)
    return PreparedAccess(access, places, tuple(found.problems), tuple(found.warnings))


def app_of(name: str, section: AppSection) -> App:
    """Make an app of its options."""
    return App(
        name,
        section.roles,
        section.secrets,
        section.parameters,
        section.assume_roles,
        section.deny_secrets,
        section.deny_parameters,
    )


def own_token_rules(config: Config) -> OwnTokenRules:
    """Say what the sidecar's own tokens say, and which count."""
    tokens = config.tokens
    earliest = {name: app.not_before for name, app in config.apps.items() if app.not_before}
    return OwnTokenRules(
        audience=tokens.audience,
        lifetime=timedelta(seconds=tokens.lifetime_seconds),
        grace=timedelta(seconds=tokens.grace_seconds),
        not_before=tokens.not_before,
        not_before_of=earliest,
        revoked=frozenset(tokens.revoked),
    )


def read_token_key(file: Path, algorithm: str) -> TokenKey:
    """Read the key that tokens are signed with.

    Raises:
        UnusableTokenKey: it cannot be read, or holds no such key.

    """
    try:
        content, _ = read_regular_file(file, MAX_KEY_BYTES)
    except OSError as exc:
        raise UnusableTokenKey(f"cannot be read: {exc.strerror}") from exc
    return TokenKey.read(content, algorithm)


def _key(tokens: TokensSection, until_now: TokenKey | None, found: _Found) -> TokenKey | None:
    if tokens.key_file is None:
        same = until_now is not None and until_now.algorithm == tokens.algorithm
        return until_now if same else None
    try:
        key = read_token_key(tokens.key_file, tokens.algorithm)
    except UnusableTokenKey as exc:
        hint = _KEY_HINT if tokens.algorithm == "EdDSA" else _SECRET_HINT
        found.problems.append(Problem("tokens.key_file", f"{tokens.key_file} {exc}", hint))
        return None
    found.warnings += token_file_warnings(tokens.key_file)
    return key


def _not_before(
    tokens: TokensSection, apps: Mapping[str, AppSection], now: datetime
) -> Iterator[Problem]:
    """Find moments to come: until then no token would count, not even a new one."""
    moments = {"tokens.not_before": tokens.not_before}
    moments |= {f"apps.{name}.not_before": app.not_before for name, app in apps.items()}
    for where, moment in moments.items():
        if moment is not None and moment > now:
            yield Problem(where, f"is in the future (got {moment})", "take the present moment")


def _places(apps: Mapping[str, AppSection], found: _Found) -> Iterator[TokenPlace]:
    for name, app in apps.items():
        if app.token_file is None:
            continue
        try:
            place = TokenPlace(name, _target(app, app.token_file))
            found.warnings += prepare_place(place)
        except OperatorError as exc:
            found.problems.append(Problem(f"apps.{name}.token_file", exc.message, exc.hint))
        else:
            yield place


def _target(app: AppSection, file: Path) -> Target:
    owner, group = app.token_file_owner, app.token_file_group
    return Target(
        file,
        app.token_file_mode,
        None if owner is None else user_number(owner),
        None if group is None else group_number(group),
    )
