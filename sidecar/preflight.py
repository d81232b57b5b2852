"""What `serve` checks before it opens a door: the identity and the tokens, all problems at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens, load_tokens, token_file_warnings
from sidecar.aws.http import tls_context
from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded
from sidecar.config.schema import IdentitySection
from sidecar.errors import ConfigError, IdentityError, OperatorError, Problem
from sidecar.identity.checks import Finding, Severity, check_identity, check_key_file
from sidecar.identity.identity import Identity
from sidecar.identity.pem import load_identity
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

_MAX_PASSWORD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was read from disk and found good, and what a user should hear about it."""

    identity: Identity
    tokens: AppTokens
    warnings: tuple[str, ...]


def prepare(loaded: Loaded, environment: Mapping[str, str], now: datetime) -> Prepared:
    """Check that the configuration fits together, and read and check what it names.

    Args:
        loaded: the configuration, with the problems found in it so far; what they spoil is left
            out, so that one run tells of everything that can be told.
        environment: where tokens in variables are looked up.
        now: the moment that certificates are checked at.

    Raises:
        ConfigError: with every problem found, those of `loaded` first.

    """
    config, faulty = loaded.config, loaded.faulty
    problems = [*loaded.problems, *inconsistencies(config, faulty)]
    warnings = list(loaded.warnings)
    identity = None
    if "identity" not in faulty:
        where = _told("identity", loaded.said_by)
        identity = _checked_identity(config.identity, where, now, problems, warnings)
    wanted = {
        App(name, app.roles, app.secrets): place
        for name, app in config.apps.items()
        if f"apps.{name}" not in faulty and (place := app.static_token_file or app.token_env)
    }
    tokens, token_problems = load_tokens(wanted, environment)
    problems += token_problems
    for place in wanted.values():
        warnings += token_file_warnings(place) if isinstance(place, Path) else ()
    if "aws" not in faulty and (problem := _ca_bundle(config.aws.ca_bundle)):
        problems.append(problem)
    if problems or identity is None:
        raise ConfigError(problems)
    return Prepared(identity, tokens, tuple(warnings))


def _told(section: str, said_by: Mapping[str, str]) -> str:
    """Name a section, with the variables that had a say in it."""
    variables = [name for place, name in said_by.items() if place.startswith(f"{section}.")]
    return f"{section} ({', '.join(variables)})" if variables else section


def _checked_identity(
    section: IdentitySection,
    where: str,
    now: datetime,
    problems: list[Problem],
    warnings: list[str],
) -> Identity | None:
    """Read the identity and add what is wrong with it to either list."""
    try:
        identity = _identity(section)
    except IdentityError as exc:
        problems.append(Problem(where, exc.message, exc.hint))
        return None
    for finding in (*check_identity(identity, now), *check_key_file(section.private_key)):
        if finding.severity is Severity.ERROR:
            problems.append(_problem(finding))
        else:
            warnings.append(_warning(finding))
    return identity


def _identity(section: IdentitySection) -> Identity:
    password = None
    if section.password_file is not None:
        try:
            content, _ = read_regular_file(section.password_file, _MAX_PASSWORD_BYTES)
            password = Secret(content.decode().removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as exc:
            raise IdentityError(
                f"password file {section.password_file} cannot be read ({type(exc).__name__})",
                hint="check identity.password_file",
            ) from None
    return load_identity(
        section.certificate, section.private_key, chain=section.chain, password=password
    )


def _ca_bundle(path: Path | None) -> Problem | None:
    try:
        tls_context(path)
    except OperatorError as exc:
        return Problem("aws.ca_bundle", exc.message, exc.hint)
    return None


def _problem(finding: Finding) -> Problem:
    return Problem("identity.certificate", f"{finding.sentence} [{finding.code}]", finding.hint)


def _warning(finding: Finding) -> str:
    return f"{finding.sentence} [{finding.code}]; {finding.hint}"
