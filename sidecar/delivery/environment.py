"""The variables of a program that is run beside the doors: what it keeps, loses and is given."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from sidecar.delivery.reference import Reference, is_reference
from sidecar.errors import OperatorError, Problem
from sidecar.redaction import Secret

_OWN_PREFIX: Final = "SIDECAR_"
# Where SDKs find credentials before they ask a container's endpoint, and what would go together
# with these; the endpoint's own variables are given anew.
_OTHER_CREDENTIALS: Final = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_TOKEN",
    }
)
# What a pristine environment still has: where things are, who runs this, and how they are shown.
_ORDINARY: Final = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "TERM", "LANG", "LANGUAGE", "TZ"}
)
_LOCALE_PREFIX: Final = "LC_"
_PROXIES: Final = frozenset({"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"})
_LOOPBACK: Final = "127.0.0.1"
# MAX_ARG_STRLEN of Linux: one variable with its name, the equals sign and a NUL.
_LONGEST_VARIABLE: Final = 131_072


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the doors of this program are, and what it shows there.

    Args:
        credentials: URL of the credentials door, if there is a role to ask it for.
        secrets_port: port of the secrets door, if it is open.
        aws_api: URL of the aws-api door, if it is open and there is a role to sign with.
        token: the program's own token.
        region: the region of whoever names none.
        endpoint_url: the address in place of AWS's own, if there is one.

    """

    credentials: str | None
    secrets_port: int | None
    aws_api: str | None
    token: Secret
    region: str
    endpoint_url: str | None


def as_utf8(environment: Mapping[bytes, bytes]) -> dict[str, str]:
    """Read variables as UTF-8, whatever the locale; other bytes become lone surrogates."""
    return {
        name.decode(errors="surrogateescape"): value.decode(errors="surrogateescape")
        for name, value in environment.items()
    }


def inherited(
    environment: Mapping[str, str], passwords: AbstractSet[str], *, pristine: bool
) -> dict[str, str]:
    """Give what a program may see of the sidecar's own variables.

    Args:
        environment: the sidecar's own.
        passwords: names of variables that the configuration takes passwords and tokens from.
        pristine: whether only ordinary ones and references are kept.

    """
    hidden = _OTHER_CREDENTIALS | passwords
    return {
        name: value
        for name, value in environment.items()
        if name not in hidden
        and not name.startswith(_OWN_PREFIX)
        and (not pristine or _ordinary(name) or is_reference(value))
    }


def with_doors(environment: Mapping[str, str], doors: Doors) -> dict[str, str]:
    """Point a program at its doors; a region or an endpoint that it has already stays."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or doors.region
    given = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    if doors.endpoint_url is not None:
        given["AWS_ENDPOINT_URL"] = doors.endpoint_url
    given |= {name: environment[name] for name in given if environment.get(name)}
    if doors.credentials is not None:
        given["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{doors.credentials}/credentials"
        given["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = doors.token.reveal()
    if doors.secrets_port is not None:
        # The names that AWS's own agent and its Lambda extension go by.
        given["AWS_TOKEN"] = doors.token.reveal()
        given["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] = str(doors.secrets_port)
    if doors.aws_api is not None:
        given["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = doors.aws_api
        given["AWS_ENDPOINT_URL_SSM"] = doors.aws_api
    return {**environment, **_without_proxy(environment), **given}


def references(environment: Mapping[str, str]) -> tuple[dict[str, Reference], list[Problem]]:
    """Find the variables that stand for something at AWS, and those that do so wrongly."""
    found: dict[str, Reference] = {}
    problems: list[Problem] = []
    for name, value in environment.items():
        if is_reference(value):
            try:
                found[name] = Reference.parse(value)
            except OperatorError as exc:
                problems.append(Problem(name, exc.message, exc.hint))
    return found, problems


def variable_value(name: str, content: Secret) -> str:
    """Give a content as a variable's value; bytes that are no UTF-8 stay what they are.

    Raises:
        OperatorError: no variable can hold it.

    """
    value = content.reveal()
    if "\0" in value:
        raise OperatorError(
            "its content holds a zero byte, which no variable can", hint="deliver it as a file"
        )
    if len(f"{name}=\0".encode(errors="surrogateescape")) + len(content.encoded()) > (
        _LONGEST_VARIABLE
    ):
        raise OperatorError(
            f"its content is longer than a variable can be, {_LONGEST_VARIABLE} bytes",
            hint="deliver it as a file",
        )
    return value


def _ordinary(name: str) -> bool:
    return name in _ORDINARY or name.startswith(_LOCALE_PREFIX)


def _without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep requests to the doors from a proxy, which some SDKs would send them to."""
    if not any(environment.get(name) for name in _PROXIES):
        return {}
    said = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [each.strip() for each in said.split(",") if each.strip()]
    if {_LOOPBACK, "*"} & {*hosts}:
        return {}
    value = ",".join([*hosts, _LOOPBACK])
    return {"NO_PROXY": value, "no_proxy": value}
