"""Revocation lists over the wire: imported by boto3, obeyed by CreateSession."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import Authority, Subject, certificate_pem, issue_workload
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]
INVALID = (400, "ValidationException")
MISSING = (404, "ResourceNotFoundException")
DENIED = (403, "AccessDeniedException")
UUID = "00000000-0000-4000-8000-000000000000"
REVOKED = "Untrusted certificate. Certificate has been revoked"
OUTDATED = "Untrusted certificate. Revocation list is out of date"


@pytest.fixture
def site(emulator: Emulator, register: Submit) -> Any:
    return register(emulator)


@pytest.fixture
def imported(client: Any, site: Any) -> Callable[..., dict[str, Any]]:
    """Give a function that imports a list for the site's trust anchor."""

    def make(data: bytes, **changes: Any) -> dict[str, Any]:
        wish = {"name": "list", "trustAnchorArn": site.trust_anchor_arn, "enabled": True, **changes}
        crl: dict[str, Any] = client.import_crl(crlData=data, **wish)["crl"]
        return crl

    return make


def test_a_lists_life(
    *, client: Any, site: Any, imported: Submit, revoke: Submit, trusted_root: Any, refusal: Refused
) -> None:
    first, second = revoke(trusted_root), revoke(trusted_root, trusted_root.certificate)
    made = imported(first, enabled=False, tags=[{"key": "team", "value": "web"}])
    name = {"crlId": made["crlId"]}
    assert made["crlArn"].endswith(f":crl/{made['crlId']}")
    assert (made["enabled"], made["crlData"]) == (False, first)
    assert made["trustAnchorArn"] == site.trust_anchor_arn
    assert client.list_tags_for_resource(resourceArn=made["crlArn"])["tags"][0]["value"] == "web"
    assert client.enable_crl(**name)["crl"]["enabled"]
    changed = client.update_crl(**name, name="renamed", crlData=second)["crl"]
    assert (changed["name"], changed["crlData"], changed["enabled"]) == ("renamed", second, True)
    assert client.update_crl(**name, name="again")["crl"]["crlData"] == second
    assert not client.disable_crl(**name)["crl"]["enabled"]
    assert client.get_crl(**name)["crl"]["name"] == "again"
    assert made["crlId"] in [each["crlId"] for each in client.list_crls()["crls"]]
    assert client.delete_crl(**name)["crl"]["crlId"] == made["crlId"]
    assert refusal(client.get_crl, **name)[:2] == MISSING


@pytest.mark.parametrize("verb", ["get", "delete", "enable", "disable", "update"])
def test_a_list_that_does_not_exist_is_not_found(client: Any, refusal: Refused, verb: str) -> None:
    refused = refusal(getattr(client, f"{verb}_crl"), crlId=UUID)
    assert refused == (*MISSING, f"Crl not found: {UUID}")


def test_a_list_is_disabled_unless_it_is_said_otherwise(
    client: Any, site: Any, revoke: Submit, trusted_root: Any
) -> None:
    anchor = site.trust_anchor_arn
    wish = {"name": "list", "crlData": revoke(trusted_root), "trustAnchorArn": anchor}
    assert client.import_crl(**wish)["crl"]["enabled"] is False


def test_only_a_complete_list_in_pem_is_imported(
    *, imported: Submit, revoke: Submit, trusted_root: Any, refusal: Refused
) -> None:
    pem = revoke(trusted_root)
    der = x509.load_pem_x509_crl(pem).public_bytes(Encoding.DER)
    one = "CRL must be one X509 CRL in PEM format"
    broken = pem.replace(b"\nMI", b"\nMA", 1)
    assert refusal(imported, data=der) == (*INVALID, one)
    assert refusal(imported, data=pem + pem) == (*INVALID, one)
    assert refusal(imported, data=certificate_pem(trusted_root.certificate)) == (*INVALID, one)
    assert refusal(imported, data=broken) == (*INVALID, "Unable to parse the CRL as PEM")
    assert imported(b"a comment\n" + pem)


def test_a_list_is_sent_in_base64(
    client: Any, imported: Submit, revoke: Submit, trusted_root: Any, refusal: Refused
) -> None:
    def spoil(request: Any, **_: Any) -> None:
        request.data = request.data.replace(b'"crlData": "', b'"crlData": "!')

    pem = revoke(trusted_root)
    assert imported(pem)
    client.meta.events.register_first("before-sign.rolesanywhere.ImportCrl", spoil)
    assert refusal(imported, data=pem) == (*INVALID, "crlData is not base64")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"algorithm": hashes.SHA224()}, "CRL has a signature weaker than SHA-256"),
        (
            {"extension": x509.DeltaCRLIndicator(1)},
            "CRL has a critical extension that is not supported",
        ),
        ({"algorithm": hashes.SHA384()}, ""),
    ],
)
def test_a_list_that_cannot_be_judged_by_is_refused(
    *,
    imported: Submit,
    revoke: Submit,
    trusted_root: Any,
    refusal: Refused,
    options: dict[str, Any],
    text: str,
) -> None:
    pem = revoke(trusted_root, **options)
    if text:
        assert refusal(imported, data=pem) == (*INVALID, text)
    else:
        assert imported(pem)


def test_a_list_in_the_anchors_name_must_be_signed_by_the_anchor(
    *, imported: Submit, revoke: Submit, certify: Submit, trusted_root: Any, refusal: Refused
) -> None:
    forged = revoke(trusted_root, key=certify()[1])
    text = "CRL is not signed by the trust anchor that it names as its issuer"
    assert refusal(imported, data=forged) == (*INVALID, text)
    made = imported(revoke(trusted_root))
    assert made["enabled"]


def test_an_update_is_checked_like_an_import(
    *,
    client: Any,
    imported: Submit,
    revoke: Submit,
    certify: Submit,
    trusted_root: Any,
    refusal: Refused,
) -> None:
    good = revoke(trusted_root)
    name = {"crlId": imported(good)["crlId"]}
    forged = revoke(trusted_root, key=certify()[1])
    assert refusal(client.update_crl, **name, crlData=forged)[:2] == INVALID
    assert client.get_crl(**name)["crl"]["crlData"] == good


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        ({"key_cert_sign"}, "CRL is issued by a trust anchor without cRLSign in its key usage"),
        ({"key_cert_sign", "crl_sign"}, ""),
    ],
)
def test_an_anchor_must_be_allowed_to_sign_lists(
    *, client: Any, revoke: Submit, certify: Submit, refusal: Refused, usage: set[str], text: str
) -> None:
    issuer = certify(name="anchor", ca=True, usage=usage)
    pem = certificate_pem(issuer[0]).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
    anchor = client.create_trust_anchor(name="anchor", source=source)["trustAnchor"]
    wish = {"name": "list", "crlData": revoke(issuer), "trustAnchorArn": anchor["trustAnchorArn"]}
    if text:
        assert refusal(client.import_crl, **wish) == (*INVALID, text)
    else:
        assert client.import_crl(**wish)


def test_a_list_belongs_to_a_trust_anchor_of_its_region(
    *,
    connect: Submit,
    imported: Submit,
    site: Any,
    revoke: Submit,
    trusted_root: Any,
    refusal: Refused,
) -> None:
    pem = revoke(trusted_root)
    missing = site.trust_anchor_arn[:-36] + UUID
    text = f"Trust anchor not found: {missing}"
    assert refusal(imported, data=pem, trustAnchorArn=missing) == (*INVALID, text)
    elsewhere = connect("rolesanywhere", region_name="eu-west-1")
    wish = {"name": "list", "crlData": pem, "trustAnchorArn": site.trust_anchor_arn}
    assert refusal(elsewhere.import_crl, **wish)[:2] == INVALID


@pytest.mark.parametrize(("size", "kept"), [(300_000, True), (300_001, False)])
def test_a_list_has_300_000_bytes_at_most(
    *, imported: Submit, revoke: Submit, trusted_root: Any, refusal: Refused, size: int, kept: bool
) -> None:
    pem = revoke(trusted_root)
    padded = b"#" * (size - len(pem) - 1) + b"\n" + pem
    if kept:
        assert imported(padded)["crlData"] == padded
    else:
        assert "less than or equal to 300000" in refusal(imported, data=padded)[2]


def test_a_revoked_leaf_gets_no_session_until_the_list_is_disabled(
    *,
    client: Any,
    site: Any,
    imported: Submit,
    revoke: Submit,
    trusted_root: Any,
    workload_identity: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
) -> None:
    name = {"crlId": imported(revoke(trusted_root, workload_identity[0]))["crlId"]}
    assert message(draft_for(site)) == (*DENIED, REVOKED)
    client.disable_crl(**name)
    assert submit(draft_for(site)).status == 201
    client.enable_crl(**name)
    assert message(draft_for(site)) == (*DENIED, REVOKED)
    client.update_crl(**name, crlData=revoke(trusted_root))
    assert submit(draft_for(site)).status == 201


def test_a_list_counts_for_its_own_trust_anchor_only(
    *,
    emulator: Emulator,
    register: Submit,
    site: Any,
    imported: Submit,
    revoke: Submit,
    trusted_root: Any,
    workload_identity: Any,
    draft_for: Submit,
    submit: Submit,
) -> None:
    imported(revoke(trusted_root, workload_identity[0]))
    assert submit(draft_for(site)).status == 403
    assert submit(draft_for(register(emulator))).status == 201


@pytest.mark.parametrize("which", ["leaf", "intermediate", "nobody"])
def test_leaf_and_intermediate_are_looked_up_each_in_its_issuers_list(
    *,
    site: Any,
    imported: Submit,
    revoke: Submit,
    trusted_root: Authority,
    trusted_intermediate: Authority,
    today: Any,
    draft_for: Submit,
    submit: Submit,
    which: str,
) -> None:
    leaf, key = issue_workload(
        trusted_intermediate, Subject("below"), now=today, validity=timedelta(days=1)
    )
    middle = trusted_intermediate.certificate
    imported(revoke(trusted_root, *([middle] if which == "intermediate" else [])))
    imported(revoke(trusted_intermediate, *([leaf] if which == "leaf" else [])))
    reply = submit(draft_for(site, leaf=leaf, key=key, chain=[middle]))
    assert reply.status == (201 if which == "nobody" else 403)
    assert which == "nobody" or reply.json()["message"] == REVOKED


def test_a_list_that_runs_out_refuses_everybody_or_is_noted_when_lenient(
    *,
    emulator: Emulator,
    site: Any,
    imported: Submit,
    revoke: Submit,
    trusted_root: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
) -> None:
    made = imported(revoke(trusted_root, ends=timedelta(hours=1)))
    assert submit(draft_for(site)).status == 201
    emulator.move_clock(7200)
    assert message(draft_for(site)) == (*DENIED, OUTDATED)
    emulator.change_settings(strict=False)
    assert submit(draft_for(site)).status == 201
    notes = emulator.session_events()[-1]["additionalEventData"]
    assert notes == {"outdatedRevocationLists": [made["crlArn"]]}
