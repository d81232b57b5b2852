"""A question to CreateSession, and replies to it."""

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography import x509

from sidecar.arn import Arn
from sidecar.ca import PrivateKey
from sidecar.identity.identity import Identity
from sidecar.identity.signing_key import SoftwareKey
from sidecar.signing.create_session import Asked, SessionParameters
from sidecar.signing.http_reply import Reply
from sidecar.signing.x509 import CertifiedKey

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"


@pytest.fixture
def key(workload: tuple[x509.Certificate, PrivateKey]) -> CertifiedKey:
    """Give a workload's key, its certificate without the intermediate above it."""
    return Identity(workload[0], (), SoftwareKey(workload[1])).certified_key()


@pytest.fixture
def asked(key: CertifiedKey, now: datetime) -> Asked:
    """Give a question for an hour's session, on a clock that is right."""
    parameters = SessionParameters(
        trust_anchor_arn=Arn.parse(f"{SCOPE}:trust-anchor/a"),
        profile_arn=Arn.parse(f"{SCOPE}:profile/p"),
        role_arn=Arn.parse("arn:aws:iam::123456789012:role/workloads/billing"),
        duration_seconds=3600,
    )
    endpoint = "https://rolesanywhere.eu-central-1.amazonaws.com"
    return Asked(parameters, key, endpoint, sent_at=now, signed_at=now)


@pytest.fixture
def refused() -> Callable[..., Reply]:
    """Give a function that writes a refusal as AWS does; headers with underscores for hyphens."""

    def reply(
        words: str, code: str = "AccessDeniedException", status: int = 403, **headers: str
    ) -> Reply:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        if code:
            named["x-amzn-ErrorType"] = code
        return Reply(status, named, json.dumps({"message": words}).encode() if words else b"")

    return reply
