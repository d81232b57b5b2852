"""Print the exports that point an application's AWS SDK at the sidecar.

Exactly one URI variable and exactly one token variable: SDKs differ in which of two they prefer.
With --imds the address of the metadata door instead, which wants no token.
A token from a file is given as a file, so that a renewed one is found; a token from a variable is
printed, for it is what the application must be given. Warnings go to stderr.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from sidecar.cli.app_option import add_app_argument, chosen_app
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.env_imds import ENDPOINT_VARIABLE, check_imds, imds_warnings
from sidecar.cli.one_line import one_line
from sidecar.cli.stronger_profile import stronger_profiles
from sidecar.config.address import CONTAINER_ENDPOINTS, Address, IPAddress
from sidecar.config.app_section import AppSection
from sidecar.config.consistency import consistent
from sidecar.config.load import load_config
from sidecar.config.schema import Config
from sidecar.errors import OperatorError

EXAMPLE: Final = 'eval "$(sidecar env --app web)"'

URI_VARIABLE: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE_URI_VARIABLE: Final = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN_VARIABLE: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - a variable's name
TOKEN_FILE_VARIABLE: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105 - same

AWS_API_VARIABLES: Final = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SSM")

# Where SDKs find credentials before they ask a container endpoint.
_STRONGER: Final = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_LOOPBACK: Final[Mapping[int, IPAddress]] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
_RELATIVE_PORT: Final = 80
_RELATIVE_HOST: Final = "169.254.170.2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_config_argument(parser)
    add_app_argument(parser)
    parser.add_argument("--role", metavar="NAME", help="a role other than the app's default")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--imds",
        action="store_true",
        help="use the metadata door, which wants no token and must have been opened",
    )
    way.add_argument(
        "--relative",
        action="store_true",
        help="use the 169.254.170.2 form (a door must listen there, on port 80)",
    )
    parser.add_argument(
        "--aws-api",
        action="store_true",
        help="also have the SDK read secrets and parameters from the sidecar's memory",
    )
    parser.add_argument(
        "--format",
        choices=("shell", "env-file", "json"),
        default="shell",
        help="shell exports, a file for docker --env-file, or JSON (default: shell)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the variables."""
    config = consistent(load_config(arguments.config, os.environ))
    if arguments.imds:
        variables = _imds(config, arguments)
        warnings = [*imds_warnings(os.environ), *_stronger(os.environ)]
    else:
        variables = _container(config, arguments)
        warnings = [*_stronger(os.environ), *_rivals(os.environ, set(variables))]
    if arguments.aws_api:
        variables |= dict.fromkeys(AWS_API_VARIABLES, _address("aws_api", config.doors.aws_api))
    for warning in warnings:
        print(one_line(f"sidecar: warning: {warning}"), file=sys.stderr)
    print(_formatted(variables, arguments.format))
    return 0


def _imds(config: Config, arguments: argparse.Namespace) -> dict[str, str]:
    check_imds(config, arguments.app, arguments.role)
    # Some SDKs append paths without a slash of their own.
    return {ENDPOINT_VARIABLE: _address("metadata", config.doors.metadata) + "/"}


def _container(config: Config, arguments: argparse.Namespace) -> dict[str, str]:
    name = chosen_app(config, arguments.app)
    app = config.apps[name]
    if arguments.role is not None and arguments.role not in app.roles:
        raise OperatorError(
            f"app {name} may not have role {arguments.role}", hint=f"it has {', '.join(app.roles)}"
        )
    path = "/credentials" + (f"/{arguments.role}" if arguments.role else "")
    return dict([_uri(config, path, relative=arguments.relative), _token(name, app, os.environ)])


def _uri(config: Config, path: str, *, relative: bool) -> tuple[str, str]:
    if relative:
        if not any(map(_is_relative, config.doors.credentials)):
            raise OperatorError(
                f"no credentials door on {_RELATIVE_HOST}:{_RELATIVE_PORT}",
                hint="the relative form of the URI always means that address",
            )
        return RELATIVE_URI_VARIABLE, path
    near = [each for each in map(_near, config.doors.credentials) if _is_accepted(each)]
    if config.doors.credentials and not near:
        raise OperatorError(
            f"AWS SDKs ask no credentials door at {config.doors.credentials[0]}",
            hint="let doors.credentials listen on 127.0.0.1 too, or put TLS in front of it",
        )
    return URI_VARIABLE, _address("credentials", near) + path


def _near(address: Address) -> Address:
    """Give the address at which this machine finds a door that listens on every address."""
    if not address.host.is_unspecified:
        return address
    return replace(address, host=_LOOPBACK[address.host.version])


def _is_accepted(address: Address) -> bool:
    """Whether SDKs send a token there over plain http."""
    return address.host.is_loopback or address.host in CONTAINER_ENDPOINTS


def _address(door: str, addresses: Iterable[Address]) -> str:
    fixed = [address for address in map(_near, addresses) if address.port]
    if not fixed:
        raise OperatorError(
            f"the {door} door has no fixed address",
            hint=f"set doors.{door} to an address with a port other than 0",
        )
    # IPv4 first: it is the one form that every SDK accepts; and what is near before what is not.
    best = min(fixed, key=lambda each: (not _is_accepted(each), each.host.version))
    return f"http://{best}"


def _is_relative(address: Address) -> bool:
    return str(address.host) == _RELATIVE_HOST and address.port == _RELATIVE_PORT


def _token(name: str, app: AppSection, environment: Mapping[str, str]) -> tuple[str, str]:
    file = app.token_file or app.static_token_file
    if file is not None:
        return TOKEN_FILE_VARIABLE, str(file.absolute())
    if app.token_env is None:
        raise _no_token_to_give(name, app)
    token = environment.get(app.token_env)
    if not token:
        raise OperatorError(
            f"the token of app {name} is in variable {app.token_env}, which is not set here",
            hint="run this where the sidecar's own environment is",
        )
    return TOKEN_VARIABLE, token


def _no_token_to_give(name: str, app: AppSection) -> OperatorError:
    there = f"set {TOKEN_FILE_VARIABLE} to that token's file, beside {URI_VARIABLE}"
    if app.issuer is None:
        return OperatorError(
            f"the configuration names no token of app {name}: it is issued by hand",
            hint=f"sidecar token issue --app {name} --output FILE; then {there}",
        )
    return OperatorError(f"issuer {app.issuer} signs the tokens of app {name}", hint=there)


def _stronger(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _STRONGER:
        if environment.get(name):
            yield f"{name} is set here; SDKs prefer it to the sidecar: unset {name}"
    for file, section, key, variable in stronger_profiles(environment):
        yield (
            f"{file} has {key} in [{section}]; SDKs prefer it to the sidecar: remove it, or give "
            f"the application another file by {variable}"
        )


def _rivals(environment: Mapping[str, str], printed: set[str]) -> Iterator[str]:
    rivals = {URI_VARIABLE, RELATIVE_URI_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE} - printed
    for name in sorted(rivals):
        if environment.get(name):
            yield f"{name} is set here; SDKs differ in what wins: unset {name}"


def _formatted(variables: Mapping[str, str], form: str) -> str:
    if form == "json":
        return json.dumps(variables)
    if form == "env-file":
        return "\n".join(f"{name}={value}" for name, value in variables.items())
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
