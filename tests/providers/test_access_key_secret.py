"""A user's key from a secret: when it is checked, and what is served while it is no good."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from sidecar.arn import Arn
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.aws.user_keys import UserKeys
from sidecar.credentials import Credentials
from sidecar.errors import OperatorError, SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.access_key_secret import AccessKeySecretSource, UserSecret
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret

if TYPE_CHECKING:
    import asyncio

    from tests.conftest import ManualClock

USER = Arn.parse("arn:aws:iam::123456789012:user/ops/batch")
OLD, NEW = "AKIAOLDOLDOLDOLDOLD1", "AKIANEWNEWNEWNEWNEW2"
HOUR = timedelta(hours=1)


def holding(key_id: str | None, user: str = "batch") -> Secret:
    """Give the text of a secret with this key."""
    key = {"aws_access_key_id": key_id, "aws_secret_access_key": "k" * 40} if key_id else {}
    return Secret(json.dumps({"user_name": user, **key}))


@dataclass
class FakeAws:
    """Stands for Secrets Manager and STS: a secret, the keys that work, and what was asked."""

    text: Secret | None = field(default_factory=lambda: holding(OLD))
    reading: SidecarError | None = None
    checking: SidecarError | None = None
    working: set[str] = field(default_factory=lambda: {OLD, NEW})
    owner_arn: Arn = USER
    read: list[tuple[str | None, str, str]] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    async def get_secret_value(
        self, query: SecretQuery, credentials: Credentials, *, region: str
    ) -> SecretValue:
        self.read.append((query.version_stage, credentials.access_key_id, region))
        if self.reading is not None:
            raise self.reading
        binary = Secret("AAAA") if self.text is None else None
        return SecretValue("arn", query.secret_id, "v", self.text, binary, ("AWSCURRENT",), None)

    async def owner(self, key: Credentials, *, region: str) -> Arn:
        assert region == "eu-west-1"
        self.checked.append(key.access_key_id)
        if key.access_key_id not in self.working:
            raise UpstreamUnavailable("unknown", code="InvalidClientTokenId", status=403)
        if self.checking is not None:
            raise self.checking
        return self.owner_arn


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
async def source(
    aws: FakeAws,
    role: RefreshingRole,
    start: "Callable[[], asyncio.Task[None]]",
    clock: "ManualClock",
) -> AccessKeySecretSource:
    """Give a source whose parent is renewing."""
    start()
    where = UserSecret(secret_id="legacy/batch", region="eu-west-1", lifetime=HOUR)
    secrets, keys = cast("SecretsManager", aws), cast("UserKeys", aws)
    return AccessKeySecretSource(where, role, secrets, keys, clock)


async def test_the_current_version_is_read_with_the_parents_credentials(
    source: AccessKeySecretSource, aws: FakeAws
) -> None:
    found = await source.fetch()
    assert aws.read == [("AWSCURRENT", "ASIA1", "eu-west-1")]
    assert (found.access_key_id, found.role_arn) == (OLD, str(USER))
    assert (len(found.session_token), found.lifetime) == (0, HOUR)


async def test_a_key_that_stays_is_checked_once(
    source: AccessKeySecretSource, aws: FakeAws, clock: "ManualClock"
) -> None:
    first = await source.fetch()
    await clock.advance(1800)
    assert (await source.fetch()).expires_at == first.expires_at + timedelta(minutes=30)
    assert aws.checked == [OLD]


async def test_a_key_that_was_doubted_is_checked_again_once(
    source: AccessKeySecretSource, aws: FakeAws
) -> None:
    await source.fetch()
    source.doubt()
    await source.fetch()
    await source.fetch()
    assert aws.checked == [OLD, OLD]


async def test_another_key_is_checked_before_it_is_handed_out(
    source: AccessKeySecretSource, aws: FakeAws
) -> None:
    await source.fetch()
    aws.text = holding(NEW)
    assert (await source.fetch()).access_key_id == NEW
    assert aws.checked == [OLD, NEW]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "is binary"),
        (Secret("k" * 40), "is not JSON"),
        (holding(None), "names a user and no key yet"),
        (
            holding(OLD, "somebody"),
            f"names user somebody, and its key is that of {USER}",
        ),
    ],
)
async def test_a_secret_without_the_users_key_is_refused(
    source: AccessKeySecretSource, aws: FakeAws, text: Secret | None, problem: str
) -> None:
    aws.text = text
    with pytest.raises(OperatorError) as refused:
        await source.fetch()
    assert refused.value.message == f"secret legacy/batch {problem}"


@pytest.mark.parametrize(
    "owner", ["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:assumed-role/x/batch"]
)
async def test_a_key_that_is_no_users_is_refused(
    source: AccessKeySecretSource, aws: FakeAws, owner: str
) -> None:
    aws.owner_arn = Arn.parse(owner)
    with pytest.raises(OperatorError, match="its key is that of"):
        await source.fetch()


@pytest.mark.parametrize("bad", [Secret("no"), holding(NEW), holding(OLD, "somebody")])
async def test_while_the_key_before_has_long_to_go_a_bad_one_is_tried_again(
    source: AccessKeySecretSource, aws: FakeAws, bad: Secret
) -> None:
    await source.fetch()
    aws.text, aws.working = bad, {OLD}
    with pytest.raises(SidecarError):
        await source.fetch()


@pytest.mark.parametrize("bad", [Secret("no"), holding(NEW), holding(OLD, "somebody")])
async def test_in_place_of_a_bad_key_the_one_before_goes_on_while_it_works(
    source: AccessKeySecretSource, aws: FakeAws, bad: Secret, clock: "ManualClock"
) -> None:
    first = await source.fetch()
    aws.text, aws.working = bad, {OLD}
    await clock.advance(1800)
    again = await source.fetch()
    assert (again.access_key_id, again.issued_at) == (OLD, first.issued_at + HOUR / 2)


@pytest.mark.parametrize(
    "failure",
    [UpstreamRefused("denied", code="AccessDeniedException"), OperatorError("x")],
    ids=["the secret may not be read", "the key before does not work"],
)
async def test_the_key_before_does_not_go_on_otherwise(
    source: AccessKeySecretSource, aws: FakeAws, failure: SidecarError, clock: "ManualClock"
) -> None:
    await source.fetch()
    await clock.advance(1800)
    aws.reading, aws.working = failure, set() if isinstance(failure, OperatorError) else {OLD}
    with pytest.raises(type(failure), match=failure.message):
        await source.fetch()


async def test_a_parent_whose_credentials_aws_does_not_know_is_renewed(
    source: AccessKeySecretSource, aws: FakeAws, role: RefreshingRole, clock: "ManualClock"
) -> None:
    aws.reading = UpstreamUnavailable("no", code="ExpiredTokenException")
    with pytest.raises(UpstreamUnavailable):
        await source.fetch()
    assert source.waits_for_parent
    await clock.advance(40)
    assert role.current().access_key_id == "ASIA2"


async def test_any_other_failure_is_not_the_parents(
    source: AccessKeySecretSource, aws: FakeAws, role: RefreshingRole, clock: "ManualClock"
) -> None:
    aws.reading = UpstreamUnavailable("no", code="ThrottlingException")
    with pytest.raises(UpstreamUnavailable):
        await source.fetch()
    assert not source.waits_for_parent
    await clock.advance(40)
    assert role.current().access_key_id == "ASIA1"
