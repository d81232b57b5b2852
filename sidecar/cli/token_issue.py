"""Sign a token for an app, with the key that the configuration names.

The token goes to stdout, or to a file of mode 0600; its id, by which it can be revoked, goes to
stderr. A sidecar with the same key and audience accepts it, until its expiry and the grace are
over.
"""

import argparse
import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sidecar.access.own_token import OwnToken, issue, verify
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_file import new_token_id
from sidecar.access.token_key import UnusableTokenKey
from sidecar.access_preflight import own_token_rules, read_token_key
from sidecar.atomic_file import write_atomically
from sidecar.cli.app_option import add_app_argument, chosen_app
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.flag_values import reader
from sidecar.clock import SystemClock, iso_seconds
from sidecar.config.consistency import consistent
from sidecar.config.load import load_config
from sidecar.config.option import whole_number
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, OperatorError, Problem
from sidecar.redaction import Secret

EXAMPLE: Final = "sidecar token issue --app web --output web.token"

_LONGEST_SECONDS: Final = 366 * 24 * 3600
_NO_KEY: Final = Problem(
    "tokens.key_file",
    "is missing: tokens signed with a key that only a running sidecar knows cannot be made here",
    "make one (umask 077; openssl genpkey -algorithm ed25519 -out token.key), and name it",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_config_argument(parser)
    add_app_argument(parser)
    parser.add_argument(
        "--lifetime-seconds",
        type=reader(whole_number(60, _LONGEST_SECONDS)),
        metavar="SECONDS",
        help="how long until the token expires (default: tokens.lifetime_seconds)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the token here, with mode 0600 (default: stdout)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Sign, and say what was signed."""
    config = consistent(load_config(arguments.config, os.environ))
    app, token_id, now = chosen_app(config, arguments.app), new_token_id(), SystemClock().now()
    token, said = _signed(config, app, token_id, arguments.lifetime_seconds, now)
    if arguments.output is None:
        print(token.reveal())
    else:
        _write(arguments.output, token)
        print(f"token\t{arguments.output}")
    expires_at, ends_at = map(iso_seconds, (said.expires_at, said.ends_at))
    told = f"token {token_id} of app {app} expires {expires_at}, and counts until {ends_at}"
    print(f"{told} (tokens.grace_seconds)", file=sys.stderr)
    return 0


def _signed(
    config: Config, app: str, token_id: str, lifetime_seconds: int | None, now: datetime
) -> tuple[Secret, OwnToken]:
    tokens = config.tokens
    if tokens.key_file is None:
        raise ConfigError([_NO_KEY])
    try:
        key = read_token_key(tokens.key_file, tokens.algorithm)
    except UnusableTokenKey as exc:
        problem = Problem("tokens.key_file", f"{tokens.key_file} {exc}", "name the sidecar's key")
        raise ConfigError([problem]) from None
    rules = own_token_rules(config)
    if lifetime_seconds is not None:
        rules = replace(rules, lifetime=timedelta(seconds=lifetime_seconds))
    token = issue(app, key, rules, now, token_id)
    try:
        return token, verify(token.reveal(), key, rules, now)
    except TokenNotAccepted as exc:  # not_before is still to come
        raise OperatorError(
            f"no sidecar would accept it: {exc.reason}", hint="check tokens.not_before"
        ) from None


def _write(file: Path, token: Secret) -> None:
    try:
        write_atomically(file, token.encoded())
    except OSError as exc:
        raise OperatorError(
            f"{file} cannot be written: {exc.strerror}", hint="check its directory"
        ) from exc
