"""The options of `[issuers.<name>]`, whose tokens prove apps, and of the apps that they prove."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sidecar.config.option import option, path, text, texts, whole_number

# Each needs a public key only: with a shared secret, the sidecar could sign what it verifies.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])+)+")
_VISIBLE: Final = re.compile(r"[!-~]+")


def algorithms(value: object) -> tuple[str, ...]:
    """Read which algorithms tokens may be signed with."""
    found = texts(value)
    for each in found:
        if each.startswith("HS") or each.lower() == "none":
            raise ValueError("takes neither shared secrets nor none: anybody could sign then")
        if each not in ALGORITHMS:
            raise ValueError(f"must be some of {', '.join(ALGORITHMS)}")
    return found


def keys_url(value: object) -> str:
    """Read the address of a JWKS: https, or http where it never leaves this machine."""
    url = text(value)
    if "@" in url:
        raise ValueError("must have no user name or password")
    try:
        parts = urlsplit(url)
        scheme, host, sound = parts.scheme, parts.hostname or "", parts.port != 0
        host.encode("idna").decode("idna")
    except ValueError:  # its words quote what it takes for the host or the port
        scheme, host, sound = "", "", False
    if not host or not sound or "#" in url or not _VISIBLE.fullmatch(url):
        raise ValueError("must be https://host[:port]/path")
    if scheme == "https" or (scheme == "http" and _is_loopback(host)):
        return url
    raise ValueError("must be https; http is for loopback only: who can change keys can be any app")


def subject_pattern(value: object) -> str:
    """Read the pattern of a subject, which must not be anybody's."""
    pattern = text(value)
    if not pattern.strip("*"):
        raise ValueError("would let everybody in whom the issuer knows")
    return pattern


def required_claims(value: object) -> tuple[tuple[str, str], ...]:
    """Read a table of claims and what they must say; a variable has ``name=value,name=value``."""
    if isinstance(value, str):
        pairs = [each.strip().partition("=") for each in value.split(",")]
        found = {name: said if equals else None for name, equals, said in pairs}
        if len(found) != len(pairs):
            raise ValueError("names something twice")
    elif isinstance(value, dict):
        found = value
    else:
        found = {}
    if not found:
        raise ValueError("must be a table of texts, such as { environment = 'prod' }")
    return tuple((_claim_name(name), _claim_value(name, said)) for name, said in found.items())


def _claim_name(name: str) -> str:
    """Read a claim's name, or a JSON Pointer; one that lacks its first slash would never match."""
    if not name or (name.startswith("/") and not _POINTER.fullmatch(name)):
        raise ValueError("must name each claim, or point at it: /kubernetes.io/namespace")
    if "/" in name[1:] and not name.startswith("/") and "://" not in name:
        raise ValueError(
            "must begin with a slash to point at a claim within claims; one in a name is ~1"
        )
    return name


def _claim_value(name: str, said: object) -> str:
    if not isinstance(said, str) or not said:
        raise ValueError(f"must say in a text what {name} is")
    return said


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSection:
    """Somebody else who signs tokens (JWT) by which apps prove themselves, such as a cluster."""

    issuer: str = option(
        text, "The claim `iss` of its tokens, to the letter.", example="https://issuer.example"
    )
    audience: tuple[str, ...] = option(
        texts,
        "What the claim `aud` must hold, one of these: a name that stands for this sidecar.",
        example="credential-sidecar",
    )
    jwks_file: Path | None = option(
        path,
        "File with its public keys (JWKS), read again when it changes; exactly one of this and "
        "`jwks_url`.",
        default=None,
        example="/etc/sidecar/cluster.jwks",
    )
    jwks_url: str | None = option(
        keys_url,
        "Address of its public keys: https, or http on loopback. Redirects are not followed.",
        default=None,
        example="https://issuer.example/jwks",
    )
    algorithms: tuple[str, ...] = option(
        algorithms,
        "What its tokens may be signed with; what a token says of it decides nothing.",
        default=("RS256",),
        example="RS256",
    )
    leeway_seconds: int = option(
        whole_number(0, 300),
        "How far its clock may be from this machine's.",
        default=30,
        example="30",
    )
    max_lifetime_seconds: int | None = option(
        whole_number(60, 366 * 86400),
        "How long its tokens may live, from `iat` to `exp`. Default: as long as it likes.",
        default=None,
        example="3600",
    )
    refresh_seconds: int = option(
        whole_number(10, 86400),
        "How often the keys at `jwks_url` are asked for.",
        default=300,
        example="300",
    )
    ca_bundle: Path | None = option(
        path,
        "PEM file with the CAs to trust at `jwks_url`, in place of the system's.",
        default=None,
        example="/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
    )
    bearer_token_file: Path | None = option(
        path,
        "File with a token to show at `jwks_url`, read each time.",
        default=None,
        example="/var/run/secrets/kubernetes.io/serviceaccount/token",
    )
