"""Who a request comes from, and which policies that principal has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from sidecar.emulator.access_keys import AccessKeys
from sidecar.emulator.policy_conditions import Context
from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.role_sessions import RoleSession, RoleSessions
from sidecar.emulator.sigv4 import Claim
from sidecar.emulator.user_sessions import UserSession, UserSessions
from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class Issued:
    """Every credential that this emulator has given out and still knows."""

    roles: RoleSessions
    users: UserSessions
    keys: AccessKeys


@dataclass(frozen=True, slots=True)
class Principal:
    """An IAM user, or a session of a role; `name` is the user's or the role's.

    A session that GetSessionToken made is the user, by credentials that are not its access key.
    """

    arn: str
    account: str
    partition: str
    name: str
    user_id: str
    secret_access_key: Secret
    session: RoleSession | None = None
    is_user_session: bool = False

    @property
    def known_as(self) -> frozenset[str]:
        """The names under which a role's trust policy may know this principal."""
        names = {f"AWS:{self.arn}"}
        if self.session is not None:
            names.add(f"AWS:{self.session.grant.role_arn}")
        return frozenset(names)

    @property
    def account_names(self) -> frozenset[str]:
        """The names that stand for everybody in this principal's account."""
        root = f"arn:{self.partition}:iam::{self.account}:root"
        return frozenset({f"AWS:{root}", f"AWS:{self.account}"})

    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that describe this principal."""
        keys: dict[str, tuple[str, ...]] = {
            "aws:PrincipalArn": (self._principal_arn(),),
            "aws:PrincipalAccount": (self.account,),
            "aws:PrincipalType": ("AssumedRole" if self.session else "User",),
            "aws:userid": (self.user_id,),
        }
        if self.session is None:
            return {**keys, "aws:username": (self.name,)}
        grant = self.session.grant
        if grant.source_identity is not None:
            keys["aws:SourceIdentity"] = (grant.source_identity,)
        return keys | {f"aws:PrincipalTag/{key}": (value,) for key, value in grant.tags.items()}

    def _principal_arn(self) -> str:
        return str(self.session.grant.role_arn) if self.session else self.arn


def principal_of(claim: Claim, issued: Issued, *, account: str, now: datetime) -> Principal:
    """Find who owns the claimed key, and check that the key may be used at all.

    Does not check the signature: that needs the secret, which the principal holds.

    Args:
        claim: what the request says.
        issued: the credentials of this emulator.
        account: the account whose users may have keys.
        now: service time.

    Raises:
        NotLetIn: unknown or inactive key; session token missing, wrong or expired.
    """
    if user_session := issued.users.find(claim.access_key_id):
        return _user_session(claim, user_session, now)
    session = issued.roles.find(claim.access_key_id)
    if session is None:
        return _user(claim, issued.keys, account, now)
    _check_token(claim, session.credentials.session_token, expired=session.expired(now))
    return Principal(
        arn=session.arn,
        account=session.credentials.account_id,
        partition=session.grant.role_arn.partition,
        name=session.grant.role_arn.resource_name,
        user_id=session.assumed_role_id,
        secret_access_key=session.credentials.secret_access_key,
        session=session,
    )


def identity_policies(principal: Principal) -> list[str]:
    """The documents of every inline and attached policy of the user (and groups) or role."""
    backend = iam_backends[principal.account][principal.partition]
    if principal.session is not None:
        return list(_documents(backend.roles.get(_role_id(backend, principal.name))))
    user = backend.users.get(principal.name)
    documents = list(_documents(user))
    for group in list(backend.groups.values()):
        if user in group.users:
            documents += _documents(group)
    return documents


def role_policies(role: Any) -> list[str]:
    """The documents of every inline and attached policy of a role, as moto keeps it."""
    return list(_documents(role))


def managed_policy_documents(arns: tuple[str, ...], *, account: str, partition: str) -> list[str]:
    """The default versions of managed policies by ARN.

    Raises:
        LookupError: one of them does not exist; leaving it out would widen a session.
    """
    known = iam_backends[account][partition].managed_policies
    for arn in arns:
        if arn not in known:
            raise LookupError(arn)
    return [_default_version(known[arn]) for arn in arns]


def _check_token(claim: Claim, token: Secret, *, expired: bool) -> None:
    if not claim.session_token:
        raise NotLetIn(Refusal.UNKNOWN_KEY)
    if not token.matches(claim.session_token.encode()):
        raise NotLetIn(Refusal.WRONG_TOKEN)
    if expired:
        raise NotLetIn(Refusal.EXPIRED_TOKEN)


def _user_session(claim: Claim, session: UserSession, now: datetime) -> Principal:
    _check_token(claim, session.session_token, expired=session.expires_at <= now)
    user = iam_backends[session.account][session.partition].users.get(session.user_name)
    if user is None:
        raise NotLetIn(Refusal.UNKNOWN_KEY)
    return Principal(
        arn=user.arn,
        account=session.account,
        partition=session.partition,
        name=user.name,
        user_id=user.id,
        secret_access_key=session.secret_access_key,
        is_user_session=True,
    )


def _user(claim: Claim, keys: AccessKeys, account: str, now: datetime) -> Principal:
    partition = get_partition(claim.region)
    backend = iam_backends[account][partition]
    key = keys.usable(backend, claim.access_key_id, now)
    user = backend.users.get(key.user_name) if key is not None else None
    if key is None or user is None:
        raise NotLetIn(Refusal.UNKNOWN_KEY)
    if claim.session_token:
        raise NotLetIn(Refusal.WRONG_TOKEN)
    return Principal(
        arn=user.arn,
        account=account,
        partition=partition,
        name=user.name,
        user_id=user.id,
        secret_access_key=Secret(key.secret_access_key),
    )


def _role_id(backend: Any, name: str) -> str:
    return next((role.id for role in list(backend.roles.values()) if role.name == name), "")


def _documents(owner: Any) -> Iterator[str]:
    """Inline documents, then attached ones, of a moto user, group or role; none when it is gone."""
    if owner is None:
        return
    yield from list(owner.policies.values())
    for policy in list(owner.managed_policies.values()):
        yield _default_version(policy)


def _default_version(policy: Any) -> str:
    document: str = next(each.document for each in policy.versions if each.is_default)
    return document


def request_context(principal: Principal, *, region: str, secure: bool, now: datetime) -> Context:
    """The condition keys that every request has."""
    return {
        **principal.context(),
        "aws:RequestedRegion": (region,),
        "aws:SecureTransport": (str(secure).lower(),),
        "aws:CurrentTime": (now.strftime("%Y-%m-%dT%H:%M:%S+00:00"),),
        "aws:EpochTime": (str(int(now.timestamp())),),
    }
