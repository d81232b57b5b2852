"""Every outside issuer made from its section, with its keys' source and the apps that it proves."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from sidecar.access.kept_key_set import KeptKeySet, KeyFile, KeyUrl
from sidecar.access.key_fetch import key_fetch
from sidecar.access.key_set import KeySet, KeySetRefused, parse_key_set
from sidecar.access.outside_issuer import OutsideApp, OutsideIssuer
from sidecar.access.outside_token import IssuerRules
from sidecar.access.policy import App
from sidecar.aws.http import tls_context
from sidecar.clock import Clock
from sidecar.config.issuer_section import IssuerSection
from sidecar.config.schema import Config
from sidecar.errors import OperatorError, Problem

_KEYS_HINT: Final = (
    "it must be the issuer's JWKS with public keys; kubectl get --raw /openid/v1/jwks gives a "
    "cluster's"
)


def build_issuers(
    config: Config,
    apps: Mapping[str, App],
    faulty: AbstractSet[str],
    clock: Clock,
    until_now: Iterable[OutsideIssuer] = (),
) -> tuple[tuple[OutsideIssuer, ...], list[Problem]]:
    """Make every issuer; keys in files are read now, those at addresses once it runs.

    Args:
        config: the configuration.
        apps: the apps by name, without those whose sections could not be read.
        faulty: sections whose values could not be read; these are left out.
        clock: what its pauses are made by.
        until_now: the issuers before a reload; keys from the same address go on, or nobody would
            be let in until they have been fetched again.

    Returns:
        The issuers, and what is wrong with those that could not be made.

    """
    held = {each.keys.where: each.keys.current for each in until_now}
    issuers: list[OutsideIssuer] = []
    problems: list[Problem] = []
    for name, section in config.issuers.items():
        nowhere = section.jwks_file is None and section.jwks_url is None
        if nowhere or f"issuers.{name}" in faulty:
            continue  # told of already
        rules, proved = _rules(name, section), tuple(_apps(name, config, apps))
        try:
            keys = _keys(name, section, held, clock)
        except _Unusable as exc:
            problems.append(exc.problem)
        else:
            issuers.append(OutsideIssuer(rules, proved, keys))
    return tuple(issuers), problems


class _Unusable(Exception):
    """What a section names cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _apps(issuer: str, config: Config, apps: Mapping[str, App]) -> Iterator[OutsideApp]:
    for name, app in apps.items():
        section = config.apps[name]
        if section.issuer == issuer and section.subject is not None:
            yield OutsideApp(app, section.subject, dict(section.claims))


def _rules(name: str, section: IssuerSection) -> IssuerRules:
    return IssuerRules(
        name=name,
        issuer=section.issuer,
        audience=section.audience,
        algorithms=section.algorithms,
        leeway_seconds=section.leeway_seconds,
        max_lifetime_seconds=section.max_lifetime_seconds,
    )


def _keys(
    name: str, section: IssuerSection, held: Mapping[str, KeySet | None], clock: Clock
) -> KeptKeySet:
    if section.jwks_url is not None:
        source = _at_url(name, section, section.jwks_url)
        return KeptKeySet(name, source, clock, held.get(source.where))
    return _from_file(name, section.jwks_file or Path(), clock)


def _from_file(name: str, path: Path, clock: Clock) -> KeptKeySet:
    source = KeyFile(path)
    try:
        keys = parse_key_set(source.read_now() or b"")
    except (OperatorError, KeySetRefused) as exc:
        what = f"{path} {exc}"
        raise _Unusable(Problem(f"issuers.{name}.jwks_file", what, _KEYS_HINT)) from exc
    return KeptKeySet(name, source, clock, keys)


def _at_url(name: str, section: IssuerSection, url: str) -> KeyUrl:
    try:
        context = tls_context(section.ca_bundle)
    except OperatorError as exc:
        hint = "name a readable PEM file"
        raise _Unusable(Problem(f"issuers.{name}.ca_bundle", exc.message, hint)) from exc
    fetch = key_fetch(url, context, section.bearer_token_file)
    return KeyUrl(url, fetch, section.refresh_seconds)
