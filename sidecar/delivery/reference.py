"""Where a value comes from, said in one line of text: ``secret://name#key?stage=…``.

::

    secret://ID[#json-key][?stage=…&version=…]
    parameter://NAME[#json-key][?version=…|label=…][&decrypt=true|false]

ID and NAME are a name or an ARN; a parameter's path keeps its first slash
(``parameter:///prod/db``). The options may stand before the key too. In every part ``%`` and two
hexadecimal digits are one byte of UTF-8; so are written ``%25``, and where they would end the part
``%23`` (#), ``%3F`` (?), ``%26`` (&), and in a template ``%7D`` (}) and ``%7C`` (|). Nothing else
is special: ``+`` is a plus.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self, TypeVar
from urllib.parse import quote, unquote_to_bytes

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.errors import OperatorError

_T = TypeVar("_T")

_SECRET: Final = "secret://"  # noqa: S105 - a scheme
_PARAMETER: Final = "parameter://"
_ONE_SLASH: Final = re.compile(r"(secret|parameter):/([^/].*)", re.DOTALL)
_STARTS_REST: Final = re.compile(r"[#?]")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}")
_FLAGS: Final = {"true": True, "false": False}
_PLAIN: Final = "/:@=+,"
_LONGEST_SHOWN: Final = 200


def is_reference(text: str) -> bool:
    """Whether a text means to be a reference, right or wrong: one slash is enough."""
    return text.startswith((_SECRET.removesuffix("/"), _PARAMETER.removesuffix("/")))


@dataclass(frozen=True, slots=True)
class Reference:
    """One value at AWS: what to ask for, and which JSON key of the answer is meant, if any."""

    query: SecretQuery | ParameterQuery
    json_key: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference.

        Not checked: whether there is such a secret, or whether AWS takes such a name.

        Raises:
            OperatorError: it is none; the sentence names the part that is wrong.

        """
        try:
            return cls(*_read(text))
        except ValueError as exc:
            raise OperatorError(
                f"reference {_shown(text)}: {exc}",
                hint=_right_form(text),
            ) from None

    @property
    def name(self) -> str:
        """The name or ARN that is asked for, as it was given."""
        return self.query.secret_id if isinstance(self.query, SecretQuery) else self.query.name

    def __str__(self) -> str:
        """Write the reference so that `parse` reads the same again."""
        query = self.query
        options: dict[str, str | None]
        if isinstance(query, SecretQuery):
            scheme = _SECRET
            options = {"stage": query.version_stage, "version": query.version_id}
        else:
            scheme = _PARAMETER
            version = None if query.version is None else str(query.version)
            decrypt = None if query.with_decryption else "false"
            options = {"version": version, "label": query.label, "decrypt": decrypt}
        key = "" if self.json_key is None else f"#{quote(self.json_key, safe=_PLAIN)}"
        said = [f"{name}={quote(value, safe=_PLAIN)}" for name, value in options.items() if value]
        tail = f"?{'&'.join(said)}" if said else ""
        return f"{scheme}{quote(self.name, safe=_PLAIN)}{key}{tail}"


def _read(text: str) -> tuple[SecretQuery | ParameterQuery, str | None]:
    scheme = next((each for each in (_SECRET, _PARAMETER) if text.startswith(each)), None)
    if scheme is None:
        raise ValueError(f"must begin with {_SECRET} or {_PARAMETER}")
    raw_name, raw_key, options = _split(text.removeprefix(scheme))
    name = _name(raw_name, scheme)
    key = None if raw_key is None else _decoded("the JSON key", raw_key)
    return _secret(name, options) if scheme == _SECRET else _parameter(name, options), key


def _right_form(text: str) -> str:
    """Say how a wrong reference would be right."""
    found = _ONE_SLASH.fullmatch(text)
    if found is None:
        return "such as secret://prod/db#password?stage=AWSCURRENT or parameter:///prod/db"
    start = _SECRET if found[1] == "secret" else f"{_PARAMETER}/"
    return f"did you mean {_shown(start + found[2])}?"


def _split(rest: str) -> tuple[str, str | None, dict[str, str]]:
    """Cut a reference into name, JSON key and options, the latter two in either order."""
    starts = [found.start() for found in _STARTS_REST.finditer(rest)]
    bounds = [0, *starts, len(rest)]
    name, *tails = (rest[a:b] for a, b in pairwise(bounds))
    keys = [tail[1:] for tail in tails if tail.startswith("#")]
    queries = [tail[1:] for tail in tails if tail.startswith("?")]
    if len(keys) > 1:
        raise ValueError("has more than one JSON key: a # in a part is written %23")
    if len(queries) > 1:
        raise ValueError("has more than one list of options: a ? in a part is written %3F")
    return name, keys[0] if keys else None, _options(queries[0]) if queries else {}


def _options(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in text.split("&"):
        key, _, raw = each.partition("=")
        if not key:
            raise ValueError("an option has no name")
        if key in found:
            raise ValueError(f"option {_shown(key)} stands twice")
        found[key] = _decoded(f"option {_shown(key)}", raw)
    return found


def _name(raw: str, scheme: str) -> str:
    name = _decoded("the name", raw)
    if not name.isprintable():
        raise ValueError("the name holds a control character")
    service = "secretsmanager" if scheme == _SECRET else "ssm"
    if name.startswith("arn:"):
        if name.split(":")[2:3] != [service]:
            raise ValueError(f"the name is an ARN of another service than {service}")
    elif scheme == _PARAMETER and "/" in name and not name.startswith("/"):
        raise ValueError(f"the name is a path without its first slash: write {_PARAMETER}/{raw}")
    return name


def _secret(name: str, options: dict[str, str]) -> SecretQuery:
    _refuse_others(options, ("stage", "version"))
    return SecretQuery(name, options.get("version"), options.get("stage"))


def _parameter(name: str, options: dict[str, str]) -> ParameterQuery:
    _refuse_others(options, ("version", "label", "decrypt"))
    if "version" in options and "label" in options:
        raise ValueError("option version cannot go with option label")
    return ParameterQuery(
        name,
        version=_option(options, "version", _version),
        label=options.get("label"),
        with_decryption=_option(options, "decrypt", _flag) is not False,
    )


def _refuse_others(options: dict[str, str], known: tuple[str, ...]) -> None:
    for each in options:
        if each not in known:
            raise ValueError(f"option {_shown(each)} is unknown: known are {', '.join(known)}")


def _option(options: dict[str, str], name: str, read: Callable[[str], _T]) -> _T | None:
    if name not in options:
        return None
    try:
        return read(options[name])
    except ValueError as exc:
        raise ValueError(f"option {name} {exc} (got {_shown(options[name])})") from None


def _version(text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise ValueError("must be a whole number from 1")
    return int(text)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text]


def _decoded(part: str, raw: str) -> str:
    if not raw:
        raise ValueError(f"{part} is empty")
    if _BROKEN_ESCAPE.search(raw):
        raise ValueError(f"{part} holds a % without two hexadecimal digits: write %25")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeError:
        raise ValueError(f"{part} is not UTF-8") from None


def _shown(text: str) -> str:
    """Quote a text on one line, cut."""
    quoted = ascii(text)
    return quoted if len(quoted) <= _LONGEST_SHOWN else f"{quoted[:_LONGEST_SHOWN]}…"
