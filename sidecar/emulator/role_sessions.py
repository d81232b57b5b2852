"""Temporary credentials of roles: minted through moto, remembered with what moto forgets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from sidecar.arn import Arn
from sidecar.credentials import Credentials
from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role session shall be: whose, for how long, and further limited by what.

    `session_policies` are documents that the session's permissions are intersected with; `tags` are
    its principal tags, and `transitive_tag_keys` name those that it hands on to the sessions that
    are made with it, as it does its source identity.
    """

    role_arn: Arn
    session_name: str
    duration: timedelta
    source_identity: str | None = None
    session_policies: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RoleSession:
    """A grant with its credentials; `arn` and `assumed_role_id` are what AWS knows it by."""

    grant: Grant
    credentials: Credentials
    arn: str
    assumed_role_id: str

    def expired(self, now: datetime) -> bool:
        """Whether AWS would refuse these credentials at `now`."""
        return self.credentials.expired(now)


class RoleSessions:
    """Every session minted by this emulator, by access key id, expired ones included."""

    def __init__(self) -> None:
        self._sessions: dict[str, RoleSession] = {}
        self._lock = Lock()

    def mint(self, grant: Grant, *, region: str, now: datetime) -> RoleSession:
        """Make credentials that moto, too, knows as this role's."""
        account = grant.role_arn.account
        assumed = sts_backends[account][get_partition(region)].assume_role(
            region_name=region,
            role_session_name=grant.session_name,
            role_arn=str(grant.role_arn),
            policy=None,
            duration=int(grant.duration.total_seconds()),
            external_id=None,
        )
        credentials = Credentials(
            access_key_id=assumed.access_key_id,
            secret_access_key=Secret(assumed.secret_access_key),
            session_token=Secret(assumed.session_token),
            issued_at=now,
            expires_at=now + grant.duration,
            role_arn=str(grant.role_arn),
            account_id=account,
        )
        session = RoleSession(grant, credentials, assumed.arn, assumed.user_id)
        with self._lock:
            self._sessions[credentials.access_key_id] = session
        return session

    def find(self, access_key_id: str) -> RoleSession | None:
        """The session with this access key id."""
        with self._lock:
            return self._sessions.get(access_key_id)
