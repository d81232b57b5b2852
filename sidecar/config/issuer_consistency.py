"""What must hold between issuers and the apps that prove themselves by their tokens."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from sidecar.config.app_section import AppSection
from sidecar.config.issuer_section import IssuerSection
from sidecar.config.schema import Config
from sidecar.errors import Problem

_OF_URLS: Final = ("ca_bundle", "bearer_token_file")


def issuer_inconsistencies(config: Config, faulty: AbstractSet[str]) -> Iterator[Problem]:
    """Find every contradiction in issuers, and between them and the apps.

    Args:
        config: the configuration.
        faulty: sections whose values could not be read; what depends on them is not looked at.

    """
    issuers = {
        name: issuer for name, issuer in config.issuers.items() if f"issuers.{name}" not in faulty
    }
    apps = {name: app for name, app in config.apps.items() if f"apps.{name}" not in faulty}
    for name, issuer in issuers.items():
        yield from _keys(f"issuers.{name}", issuer)
    yield from _same_issuer(issuers)
    for name, app in apps.items():
        if "issuers" not in faulty:
            yield from _app(f"apps.{name}", app, config.issuers)
    yield from _same_subject(apps)


def _keys(where: str, issuer: IssuerSection) -> Iterator[Problem]:
    places = [issuer.jwks_file, issuer.jwks_url]
    if places.count(None) != 1:
        yield Problem(
            where,
            "does not say where its keys are" if places.count(None) else "has its keys twice",
            "set exactly one of jwks_file and jwks_url",
        )
    for key in _OF_URLS:
        if issuer.jwks_url is None and getattr(issuer, key) is not None:
            yield Problem(f"{where}.{key}", "is for jwks_url, which is not set", "remove it")


def _same_issuer(issuers: Mapping[str, IssuerSection]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, issuer in issuers.items():
        first = seen.setdefault(issuer.issuer, name)
        if first != name:
            yield Problem(
                f"issuers.{name}.issuer",
                f"is that of issuers.{first} too: a token does not tell which of them is meant",
                "make one of the two; audience takes a list, and apps may require claims",
            )


def _app(where: str, app: AppSection, issuers: Mapping[str, IssuerSection]) -> Iterator[Problem]:
    if app.issuer is not None and app.issuer not in issuers:
        yield Problem(
            f"{where}.issuer",
            f"there is no issuer {app.issuer!r}",
            f"configured are {', '.join(issuers)}" if issuers else f"add [issuers.{app.issuer}]",
        )
    if app.issuer is not None and app.subject is None:
        yield Problem(
            f"{where}.subject",
            "is missing: an issuer signs tokens for many",
            "such as system:serviceaccount:NAMESPACE:NAME",
        )
    for key in ("subject", "claims"):
        if app.issuer is None and getattr(app, key):
            yield Problem(f"{where}.{key}", "is for tokens of an issuer", "set issuer too")


def _same_subject(apps: Mapping[str, AppSection]) -> Iterator[Problem]:
    """Refuse two apps of which one token would prove both, as far as subjects are equal."""
    seen: dict[tuple[str, str], list[str]] = {}
    for name, app in apps.items():
        if app.issuer is None or app.subject is None:
            continue
        others = seen.setdefault((app.issuer, app.subject), [])
        for other in others:
            if not _differ(app, apps[other]):
                yield Problem(
                    f"apps.{name}.subject",
                    f"is that of apps.{other} too, and no claim tells the two apart",
                    "give each its own subject, or require another value of one claim",
                )
        others.append(name)


def _differ(app: AppSection, other: AppSection) -> bool:
    claims, theirs = dict(app.claims), dict(other.claims)
    return any(claims[name] != theirs[name] for name in claims.keys() & theirs.keys())
