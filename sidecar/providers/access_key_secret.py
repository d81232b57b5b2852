"""The role source that hands out an IAM user's access key, which is kept in a secret."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sidecar.access_key_secret import AccessKeySecret
from sidecar.arn import Arn
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.aws.user_keys import UserKeys
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import (
    OperatorError,
    SidecarError,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from sidecar.providers.refresh_policy import OUTAGE, renewal_margin
from sidecar.providers.refreshing import RefreshingRole

log = logging.getLogger(__name__)

# How long the very first attempt waits for that of the parent, which begins at the same moment.
_COLD_START_SECONDS: Final = 30.0
_CURRENT: Final = "AWSCURRENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSecret:
    """Which secret holds the key, and what is made of it.

    Args:
        secret_id: the secret's name or ARN.
        region: where it is, and whose STS is asked about the key.
        lifetime: how long a set of credentials is good for.
        exchanged: whether sessions are handed out in place of the key.

    """

    secret_id: str
    region: str
    lifetime: timedelta
    exchanged: bool = False


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that AWS has accepted, and whose it is."""

    secret: AccessKeySecret
    user: Arn


class AccessKeySecretSource:
    """A role source that never replaces a key that works by one that does not.

    A key is checked before it is handed out for the first time, and again once it was doubted. As
    long as the secret holds none that works, the one before is handed out again while AWS accepts
    it: a bad value in the secret must not cost applications a key that is good.

    Args:
        where: which secret, and what is made of its key.
        parent: the role whose credentials read the secret.
        secrets: see `SecretsManager`.
        keys: see `UserKeys`.
        clock: the wall clock.

    """

    def __init__(
        self,
        where: UserSecret,
        parent: RefreshingRole,
        secrets: SecretsManager,
        keys: UserKeys,
        clock: Clock,
    ) -> None:
        self._where = where
        self.parent = parent
        self._secrets = secrets
        self._keys = keys
        self._clock = clock
        self._waits_for_parent = False
        self._doubted = False
        self._good: _Key | None = None
        self._given: Credentials | None = None

    @property
    def waits_for_parent(self) -> bool:
        """Whether the last attempt failed for want of a good session of the parent."""
        return self._waits_for_parent

    def doubt(self) -> None:
        """Check the key anew before it is handed out again."""
        self._doubted = True

    async def fetch(self) -> Credentials:
        """Read the secret and give its key, or a session made with it.

        A parent whose credentials AWS no longer knows is told so.

        Raises:
            NotReady: the parent has no session; the message says why.
            OperatorError: the secret holds no key, or one of another user.
            UpstreamError: the secret cannot be read, or its key does not work (yet).

        """
        await self.parent.settled(_COLD_START_SECONDS)
        self._waits_for_parent = True
        reader = self.parent.current()
        self._waits_for_parent = False
        try:
            return await self._newest(reader)
        except (OperatorError, UpstreamUnavailable) as exc:
            return await self._the_one_before(exc)

    async def _newest(self, reader: Credentials) -> Credentials:
        secret = self._parsed(await self._read(reader))
        good = self._good
        if good is None or good.secret != secret or self._doubted:
            partition = Arn.parse(reader.role_arn).partition
            claimed = Arn(partition, "iam", "", reader.account_id, f"user/{secret.user_name}")
            good = await self._checked(secret, claimed)
        return await self._handed_out(good)

    async def _the_one_before(self, why: SidecarError) -> Credentials:
        """Hand out the good key again, if it is time for that and it is good still.

        Any earlier, what went wrong is worth another attempt soon.
        """
        good, given = self._good, self._given
        if good is None or given is None:
            raise why
        if given.remaining(self._clock.now()) > renewal_margin(given.lifetime) + OUTAGE.cap:
            raise why
        try:
            again = await self._handed_out(await self._checked(good.secret, good.user))
        except SidecarError:
            raise why from None
        log.warning("secret %s: %s; the key before goes on", self._where.secret_id, why.message)
        return again

    async def _read(self, reader: Credentials) -> SecretValue:
        query = SecretQuery(self._where.secret_id, version_stage=_CURRENT)
        try:
            return await self._secrets.get_secret_value(query, reader, region=self._where.region)
        except UpstreamError as exc:
            if exc.code in CREDENTIALS_REFUSED:
                self._waits_for_parent = True
                self.parent.doubt(reader)
            raise

    def _parsed(self, value: SecretValue) -> AccessKeySecret:
        try:
            if value.text is None:
                raise ValueError("is binary")  # noqa: TRY301 - the same sentence for both
            secret = AccessKeySecret.parse(value.text)
        except ValueError as exc:
            raise self._unusable(str(exc)) from None
        if secret.access_key_id is None:
            raise self._unusable("names a user and no key yet")
        return secret

    async def _checked(self, secret: AccessKeySecret, user: Arn) -> _Key:
        """See whose a key is.

        Args:
            secret: a user's key.
            user: who it should be, as far as is known.

        """
        try:
            owner = await self._keys.owner(self._pair(secret, user), region=self._where.region)
        except UpstreamError as exc:
            # Whatever AWS says of a key may be about one that has not spread everywhere.
            raise self._not_working(exc) from None
        is_user = owner.service == "iam" and owner.resource.startswith("user/")
        if not is_user or owner.resource_name != secret.user_name:
            raise self._unusable(f"names user {secret.user_name}, and its key is that of {owner}")
        return _Key(secret, owner)

    async def _handed_out(self, key: _Key) -> Credentials:
        given = self._pair(key.secret, key.user)
        if self._where.exchanged:
            given = await self._session(given, key.user)
        if key is not self._good:
            self._doubted = False
        self._good, self._given = key, given
        return given

    async def _session(self, pair: Credentials, user: Arn) -> Credentials:
        try:
            return await self._keys.session(pair, self._where.lifetime, region=self._where.region)
        except UpstreamRefused as exc:
            raise UpstreamRefused(
                f"GetSessionToken for user {user.resource_name} was refused: {exc.message}",
                hint="the user's policies have no say in this call; "
                'exchange = "none" hands out the key itself',
                status=exc.status,
                code=exc.code,
            ) from None
        except UpstreamUnavailable as exc:
            if exc.code in CREDENTIALS_REFUSED:
                raise self._not_working(exc) from None
            raise UpstreamUnavailable(
                f"no answer to GetSessionToken for user {user.resource_name}: {exc.message}",
                status=exc.status,
                code=exc.code,
                retry_after_seconds=exc.retry_after_seconds,
            ) from None

    def _not_working(self, exc: UpstreamError) -> UpstreamUnavailable:
        return UpstreamUnavailable(
            f"the key in secret {self._where.secret_id} does not work: {exc.message}",
            hint="a new key works after some seconds; else see that it is active in IAM",
            status=exc.status,
            code=exc.code,
        )

    def _pair(self, secret: AccessKeySecret, user: Arn) -> Credentials:
        if secret.access_key_id is None or secret.secret_access_key is None:
            raise self._unusable("names a user and no key yet")
        return Credentials.of_user(
            secret.access_key_id,
            secret.secret_access_key,
            user=user,
            lifetime=self._where.lifetime,
            now=self._clock.now(),
        )

    def _unusable(self, why: str) -> OperatorError:
        return OperatorError(
            f"secret {self._where.secret_id} {why}",
            hint="it must be JSON with user_name, aws_access_key_id and aws_secret_access_key",
        )
