"""ML-DSA: keys of end entities and authorities, and headers as large as theirs."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    create_root,
    generate_key,
    issue_workload,
)
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")
MISMATCH = "The request signature we calculated does not match the signature you provided"
KINDS = [KeyKind.ML_DSA_44, KeyKind.ML_DSA_65, KeyKind.ML_DSA_87]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)


@pytest.fixture
def issue(today: datetime) -> Callable[..., dict[str, Any]]:
    """Give a function that issues a certificate with a key of some kind."""

    def make(issuer: Authority, kind: KeyKind, name: str = "quantum") -> dict[str, Any]:
        leaf, key = issue_workload(
            issuer, Subject(name), now=today, validity=timedelta(days=1), kind=kind
        )
        return {"leaf": leaf, "key": key}

    return make


@every_kind
def test_an_ml_dsa_key_signs(
    *,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    issue: Submit,
    trusted_root: Authority,
    kind: KeyKind,
) -> None:
    own = issue(trusted_root, kind)
    assert submit(draft_for(shared_site, **own)).status == 201
    others = {**own, "key": issue(trusted_root, kind)["key"]}
    assert message(draft_for(shared_site, **others)) == (*DENIED, MISMATCH)


class WithContext:
    """A key that signs with a context, or something else than the text: not as AWS wants it."""

    def __init__(self, key: Any, *, context: bytes | None = None, prefix: bytes = b"") -> None:
        self._key, self._context, self._prefix = key, context, prefix

    def sign(self, text: bytes) -> bytes:
        signature: bytes = self._key.sign(self._prefix + text, self._context)
        return signature


@pytest.mark.parametrize(
    ("options", "accepted"),
    [({}, True), ({"context": b""}, True), ({"context": b"a"}, False), ({"prefix": b"a"}, False)],
)
def test_the_text_itself_is_signed_in_an_empty_context(
    *,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    issue: Submit,
    trusted_root: Authority,
    options: dict[str, Any],
    accepted: bool,
) -> None:
    own = issue(trusted_root, KeyKind.ML_DSA_44)
    draft = draft_for(shared_site, leaf=own["leaf"], key=WithContext(own["key"], **options))
    assert submit(draft).status == (201 if accepted else 403)


def test_the_algorithm_must_be_that_of_the_key(
    *, shared_site: Any, draft_for: Submit, message: Submit, issue: Submit, trusted_root: Authority
) -> None:
    own = issue(trusted_root, KeyKind.ML_DSA_65)
    draft = draft_for(shared_site, **own, algorithm="AWS4-X509-ECDSA-SHA256")
    text = "Signing algorithm does not match the certificate's key"
    assert message(draft) == (*DENIED, text)


def quantum_chain(today: datetime, kind: KeyKind, depth: int) -> list[Authority]:
    """A root and the authorities under it, each of which may have another below."""
    chain = [create_root(Subject("quantum root"), now=today, validity=timedelta(9), kind=kind)]
    for number in range(depth):
        key, above = generate_key(kind), chain[-1]
        usage = above.certificate.extensions.get_extension_for_class(x509.KeyUsage)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(Subject(f"level {number}").name())
            .issuer_name(above.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(above.certificate.not_valid_before_utc)
            .not_valid_after(above.certificate.not_valid_after_utc)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage.value, critical=True)
            .sign(above.key, None)
        )
        chain.append(Authority(certificate, key))
    return chain


def anchored(client: Any, connect: Submit, site: Any, root: Authority) -> str:
    """Register a root, and let the site's role trust it; the trust anchor's ARN."""
    pem = certificate_pem(root.certificate).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
    made = client.create_trust_anchor(name="quantum", source=source, enabled=True)["trustAnchor"]
    arn: str = made["trustAnchorArn"]
    iam = connect("iam")
    role = iam.get_role(RoleName=site.role_name)["Role"]["AssumeRolePolicyDocument"]
    text = json.dumps(role).replace(site.trust_anchor_arn, arn)
    iam.update_assume_role_policy(RoleName=site.role_name, PolicyDocument=text)
    return arn


@every_kind
def test_an_ml_dsa_authority_is_a_trust_anchor_and_revokes(
    *,
    emulator: Emulator,
    register: Submit,
    client: Any,
    connect: Submit,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    issue: Submit,
    revoke: Submit,
    today: datetime,
    kind: KeyKind,
) -> None:
    [root] = quantum_chain(today, kind, 0)
    site = register(emulator)
    anchor = anchored(client, connect, site, root)
    good, bad = issue(root, kind), issue(root, kind)
    pem = revoke(root, bad["leaf"], algorithm=None)
    client.import_crl(name="quantum", crlData=pem, trustAnchorArn=anchor, enabled=True)
    members = {"trustAnchorArn": anchor}
    assert submit(draft_for(site, **good, members=members)).status == 201
    revoked = "Untrusted certificate. Certificate has been revoked"
    assert message(draft_for(site, **bad, members=members)) == (*DENIED, revoked)


def test_five_of_the_largest_certificates_fit_into_the_headers(
    *,
    emulator: Emulator,
    register: Submit,
    client: Any,
    connect: Submit,
    draft_for: Submit,
    submit: Submit,
    issue: Submit,
    today: datetime,
) -> None:
    authorities = quantum_chain(today, KeyKind.ML_DSA_87, 5)
    site = register(emulator)
    members = {"trustAnchorArn": anchored(client, connect, site, authorities[0])}
    chain = [each.certificate for each in reversed(authorities[1:])]
    own = issue(authorities[-1], KeyKind.ML_DSA_87)
    draft = draft_for(site, **own, chain=chain, members=members)
    assert len(draft.finished()["headers"]["X-Amz-X509-Chain"]) > 48_000
    assert submit(draft).status == 201
    assert submit(draft_for(site, **own, chain=chain[:-1], members=members)).status == 403
