"""A signer of our own for CreateSession, written from the user guide's signing page.

It shares no code with the sidecar's signer nor with the emulator's verifier, and lets a test get
any single thing wrong, before or after signing.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.validate import ParamValidator
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sidecar.ca import Authority, PrivateKey, Subject, issue_workload
from sidecar.emulator.server import Emulator


def encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


@dataclass
class Draft:
    """A CreateSession request before it is signed; every part may be changed."""

    leaf: x509.Certificate
    key: PrivateKey
    members: dict[str, Any]
    host: str
    chain: list[x509.Certificate] = field(default_factory=list)
    method: str = "POST"
    path: str = "/sessions"
    query: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    unsigned: set[str] = field(default_factory=set)
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    region: str = "ap-northeast-2"
    service: str = "rolesanywhere"
    terminator: str = "aws4_request"
    scope_date: str | None = None
    algorithm: str | None = None
    serial: str | None = None
    # What happens to the finished lines: method, target, headers, body.
    tamper: Callable[[dict[str, Any]], None] = lambda _: None

    def finished(self) -> dict[str, Any]:
        """Sign, and return the request in its parts."""
        body = json.dumps(self.members).encode() if self.body is None else self.body
        date = self.moment.strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "Host": self.host,
            "Content-Type": "application/json",
            "X-Amz-Date": date,
            "X-Amz-X509": encoded(self.leaf),
            **({"X-Amz-X509-Chain": ",".join(map(encoded, self.chain))} if self.chain else {}),
            **self.headers,
        }
        query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(self.query))
        signed = {k.lower(): v for k, v in headers.items() if k.lower() not in self.unsigned}
        names = ";".join(sorted(signed))
        canonical = "\n".join(
            [
                self.method,
                self.path,
                query,
                *[f"{name}:{signed[name]}" for name in sorted(signed)],
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        scope = f"{self.scope_date or date[:8]}/{self.region}/{self.service}/{self.terminator}"
        algorithm = self.algorithm or self._own_algorithm()
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signature = self._sign(f"{algorithm}\n{date}\n{scope}\n{digest}".encode())
        serial = self.serial or str(self.leaf.serial_number)
        headers["Authorization"] = (
            f"{algorithm} Credential={serial}/{scope}, SignedHeaders={names}, "
            f"Signature={signature.hex()}"
        )
        target = f"{self.path}?{query}" if query else self.path
        parts = {"method": self.method, "target": target, "headers": headers, "body": body}
        self.tamper(parts)
        return parts

    def _own_algorithm(self) -> str:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return "AWS4-X509-RSA-SHA256"
        is_ec = isinstance(self.key, ec.EllipticCurvePrivateKey)
        return "AWS4-X509-ECDSA-SHA256" if is_ec else "AWS4-X509-MLDSA"

    def _sign(self, text: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(text, ec.ECDSA(hashes.SHA256()))
        return self.key.sign(text)


@pytest.fixture(scope="session")
def workload_identity(
    trusted_root: Authority, today: datetime
) -> tuple[x509.Certificate, PrivateKey]:
    """Give an end-entity certificate right under the trusted root, with its key."""
    subject = Subject("billing", "Example", "Payments")
    return issue_workload(trusted_root, subject, now=today, validity=timedelta(days=1))


@pytest.fixture(scope="session")
def shared_site(shared_emulator: Emulator, register: Any) -> Any:
    """Give a registered site whose role may list buckets; tests must not change it."""
    listing = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    return register(shared_emulator, listing)


@pytest.fixture
def draft_for(
    emulator: Emulator, workload_identity: tuple[x509.Certificate, PrivateKey]
) -> Callable[..., Any]:
    """Give a function that makes a faultless draft for a site, with some parts changed.

    Given `members` change those of the body; an ellipsis leaves one out.
    """

    def make(site: Any, **changes: Any) -> Draft:
        leaf, key = workload_identity
        members = {
            "profileArn": site.profile_arn,
            "roleArn": site.role_arn,
            "trustAnchorArn": site.trust_anchor_arn,
            "durationSeconds": 900,
            **changes.pop("members", {}),
        }
        members = {name: value for name, value in members.items() if value is not ...}
        host = emulator.url.split("://", 1)[1]
        parts = {"leaf": leaf, "key": key, "members": members, "host": host, **changes}
        return Draft(**deepcopy_of_containers(parts))

    return make


def deepcopy_of_containers(parts: dict[str, Any]) -> dict[str, Any]:
    """Copy what tests change in place; certificates and keys are shared."""
    return {
        name: deepcopy(value) if isinstance(value, dict | set) else value
        for name, value in parts.items()
    }


@pytest.fixture
def submit(emulator: Emulator, send_raw: Any) -> Callable[..., Any]:
    """Give a function that signs a draft and sends it."""

    def send(draft: Draft) -> Any:
        parts = draft.finished()
        headers = [
            (name, each)
            for name, value in parts["headers"].items()
            for each in (value if isinstance(value, list) else [value])
        ]
        return send_raw(emulator.url, parts["method"], parts["target"], headers, parts["body"])

    return send


@pytest.fixture
def message(submit: Callable[..., Any]) -> Callable[..., tuple[int, str, str]]:
    """Give a function that sends a draft and returns status, code and message of its refusal."""

    def sent(draft: Draft) -> tuple[int, str, str]:
        reply = submit(draft)
        assert reply.status >= 400, "the request was not refused"
        return reply.status, reply.headers["x-amzn-errortype"], reply.json()["message"]

    return sent


@pytest.fixture(scope="session")
def certify(today: datetime) -> Callable[..., tuple[x509.Certificate, PrivateKey]]:
    """Give a function that makes any certificate, also one that no decent CA would make.

    `issuer` is a certificate with its key, None for self-signed; `usage` names key usages, None
    for no extension; `ca` is None for no basicConstraints.
    """

    def make(
        issuer: tuple[x509.Certificate, PrivateKey] | None = None,
        *,
        name: str = "workload",
        ca: bool | None = False,
        path_length: int | None = None,
        usage: AbstractSet[str] | None = frozenset({"digital_signature"}),
        begins: timedelta = timedelta(minutes=-5),
        ends: timedelta = timedelta(days=1),
        algorithm: Any = None,
        serial: int | None = None,
        alternative_names: list[x509.GeneralName] | None = None,
        attributes: list[tuple[x509.ObjectIdentifier, str]] | None = None,
    ) -> tuple[x509.Certificate, PrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(oid, text) for oid, text in attributes]
            if attributes is not None
            else [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(today + begins)
            .not_valid_after(today + ends)
        )
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        if usage is not None:
            builder = builder.add_extension(key_usage(usage), critical=True)
        if alternative_names:
            names = x509.SubjectAlternativeName(alternative_names)
            builder = builder.add_extension(names, critical=False)
        return builder.sign(issuer[1] if issuer else key, algorithm or hashes.SHA256()), key

    return make


@pytest.fixture(scope="session")
def revoke(today: datetime) -> Callable[..., bytes]:
    """Give a function that writes a revocation list in PEM, right unless told otherwise."""

    def make(
        issuer: Any,
        *revoked: x509.Certificate,
        begins: timedelta = timedelta(minutes=-5),
        ends: timedelta = timedelta(days=7),
        extension: x509.ExtensionType | None = None,
        algorithm: Any = ...,
        key: Any = None,
    ) -> bytes:
        certificate, own_key = (
            issuer
            if isinstance(issuer, tuple)
            else (
                issuer.certificate,
                issuer.key,
            )
        )
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(today + begins)
            .next_update(today + ends)
        )
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(today).build())
        chosen = hashes.SHA256() if algorithm is ... else algorithm
        return builder.sign(key or own_key, chosen).public_bytes(serialization.Encoding.PEM)

    return make


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    """Give boto3's client, with every answer compared with the service's description."""
    made = connect("rolesanywhere")
    made.meta.events.register("after-call.rolesanywhere", insist_on_the_description)
    return made


def insist_on_the_description(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
    """Find members that AWS does not have, and those that it requires or types otherwise."""
    if http_response.status_code >= 300:
        return
    assert http_response.status_code == model.http["responseCode"]
    given = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
    report = ParamValidator().validate(given, model.output_shape)
    assert not report.has_errors(), report.generate_report()
    raw = json.loads(http_response.content)
    assert list(unknown_members(raw, model.output_shape, model.name)) == []


def unknown_members(value: Any, shape: Any, where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, each in value.items():
            if name not in shape.members:
                yield f"{where}.{name}"
            else:
                yield from unknown_members(each, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for each in value:
            yield from unknown_members(each, shape.member, f"{where}[]")


def key_usage(names: AbstractSet[str]) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in names for name in every})
