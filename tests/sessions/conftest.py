"""A site at the emulator that trusts the matrix's own root, and a way to ask it for a session."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from cryptography import x509

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.ca import Subject, certificate_pem, create_root
from sidecar.clock import SystemClock
from sidecar.credentials import Credentials
from sidecar.signing.create_session import SessionParameters
from sidecar.signing.x509 import CertifiedKey

if TYPE_CHECKING:
    from tests.conftest import Aws

_ACTIONS: Final = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


@dataclass(frozen=True)
class Site:
    """A trust anchor, a profile and a role at an emulator."""

    url: str
    parameters: SessionParameters

    def session(self, key: CertifiedKey, anchor: Arn | None = None) -> Credentials:
        """Ask for a session as the sidecar does; `anchor` in place of the right one."""
        asked = self.parameters
        if anchor is not None:
            asked = replace(asked, trust_anchor_arn=anchor)
        return asyncio.run(self._ask(asked, key))

    async def _ask(self, asked: SessionParameters, key: CertifiedKey) -> Credentials:
        async with http_client(None) as http:
            region = asked.trust_anchor_arn.region
            client = RolesAnywhere(http, endpoint=self.url, region=region, clock=SystemClock())
            return await client.create_session(asked, key)


@pytest.fixture(scope="session")
def moment() -> datetime:
    """Give the moment that all certificates of the matrix are issued at."""
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def register_root(shared_aws: "Aws") -> Callable[[x509.Certificate], Site]:
    """Give a function that registers a root as trust anchor, with a profile and role of its own."""

    def register(root: x509.Certificate) -> Site:
        anywhere, iam = shared_aws.client("rolesanywhere"), shared_aws.client("iam")
        name = f"matrix-{uuid4().hex[:8]}"
        bundle: Any = {"x509CertificateData": certificate_pem(root).decode()}
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": bundle}
        made = anywhere.create_trust_anchor(name=name, source=source, enabled=True)
        anchor = made["trustAnchor"]["trustAnchorArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "rolesanywhere.amazonaws.com"},
            "Action": _ACTIONS,
            "Condition": {"ArnEquals": {"aws:SourceArn": anchor}},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        profile = anywhere.create_profile(name=name, roleArns=[role], enabled=True)
        parameters = SessionParameters(
            trust_anchor_arn(anchor),
            profile_arn(profile["profile"]["profileArn"]),
            role_arn(role),
        )
        return Site(shared_aws.emulator.url, parameters)

    return register


@pytest.fixture(scope="session")
def anchor_of_others(register_root: Callable[[x509.Certificate], Site], moment: datetime) -> Arn:
    """Give a trust anchor that holds another root than the matrix's."""
    other = create_root(Subject("Others"), now=moment, validity=timedelta(days=1))
    return register_root(other.certificate).parameters.trust_anchor_arn
