"""A token whose issuer has no keys yet may be good a little later: SDKs are to ask again."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import jwt
import pytest

from sidecar.access.key_set import NoKeysYet
from sidecar.access.proof import Proof

if TYPE_CHECKING:
    from sidecar.access.callers import Callers
    from tests.conftest import HeardAudit
    from tests.web.conftest import Wire

ISSUER = "https://cluster"
TOKEN = jwt.encode({"iss": ISSUER}, "k" * 32, algorithm="HS256")


class Slow:
    """An issuer whose keys have not been fetched."""

    issuer = ISSUER
    trouble = "no answer"
    vouching = None

    async def identify(self, token: str, now: datetime) -> Proof:
        del token, now
        raise NoKeysYet("there are no keys of issuer cluster so far")

    async def run(self) -> None:
        """Fetch nothing."""


@pytest.fixture(autouse=True)
def _awaited(callers: "Callers") -> None:
    callers.replace(replace(callers.access, outside=(Slow(),)))


async def test_the_credentials_door_asks_to_come_again(
    credentials: "Wire", audit: "HeardAudit"
) -> None:
    reply = await credentials.ask("/credentials", f"Authorization: {TOKEN}")
    assert (reply.status, reply.json()["code"]) == (503, "CredentialsUnavailable")
    assert audit.only().reason == "there are no keys of issuer cluster so far"


async def test_the_secrets_door_asks_to_come_again(secrets: "Wire") -> None:
    reply = await secrets.ask("/v1/web/database", f"X-Vault-Token: {TOKEN}")
    assert (reply.status, reply.body) == (503, b"the issuer's keys are not there yet")
