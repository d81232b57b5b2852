"""What a certificate must be to become a trust anchor."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.ca import certificate_pem

Refused = Callable[..., tuple[int, str, str]]
INVALID = (400, "ValidationException")


def bundle(*certificates: Any) -> dict[str, Any]:
    pem = certificate_pem(*certificates).decode()
    return {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({}, "", id="nothing wrong"),
        pytest.param({"usage": {"key_cert_sign", "crl_sign"}}, "", id="CRLs too"),
        pytest.param({"ca": False}, "Incorrect basic constraints for CA certificate", id="no CA"),
        pytest.param({"ca": None}, "Incorrect basic constraints for CA certificate", id="none"),
        pytest.param({"usage": {"crl_sign"}}, "Incorrect key usage for CA certificate", id="usage"),
        pytest.param({"usage": None}, "Incorrect key usage for CA certificate", id="no usage"),
    ],
)
def test_an_anchor_must_be_an_authority(
    client: Any, certify: Any, refusal: Refused, options: dict[str, Any], text: str
) -> None:
    certificate, _ = certify(**{"ca": True, "usage": {"key_cert_sign"}, **options})
    call = {"name": "anchor", "source": bundle(certificate)}
    if text:
        assert refusal(client.create_trust_anchor, **call) == (*INVALID, text)
    else:
        assert client.create_trust_anchor(**call)


def test_every_certificate_of_a_bundle_must_be_one(
    client: Any, certify: Any, refusal: Refused, trusted_root: Any
) -> None:
    good, bad = trusted_root.certificate, certify()[0]
    assert client.create_trust_anchor(name="both", source=bundle(good, good))
    refused = refusal(client.create_trust_anchor, name="both", source=bundle(good, bad))
    assert refused[:2] == INVALID


@pytest.mark.parametrize(
    ("source_type", "data", "text"),
    [
        ("CERTIFICATE_BUNDLE", "no PEM", "Unable to parse the certificate bundle as PEM"),
        (
            "AWS_ACM_PCA",
            "any",
            "the emulator knows trust anchors of source type CERTIFICATE_BUNDLE only",
        ),
    ],
)
def test_other_sources_are_refused(
    client: Any, refusal: Refused, source_type: str, data: str, text: str
) -> None:
    source = {"sourceType": source_type, "sourceData": {"x509CertificateData": data}}
    refused = refusal(client.create_trust_anchor, name="anchor", source=source)
    assert refused == (*INVALID, text)


def test_a_bundle_may_be_replaced_only_by_a_good_one(
    client: Any, certify: Any, refusal: Refused, trusted_root: Any
) -> None:
    source = bundle(trusted_root.certificate)
    made = client.create_trust_anchor(name="anchor", source=source)["trustAnchor"]
    identifier = made["trustAnchorId"]
    bad = bundle(certify()[0])
    refused = refusal(client.update_trust_anchor, trustAnchorId=identifier, source=bad)
    assert refused[:2] == INVALID
    assert client.get_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["source"] == source


def test_a_source_without_data_is_refused(client: Any, refusal: Refused) -> None:
    refused = refusal(
        client.create_trust_anchor, name="anchor", source={"sourceType": "CERTIFICATE_BUNDLE"}
    )
    assert refused == (*INVALID, "Certificate bundle is missing")
    refused = refusal(client.create_trust_anchor, name="anchor", source={"sourceType": "OTHER"})
    assert refused[2].endswith(
        "Member must satisfy enum value set: "
        "[AWS_ACM_PCA, CERTIFICATE_BUNDLE, SELF_SIGNED_REPOSITORY]"
    )
