"""The PyPI package iam-rolesanywhere-session gets credentials from the emulator and uses them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from iam_rolesanywhere_session import CredentialsRetrievalError, IAMRolesAnywhereSession

from sidecar.ca import KeyKind, Subject, certificate_pem, issue_workload, private_key_pem
from sidecar.emulator.server import Emulator, running_emulator

LISTING = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}


@pytest.fixture(scope="module")
def over_tls() -> Iterator[Emulator]:
    """Give an emulator that speaks HTTPS: the package knows nothing else."""
    with running_emulator(tls=True, region="eu-west-1") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def ca_file(over_tls: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(over_tls.ca_pem)
    return path


@pytest.fixture(scope="module")
def site(over_tls: Emulator, ca_file: Path, register: Callable[..., Any]) -> Any:
    return register(over_tls, LISTING, verify=str(ca_file))


@pytest.fixture
def session_of(over_tls: Emulator, ca_file: Path, site: Any, today: Any) -> Callable[..., Any]:
    """Give a function that lets the package make a session with a fresh certificate."""

    def make(issuer: Any, *, kind: KeyKind = KeyKind.RSA_2048, chain: Any = None) -> Any:
        leaf, key = issue_workload(
            issuer, Subject("package"), now=today, validity=timedelta(days=1), kind=kind
        )
        return IAMRolesAnywhereSession(
            profile_arn=site.profile_arn,
            role_arn=site.role_arn,
            trust_anchor_arn=site.trust_anchor_arn,
            certificate=certificate_pem(leaf),
            private_key=private_key_pem(key),
            certificate_chain=certificate_pem(chain) if chain else None,
            session_duration=900,
            region=over_tls.region,
            endpoint=over_tls.url.removeprefix("https://"),
            verify=str(ca_file),
        ).get_session()

    return make


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.EC_P256], ids=lambda kind: kind.value)
def test_without_a_chain(
    session_of: Any, over_tls: Emulator, trusted_root: Any, site: Any, kind: KeyKind
) -> None:
    session = session_of(trusted_root, kind=kind)
    identity = session.client("sts", endpoint_url=over_tls.url).get_caller_identity()
    assert f":assumed-role/{site.role_name}/" in identity["Arn"]
    assert "Buckets" in session.client("s3", endpoint_url=over_tls.url).list_buckets()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        session.client("secretsmanager", endpoint_url=over_tls.url).list_secrets()


def test_with_a_chain(
    session_of: Any, over_tls: Emulator, trusted_intermediate: Any, site: Any
) -> None:
    session = session_of(trusted_intermediate, chain=trusted_intermediate.certificate)
    identity = session.client("sts", endpoint_url=over_tls.url).get_caller_identity()
    assert f":assumed-role/{site.role_name}/" in identity["Arn"]


def test_without_the_chain_that_it_needs(
    session_of: Any, over_tls: Emulator, trusted_intermediate: Any
) -> None:
    sts = session_of(trusted_intermediate).client("sts", endpoint_url=over_tls.url)
    with pytest.raises(CredentialsRetrievalError, match="Untrusted signing certificate"):
        sts.get_caller_identity()
