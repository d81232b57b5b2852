"""Addresses and keys that are secrets: read from where they are kept, and checked."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sidecar.errors import OperatorError
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

SHORTEST_KEY: Final = 32
_LONGEST: Final = 4096
_URL: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
# What every parser takes for the same host: nothing beside the brackets of an address of IPv6.
_NETLOC: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


def read_secret_file(path: Path) -> Secret:
    """Read the text in a file, without the white space around it.

    Raises:
        OperatorError: it cannot be read, or holds no text.

    """
    try:
        content, _ = read_regular_file(path, _LONGEST + 1)
    except OSError as exc:
        raise OperatorError(
            f"{path} cannot be read: {exc.strerror}", hint="check its path and mode"
        ) from exc
    text = content.decode("utf-8", "replace").strip()
    if not text or len(content) > _LONGEST:
        raise OperatorError(f"{path} is empty or too long", hint="it holds one line")
    return Secret(text)


def read_secret_variable(name: str, environment: Mapping[str, str]) -> Secret:
    """Read the text in a variable.

    Raises:
        OperatorError: it is not set, or empty.

    """
    text = environment.get(name, "").strip()
    if not text:
        raise OperatorError(f"variable {name} is not set", hint="export it")
    return Secret(text)


def read_secret(place: Path | str, environment: Mapping[str, str]) -> Secret:
    """Read the text in a file (a Path) or in a variable (a str).

    Raises:
        OperatorError: there is none.

    """
    if isinstance(place, Path):
        return read_secret_file(place)
    return read_secret_variable(place, environment)


def checked_url(url: Secret) -> Secret:
    """See that an address may be posted to: over TLS, or on this machine.

    Raises:
        OperatorError: it may not; what it is stays untold.

    """
    text = url.reveal()
    parts = _split(text)
    if parts is None or not _URL.fullmatch(text) or parts.fragment:
        raise OperatorError(
            "the URL is not https://host[:port]/path", hint="no user name, no password, no #"
        )
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise OperatorError(
            "the URL is http://, and leaves this machine", hint="http is for loopback only"
        )
    return url


def checked_remote_url(url: Secret) -> Secret:
    """See that an address which others keep leads away from this machine's open doors: over TLS.

    Raises:
        OperatorError: it may not be posted to; what it is stays untold.

    """
    if urlsplit(checked_url(url).reveal()).scheme != "https":
        raise OperatorError(
            "the URL in the secret is http://", hint="only a file or a variable may have such a URL"
        )
    return url


def checked_key(key: Secret) -> Secret:
    """See that a key is long enough.

    Raises:
        OperatorError: it is not.

    """
    if len(key) < SHORTEST_KEY:
        raise OperatorError(
            f"the key has fewer than {SHORTEST_KEY} characters", hint="openssl rand -hex 32"
        )
    return key


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        sound = _NETLOC.fullmatch(parts.netloc) and parts.hostname and parts.port != 0
    except ValueError:  # its words quote what it takes for the host or the port
        return None
    return parts if sound else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
