"""The CreateSession request: where everything goes, and a signature that was made by hand."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.ca import PrivateKey
from sidecar.identity.identity import Identity
from sidecar.identity.load import load_identity
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.signing_key import SoftwareKey
from sidecar.signing.canonical import Request
from sidecar.signing.create_session import SessionParameters, build_request
from sidecar.signing.x509 import CertifiedKey

VECTOR = Path(__file__).parents[1] / "vectors/create_session_rsa"
ANCHOR = (
    "arn:aws:rolesanywhere:ap-northeast-2:123456789012:"
    "trust-anchor/66666666-7777-4888-9999-aaaaaaaaaaaa"
)
PROFILE = (
    "arn:aws:rolesanywhere:ap-northeast-2:123456789012:profile/11111111-2222-4333-8444-555555555555"
)
ROLE = "arn:aws:iam::123456789012:role/workloads/vector"
PARAMETERS = SessionParameters(trust_anchor_arn(ANCHOR), profile_arn(PROFILE), role_arn(ROLE))
ENDPOINT = "https://rolesanywhere.ap-northeast-2.amazonaws.com"


@pytest.fixture
def key(workload: tuple[x509.Certificate, PrivateKey], rsa_key: rsa.RSAPrivateKey) -> CertifiedKey:
    return Identity(workload[0], (), SoftwareKey(rsa_key)).certified_key()


def _built(
    key: CertifiedKey,
    now: datetime,
    parameters: SessionParameters = PARAMETERS,
    endpoint: str = ENDPOINT,
) -> Request:
    return build_request(parameters, endpoint=endpoint, region="ap-northeast-2", key=key, now=now)


def test_the_signature_is_the_one_that_openssl_made_by_hand() -> None:
    identity = load_identity(
        IdentityPlaces(
            certificate=str(VECTOR / "certificate.pem"),
            private_key=str(VECTOR / "private_key.pem"),
            chain=VECTOR / "intermediate.pem",
        )
    )
    parameters = replace(PARAMETERS, duration_seconds=3600, role_session_name="vector")
    moment = datetime(2027, 3, 1, 12, tzinfo=UTC)

    headers = dict(_built(identity.certified_key(), moment, parameters).headers)

    assert headers["Authorization"] == (VECTOR / "authorization.txt").read_text()


def test_the_hand_made_vector_is_true_to_its_own_files(
    openssl: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    public, signature = tmp_path / "public.pem", tmp_path / "signature"
    authorization = (VECTOR / "authorization.txt").read_text()
    signature.write_bytes(bytes.fromhex(authorization.rpartition("=")[2]))
    public.write_text(
        openssl("x509", "-in", VECTOR / "certificate.pem", "-noout", "-pubkey").stdout
    )
    judged = openssl(
        "dgst", "-sha256", "-verify", public, "-signature", signature, VECTOR / "string_to_sign.txt"
    )
    digest = openssl("dgst", "-sha256", "-r", VECTOR / "canonical_request.txt").stdout.split()[0]
    assert judged.stdout == "Verified OK\n"
    assert (VECTOR / "string_to_sign.txt").read_text().splitlines()[-1] == digest


def test_the_arns_go_into_the_query_and_nothing_else_does(key: CertifiedKey, now: datetime) -> None:
    request = _built(key, now)
    path, _, query = request.target.partition("?")
    assert (request.method, path) == ("POST", "/sessions")
    assert parse_qsl(query) == [
        ("profileArn", PROFILE),
        ("roleArn", ROLE),
        ("trustAnchorArn", ANCHOR),
    ]
    assert ":" not in query
    assert "/" not in query


@pytest.mark.parametrize(
    ("duration", "name", "body"),
    [
        pytest.param(None, None, {}, id="neither"),
        pytest.param(900, None, {"durationSeconds": 900}, id="a duration"),
        pytest.param(None, "web", {"roleSessionName": "web"}, id="a session name"),
        pytest.param(43200, "web", {"durationSeconds": 43200, "roleSessionName": "web"}, id="both"),
    ],
)
def test_what_is_not_asked_for_is_not_in_the_body(
    duration: int | None,
    name: str | None,
    body: dict[str, object],
    key: CertifiedKey,
    now: datetime,
) -> None:
    parameters = replace(PARAMETERS, duration_seconds=duration, role_session_name=name)
    assert json.loads(_built(key, now, parameters).body) == body


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (ENDPOINT, "rolesanywhere.ap-northeast-2.amazonaws.com"),
        ("http://127.0.0.1:4566", "127.0.0.1:4566"),
        ("http://[::1]:4566", "[::1]:4566"),
    ],
    ids=["aws", "an emulator's port", "ipv6"],
)
def test_the_host_header_is_the_endpoints_own(
    endpoint: str, host: str, key: CertifiedKey, now: datetime
) -> None:
    assert dict(_built(key, now, endpoint=endpoint).headers)["Host"] == host


def test_the_whole_set_of_headers_is_known(key: CertifiedKey, now: datetime) -> None:
    chained = replace(key, chain=(base64.b64encode(b"issuer").decode(),))
    assert [name for name, _ in _built(chained, now).headers] == [
        "Host",
        "Content-Type",
        "X-Amz-Date",
        "X-Amz-X509",
        "X-Amz-X509-Chain",
        "Authorization",
    ]
