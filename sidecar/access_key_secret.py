"""An IAM user's access key as a Secrets Manager secret holds it: read strictly, written stably."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Self

from sidecar.redaction import Secret, masked_tail
from sidecar.strict_json import read_object

USER_NAME: Final = "user_name"
ACCESS_KEY_ID: Final = "aws_access_key_id"
SECRET_ACCESS_KEY: Final = "aws_secret_access_key"  # noqa: S105 - a member's name

# What IAM allows in a user's name and in a key's id (API reference, CreateUser and AccessKey).
_USER_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_ACCESS_KEY_ID: Final = re.compile(r"[A-Z0-9]{16,128}")
# IAM gives no pattern for this half; all that it hands out are 40 characters of base64.
_SECRET_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9/+=]{16,128}")


@dataclass(frozen=True, slots=True, repr=False)
class AccessKeySecret:
    """The value of one version of such a secret.

    A secret that no rotation has filled yet names its user only. ``others`` are the members that
    mean nothing here; somebody else may want them, so they are written again as they were read.
    """

    user_name: str
    access_key_id: str | None
    secret_access_key: Secret | None
    others: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, text: Secret) -> Self:
        """Read a secret's text.

        Raises:
            ValueError: not a JSON object, or a member that IAM cannot have given; the sentence
                names the member and quotes nothing of any.

        """
        others = read_object(_utf8(text))
        user_name = _taken(others, USER_NAME, _USER_NAME)
        access_key_id = _taken(others, ACCESS_KEY_ID, _ACCESS_KEY_ID)
        secret = _taken(others, SECRET_ACCESS_KEY, _SECRET_ACCESS_KEY)
        if user_name is None:
            raise ValueError(f"has no {USER_NAME}")
        if (access_key_id is None) != (secret is None):
            missing = ACCESS_KEY_ID if access_key_id is None else SECRET_ACCESS_KEY
            raise ValueError(f"has half a key: there is no {missing}")
        key = None if secret is None else Secret(secret)
        return cls(user_name, access_key_id, key, MappingProxyType(others))

    def with_key(self, access_key_id: str, secret_access_key: Secret) -> Self:
        """Give the same user's secret with another key.

        Raises:
            ValueError: IAM cannot have given such a key; nothing of it is quoted.

        """
        _check(ACCESS_KEY_ID, access_key_id, _ACCESS_KEY_ID)
        _check(SECRET_ACCESS_KEY, secret_access_key.reveal(), _SECRET_ACCESS_KEY)
        return replace(self, access_key_id=access_key_id, secret_access_key=secret_access_key)

    def to_json(self) -> Secret:
        """Write the secret's text: the same value always gives the same text.

        Secrets Manager takes a second PutSecretValue with the same token only if nothing changed.
        """
        members: dict[str, object] = {USER_NAME: self.user_name}
        if self.access_key_id is not None and self.secret_access_key is not None:
            members[ACCESS_KEY_ID] = self.access_key_id
            members[SECRET_ACCESS_KEY] = self.secret_access_key.reveal()
        return Secret(json.dumps(members | dict(self.others)))

    def __repr__(self) -> str:
        key = "no key" if self.access_key_id is None else masked_tail(self.access_key_id)
        return f"AccessKeySecret({self.user_name}, {key})"


def _utf8(text: Secret) -> bytes:
    try:
        return text.reveal().encode()
    except UnicodeEncodeError:  # which would carry the whole text along
        raise ValueError("is no text that UTF-8 can hold") from None


def _taken(members: dict[str, object], name: str, shape: re.Pattern[str]) -> str | None:
    """Take a member out; None when there is none."""
    if name not in members:
        return None
    return _check(name, members.pop(name), shape)


def _check(name: str, value: object, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError(f"has no usable {name}")
    return value
