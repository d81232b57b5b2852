"""An IAM user's access key as it is kept in a secret: JSON with three members of ours."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from sidecar.redaction import Secret, masked_tail

_USER: Final = "user_name"
_ID: Final = "aws_access_key_id"
_SECRET: Final = "aws_secret_access_key"  # noqa: S105 - a member's name
# Data types of the IAM API reference; AWS says of no secret half how long it is.
_SHAPES: Final = {
    _USER: re.compile(r"[\w+=,.@-]{1,64}", re.ASCII),
    _ID: re.compile(r"\w{16,128}", re.ASCII),
    _SECRET: re.compile(r"[\x21-\x7e]{1,256}"),
}


@dataclass(frozen=True, slots=True, repr=False)
class AccessKeySecret:
    """What the secret holds; before its first rotation perhaps a user's name only.

    Args:
        user_name: the IAM user.
        access_key_id: the key's id, or None where there is no key yet.
        secret_access_key: its secret half, likewise.
        others: members of other names, which a rotation keeps.

    """

    user_name: str
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: Secret) -> Self:
        """Read a secret's text.

        Does not check that the key exists or is that user's.

        Raises:
            ValueError: it is no JSON object of that form; the sentence quotes nothing of it.

        """
        try:
            value = json.loads(text.reveal())
        except (ValueError, RecursionError):
            raise ValueError("it is not JSON") from None
        if not isinstance(value, dict):
            raise ValueError("it is not a JSON object")
        user, key, secret = (_member(value, name) for name in _SHAPES)
        if user is None:
            raise ValueError(f"{_USER} is missing")
        if (key is None) != (secret is None):
            raise ValueError(f"of {_ID} and {_SECRET} one is missing")
        others = {name: each for name, each in value.items() if name not in _SHAPES}
        return cls(user, key, None if secret is None else Secret(secret), others)

    def with_key(self, access_key_id: str, secret_access_key: Secret) -> Self:
        """Give the same with another key."""
        return replace(self, access_key_id=access_key_id, secret_access_key=secret_access_key)

    def to_json(self) -> Secret:
        """Write it as a secret's text, in one order, so that a put can be repeated."""
        members: dict[str, Any] = {_USER: self.user_name}
        if self.access_key_id is not None and self.secret_access_key is not None:
            members |= {_ID: self.access_key_id, _SECRET: self.secret_access_key.reveal()}
        return Secret(json.dumps({**members, **self.others}))

    def __repr__(self) -> str:
        key = "no key" if self.access_key_id is None else masked_tail(self.access_key_id)
        return f"AccessKeySecret({self.user_name}, {key})"


def _member(value: Mapping[str, Any], name: str) -> str | None:
    """Give one member; an empty text counts as none, as consoles leave it."""
    text = value.get(name)
    if text is None or text == "":
        return None
    if not isinstance(text, str) or not _SHAPES[name].fullmatch(text):
        raise ValueError(f"{name} is not of the form that IAM gives")
    return text
