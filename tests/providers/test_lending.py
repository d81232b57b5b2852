"""What is lent is doubted when AWS does not know it, and only then."""

from typing import TYPE_CHECKING

import pytest

from sidecar.errors import NotReady, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.lending import lent
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from tests.conftest import ManualClock


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("InvalidAccessKeyId", "ASIA2"),
        ("InvalidClientTokenId", "ASIA2"),
        ("SignatureDoesNotMatch", "ASIA1"),
        ("ThrottlingException", "ASIA1"),
    ],
)
async def test_what_aws_does_not_know_is_renewed_early(
    *,
    code: str,
    key: str,
    role: RefreshingRole,
    start: "Callable[[], asyncio.Task[None]]",
    clock: "ManualClock",
) -> None:
    start()
    await clock.advance(0)
    with pytest.raises(UpstreamUnavailable), lent(role):
        raise UpstreamUnavailable("no", code=code)
    await clock.advance(40)
    assert role.current().access_key_id == key


async def test_a_role_without_credentials_lends_nothing(role: RefreshingRole) -> None:
    with pytest.raises(NotReady), lent(role):
        raise UpstreamRefused("nothing was to be asked")
