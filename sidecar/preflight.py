"""What `serve` checks before it opens a door: the identity and the tokens, all problems at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens, load_tokens, token_file_warnings
from sidecar.config.consistency import inconsistencies
from sidecar.config.schema import AppSection, Config, IdentitySection
from sidecar.errors import ConfigError, IdentityError, Problem
from sidecar.identity.checks import Finding, Severity, check_identity, check_key_file
from sidecar.identity.identity import Identity
from sidecar.identity.pem import load_identity
from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was read from disk and found good, and what a user should hear about it."""

    identity: Identity
    tokens: AppTokens
    warnings: tuple[str, ...]


def prepare(config: Config, environment: Mapping[str, str], now: datetime) -> Prepared:
    """Check that the configuration fits together, and read and check what it names.

    Raises:
        ConfigError: with every problem found.

    """
    problems = inconsistencies(config)
    warnings: list[str] = []
    identity = None
    try:
        identity = _identity(config.identity)
    except IdentityError as exc:
        problems.append(Problem("identity", exc.message, exc.hint))
    else:
        findings = [*check_identity(identity, now), *check_key_file(config.identity.private_key)]
        problems += [_problem(each) for each in findings if each.severity is Severity.ERROR]
        warnings += [_warning(each) for each in findings if each.severity is Severity.WARNING]
    wanted = {
        _app(name, app): place
        for name, app in config.apps.items()
        if (place := app.static_token_file or app.token_env) is not None
    }
    tokens, token_problems = load_tokens(wanted, environment)
    problems += token_problems
    for place in wanted.values():
        warnings += token_file_warnings(place) if isinstance(place, Path) else ()
    if problems or identity is None:
        raise ConfigError(problems)
    return Prepared(identity, tokens, tuple(warnings))


def _identity(section: IdentitySection) -> Identity:
    password = None
    if section.password_file is not None:
        try:
            password = Secret(section.password_file.read_text().removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as exc:
            raise IdentityError(
                f"password file {section.password_file} cannot be read ({type(exc).__name__})",
                hint="check identity.password_file",
            ) from None
    return load_identity(
        section.certificate, section.private_key, chain=section.chain, password=password
    )


def _app(name: str, section: AppSection) -> App:
    return App(name, section.roles, section.secrets)


def _problem(finding: Finding) -> Problem:
    return Problem("identity.certificate", f"{finding.sentence} [{finding.code}]", finding.hint)


def _warning(finding: Finding) -> str:
    return f"{finding.sentence} [{finding.code}]; {finding.hint}"
