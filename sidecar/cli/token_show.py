"""Say what an app's token says, and whether it counts; the token itself is not printed.

The claims go to stdout, as JSON, and the verdict to stderr.

With the configuration's key the signature is checked as the sidecar would. Of a token that
somebody else signed, or without a key, the claims are shown and nothing is said of the signature;
one whose time is over, or whose issuer is not configured, does not count all the same.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sidecar.access.own_token import numeric_date, peek, verify
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_key import UnusableTokenKey
from sidecar.access.tokens import UnusableToken, check_token
from sidecar.access_preflight import own_token_rules, read_token_key
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.one_line import one_line
from sidecar.clock import SystemClock, iso_seconds
from sidecar.config.load import load_config
from sidecar.config.schema import Config
from sidecar.config.sources import find_file
from sidecar.errors import OperatorError
from sidecar.regular_file import read_regular_file

EXAMPLE: Final = "sidecar token show /run/sidecar/web/token"

_MOST_BYTES: Final = 16 * 1024
_STATIC: Final = "a static token: it says nothing, and counts while the sidecar has it configured"
_MOMENTS: Final = ("iat", "nbf", "exp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", metavar="FILE", help="the token's file; - for standard input")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the claims and the verdict; 1 when the token does not count."""
    token = _read(arguments.file)
    claims = peek(token)
    if not claims:
        print(f"sidecar: {_STATIC}", file=sys.stderr)
        return 0
    print(json.dumps({**claims, **_moments(claims)}, indent=2))
    verdict, counts = _verdict(token, _config(arguments.config), claims, SystemClock().now())
    print(one_line(f"sidecar: {verdict}"), file=sys.stderr)
    return 0 if counts else 1


def _config(named: Path | None) -> Config | None:
    """Read the configuration; none is needed to show what a token says."""
    if named is None and find_file(None) is None:
        return None
    return load_config(named, os.environ).config


def _read(name: str) -> str:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES)
        else:
            content, _ = read_regular_file(Path(name), _MOST_BYTES)
    except OSError as exc:
        raise OperatorError(f"{name} cannot be read: {exc.strerror}", hint="name a file") from exc
    text = content.decode("ascii", errors="replace").removesuffix("\n")
    try:
        return check_token(text, longest=_MOST_BYTES).reveal()
    except UnusableToken as exc:
        raise OperatorError(f"the token {exc}", hint="name the file of an app's token") from None


def _moments(claims: Mapping[str, Any]) -> dict[str, str]:
    """Give the moments among the claims as people read them."""
    found = ((name, numeric_date(claims.get(name))) for name in _MOMENTS)
    return {name: iso_seconds(moment) for name, moment in found if moment is not None}


def _verdict(
    token: str, config: Config | None, claims: Mapping[str, Any], now: datetime
) -> tuple[str, bool]:
    if config is None:
        return _unless_over("there is no configuration (--config) to check it by", claims, 0, now)
    if "iss" in claims:
        return _verdict_on_another_s(config, claims, now)
    if config.tokens.key_file is None:
        why = "its signature was not checked: tokens.key_file is not set"
        return _unless_over(why, claims, config.tokens.grace_seconds, now)
    try:
        key = read_token_key(config.tokens.key_file, config.tokens.algorithm)
        said = verify(token, key, own_token_rules(config), now)
    except UnusableTokenKey as exc:
        raise OperatorError(
            f"tokens.key_file: {config.tokens.key_file} {exc}", hint="name the sidecar's key"
        ) from None
    except TokenNotAccepted as exc:
        return f"does not count: {exc.reason}", False
    if said.app not in config.apps:
        return "does not count: its app is not configured", False
    return f"counts for app {said.app} until {iso_seconds(said.ends_at)}, grace included", True


def _verdict_on_another_s(
    config: Config, claims: Mapping[str, Any], now: datetime
) -> tuple[str, bool]:
    signers = (each for each in config.issuers.items() if each[1].issuer == claims["iss"])
    name, section = next(signers, ("", None))
    if section is None:
        return "does not count: its issuer is not configured", False
    why = f"signed by issuer {name}: its signature was not checked"
    return _unless_over(why, claims, section.leeway_seconds, now)


def _unless_over(
    why_unsure: str, claims: Mapping[str, Any], allowed_seconds: int, now: datetime
) -> tuple[str, bool]:
    """Say what is not sure of a token, unless its time is over, whoever has signed it."""
    expires_at = numeric_date(claims.get("exp"))
    if expires_at is not None and now - expires_at >= timedelta(seconds=allowed_seconds):
        return "does not count: it has expired", False
    return why_unsure, True
