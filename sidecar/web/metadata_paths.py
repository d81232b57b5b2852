"""The tree of the metadata door: which paths there are, and what stands at each; pure."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sidecar.credentials import Credentials
from sidecar.web.session_members import session_members

TOKEN_PATH: Final = "/latest/api/token"  # noqa: S105 - a path
_ROOT: Final = "/latest"
_META: Final = "/latest/meta-data"
_PLAIN: Final = "/latest/meta-data/iam/security-credentials"
_EXTENDED: Final = "/latest/meta-data/iam/security-credentials-extended"
INFO_PATH: Final = "/latest/meta-data/iam/info"
_PRINCIPAL: Final = re.compile(":(role|user)/")
_DOCUMENT: Final = "/latest/dynamic/instance-identity/document"
# What AWS calls the form of the document.
_DOCUMENT_VERSION: Final = "2017-09-30"


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What the door says of the machine; what is not known is empty and has no path.

    Args:
        region: the region that SDKs take for their own.
        account_id: the account of the default role.
        instance_id: the machine's name.
        availability_zone: where it stands: a region and a letter.
        availability_zone_id: the same by the name that all accounts share.
        instance_type: its kind.

    """

    region: str
    account_id: str
    instance_id: str
    availability_zone: str
    availability_zone_id: str = ""
    instance_type: str = ""


@dataclass(frozen=True, slots=True)
class RolePath:
    """A path that is one role's; which one a caller said, and it may not exist.

    Args:
        role: the name in the path.
        extended: whether the answer tells the account too.

    """

    role: str
    extended: bool = False


def canonical_path(target: str) -> str | None:
    """Give a request's path without the slashes that change nothing; None with a query.

    One at the end and several at the beginning are tolerated: endpoints are written with and
    without one, the C++ SDK lists roles without one, and no SDK would follow a redirect.
    """
    if "?" in target:
        return None
    return "/" + target.lstrip("/").removesuffix("/")


def role_path(path: str) -> RolePath | None:
    """Say whether a canonical path asks for a role's credentials."""
    for directory, extended in ((_PLAIN, False), (_EXTENDED, True)):
        role = path.removeprefix(directory + "/")
        if role != path and role and "/" not in role:
            return RolePath(role, extended)
    return None


def fixed_answers(facts: InstanceFacts, default_role: str) -> dict[str, bytes]:
    """Write everything that does not change while the process runs: values, and listings.

    Roles are listed by the one name only that SDKs are to ask for: botocore takes the whole text
    for a role's name, so that nothing may follow it, not even a newline.

    Args:
        facts: what is said of the machine.
        default_role: the name of the role that SDKs find.

    """
    values = {
        f"{_META}/instance-id": facts.instance_id,
        f"{_META}/instance-type": facts.instance_type,
        f"{_META}/placement/region": facts.region,
        f"{_META}/placement/availability-zone": facts.availability_zone,
        f"{_META}/placement/availability-zone-id": facts.availability_zone_id,
        _DOCUMENT: _document(facts),
    }
    known = {path: value for path, value in values.items() if value}
    listed = _listings({*known, INFO_PATH, f"{_PLAIN}/x", f"{_EXTENDED}/x"})
    roles = dict.fromkeys((_PLAIN, _EXTENDED), default_role)
    return {path: text.encode() for path, text in {**listed, **known, **roles}.items()}


def _listings(leaves: Iterable[str]) -> dict[str, str]:
    """List every directory on the way to these paths; a directory's name ends with a slash."""
    entries: dict[str, set[str]] = {}
    for leaf in leaves:
        path, end = leaf, ""
        while path != _ROOT:
            path, _, name = path.rpartition("/")
            entries.setdefault(path, set()).add(name + end)
            end = "/"
    return {path: "\n".join(sorted(names)) for path, names in entries.items()}


def _document(facts: InstanceFacts) -> str:
    """Write the instance identity document, from which Go's SDK reads the region; unsigned."""
    said = {
        "accountId": facts.account_id,
        "availabilityZone": facts.availability_zone,
        "instanceId": facts.instance_id,
        "instanceType": facts.instance_type,
        "region": facts.region,
        "version": _DOCUMENT_VERSION,
    }
    return _pretty({key: value for key, value in said.items() if value})


@dataclass(frozen=True, slots=True, repr=False)
class SessionAnswers:
    """What a session changes, as the bytes to send.

    Args:
        plain: the credentials.
        extended: the same with the account.
        info: the instance profile that EC2 would have.

    """

    plain: bytes
    extended: bytes
    info: bytes

    @classmethod
    def of(cls, credentials: Credentials) -> "SessionAnswers":
        """Write a session as EC2 does."""
        plain = session_members(credentials)
        extended = {**plain, "AccountId": credentials.account_id}
        info = {
            "Code": "Success",
            "LastUpdated": plain["LastUpdated"],
            "InstanceProfileArn": _PRINCIPAL.sub(":instance-profile/", credentials.role_arn, 1),
            "InstanceProfileId": _profile_id(credentials.role_arn),
        }
        return cls(
            _pretty(plain).encode(),
            _pretty(extended).encode(),
            _pretty(info).encode(),
        )


def _profile_id(role_arn: str) -> str:
    """Make an id of AWS's form that is always the same for a role: there is no real profile."""
    digest = hashlib.sha256(role_arn.encode()).digest()
    return "AIPA" + base64.b32encode(digest).decode()[:17]


def _pretty(said: Mapping[str, str]) -> str:
    """Write JSON in the form that EC2 gives it, which old parsers of it count on."""
    return json.dumps(said, indent=2, separators=(",", " : "))
