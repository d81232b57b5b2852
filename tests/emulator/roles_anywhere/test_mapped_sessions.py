"""Attribute mappings of a profile, and what their tags decide."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.x509.oid import NameOID

from sidecar.ca import Authority
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]
INVALID = (400, "ValidationException")
MISSING = (404, "ResourceNotFoundException")
DEFAULT = {"x509Issuer": ["*"], "x509SAN": ["DNS", "URI", "Name/*"], "x509Subject": ["*"]}


def profile_id(site: Any) -> str:
    identifier: str = site.profile_arn.rsplit("/", 1)[-1]
    return identifier


def mappings(answer: dict[str, Any]) -> dict[str, list[str]]:
    return {
        each["certificateField"]: [rule["specifier"] for rule in each["mappingRules"]]
        for each in answer["profile"]["attributeMappings"]
    }


@pytest.fixture
def put(client: Any) -> Callable[..., dict[str, list[str]]]:
    """Give a function that maps specifiers of a field of a site's profile."""

    def mapped(site: Any, field: str, *specifiers: str) -> dict[str, list[str]]:
        rules = [{"specifier": each} for each in specifiers]
        answer = client.put_attribute_mapping(
            profileId=profile_id(site), certificateField=field, mappingRules=rules
        )
        return mappings(answer)

    return mapped


@pytest.fixture
def site(emulator: Emulator, register: Submit) -> Any:
    return register(emulator)


def test_a_new_profile_has_the_default_mappings(client: Any, site: Any) -> None:
    assert mappings(client.get_profile(profileId=profile_id(site))) == DEFAULT


def test_mappings_are_put_and_taken_away(client: Any, site: Any, put: Submit) -> None:
    name = {"profileId": profile_id(site)}
    assert put(site, "x509Subject", "CN") == {**DEFAULT, "x509Subject": ["CN"]}
    assert put(site, "x509Subject", "OU", "CN") == {**DEFAULT, "x509Subject": ["OU", "CN"]}
    left = client.delete_attribute_mapping(
        **name, certificateField="x509SAN", specifiers=["DNS", "Name/*"]
    )
    assert mappings(left)["x509SAN"] == ["URI"]
    client.delete_attribute_mapping(**name, certificateField="x509SAN")
    found = mappings(client.get_profile(**name))
    assert found == {"x509Issuer": ["*"], "x509Subject": ["OU", "CN"]}


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"mappingRules": []}, INVALID, "mappingRules must have at least one specifier"),
        (
            {"mappingRules": [{"specifier": "CN"}, {"specifier": "CN"}]},
            INVALID,
            "mappingRules name a specifier twice",
        ),
        (
            {"mappingRules": [{"specifier": "XY"}]},
            INVALID,
            "Unsupported specifier 'XY' for x509Subject",
        ),
        (
            {"certificateField": "x509SAN", "mappingRules": [{"specifier": "*"}]},
            INVALID,
            "Unsupported specifier '*' for x509SAN",
        ),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(
    *,
    client: Any,
    site: Any,
    refusal: Refused,
    changes: dict[str, Any],
    kind: tuple[int, str],
    text: str,
) -> None:
    wish = {"certificateField": "x509Subject", "mappingRules": [{"specifier": "CN"}], **changes}
    refused = refusal(client.put_attribute_mapping, profileId=profile_id(site), **wish)
    assert refused == (*kind, text)
    assert mappings(client.get_profile(profileId=profile_id(site))) == DEFAULT


@pytest.mark.parametrize(
    "changes",
    [
        {"certificateField": "x509"},
        {"mappingRules": [{"specifier": "1." + "1" * 59}]},
        {"mappingRules": [{}]},
    ],
)
def test_a_mapping_that_the_service_does_not_describe_is_refused(
    client: Any, site: Any, refusal: Refused, changes: dict[str, Any]
) -> None:
    wish = {"certificateField": "x509Subject", "mappingRules": [{"specifier": "CN"}], **changes}
    refused = refusal(client.put_attribute_mapping, profileId=profile_id(site), **wish)
    assert refused[:2] == INVALID
    assert "validation error" in refused[2]


@pytest.mark.parametrize("specifiers", [["URI", "CN"], ["OU"]])
def test_what_is_not_mapped_is_not_found_and_nothing_is_taken_away(
    client: Any, site: Any, refusal: Refused, specifiers: list[str]
) -> None:
    wish = {"certificateField": "x509SAN", "specifiers": specifiers}
    refused = refusal(client.delete_attribute_mapping, profileId=profile_id(site), **wish)
    assert refused == (*MISSING, f"Attribute mapping not found: x509SAN/{specifiers[-1]}")
    assert mappings(client.get_profile(profileId=profile_id(site))) == DEFAULT


def trust_only(connect: Submit, site: Any, condition: dict[str, Any]) -> None:
    """Let the site's role trust Roles Anywhere under one condition."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    connect("iam").update_assume_role_policy(RoleName=site.role_name, PolicyDocument=document)


@pytest.mark.parametrize(
    ("field", "specifiers", "status"),
    [
        ("x509Subject", ["*"], 201),
        ("x509Subject", ["CN"], 201),
        ("x509Subject", ["O", "CN"], 201),
        ("x509Subject", ["O"], 403),
        ("x509Issuer", ["CN"], 201),
    ],
)
def test_a_trust_policy_sees_only_what_is_mapped(
    *,
    connect: Submit,
    site: Any,
    put: Submit,
    draft_for: Submit,
    submit: Submit,
    field: str,
    specifiers: list[str],
    status: int,
) -> None:
    trust_only(connect, site, {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "billing"}})
    put(site, field, *specifiers)
    assert submit(draft_for(site)).status == status


def test_an_attribute_that_is_not_mapped_is_unequal_to_everything(
    *, connect: Submit, client: Any, site: Any, draft_for: Submit, submit: Submit
) -> None:
    trust_only(connect, site, {"StringNotEquals": {"aws:PrincipalTag/x509Subject/CN": "billing"}})
    assert submit(draft_for(site)).status == 403
    client.delete_attribute_mapping(profileId=profile_id(site), certificateField="x509Subject")
    assert submit(draft_for(site)).status == 201


def test_an_identity_policy_sees_the_tags_in_later_calls(
    *,
    emulator: Emulator,
    register: Submit,
    connect: Submit,
    put: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Refused,
) -> None:
    own = {
        "Effect": "Allow",
        "Action": "secretsmanager:CreateSecret",
        "Resource": "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/x509Subject/CN}/*",
        "Condition": {"StringEquals": {"aws:SourceIdentity": "CN=billing"}},
    }
    site = register(emulator, own)

    def secrets() -> Any:
        return connect("secretsmanager", **boto_keys(submit(draft_for(site))))

    secrets().create_secret(Name=f"billing/{site.role_name}", SecretString="any")
    denied = refusal(secrets().create_secret, Name=f"web/{site.role_name}", SecretString="any")
    assert denied[1] == "AccessDeniedException"
    put(site, "x509Subject", "O")
    denied = refusal(secrets().create_secret, Name=f"billing/{site.role_name}2", SecretString="any")
    assert denied[1] == "AccessDeniedException"


def boto_keys(reply: Any) -> dict[str, str]:
    assert reply.status == 201, reply.body
    credentials = reply.json()["credentialSet"][0]["credentials"]
    return {
        "aws_access_key_id": credentials["accessKeyId"],
        "aws_secret_access_key": credentials["secretAccessKey"],
        "aws_session_token": credentials["sessionToken"],
    }


@pytest.fixture
def awkward(certify: Submit, trusted_root: Authority) -> dict[str, Any]:
    """Give a certificate whose organization cannot be the value of a tag, with its key."""
    attributes = [(NameOID.ORGANIZATION_NAME, "Example (KR)"), (NameOID.COMMON_NAME, "web")]
    issuer = (trusted_root.certificate, trusted_root.key)
    leaf, key = certify(issuer, attributes=attributes)
    return {"leaf": leaf, "key": key}


UNMAPPED = (
    "Some attributes failed to be mapped into session tags. Issuer: [  ]; Subject: [ O ]; SAN: [  ]"
)


def test_a_value_that_cannot_be_a_tag_refuses_when_it_is_mapped(
    *, site: Any, put: Submit, draft_for: Submit, submit: Submit, message: Submit, awkward: Any
) -> None:
    text = f"Unable to assume role for {site.role_arn}. {UNMAPPED}"
    assert message(draft_for(site, **awkward)) == (403, "AccessDeniedException", text)
    put(site, "x509Subject", "CN")
    assert submit(draft_for(site, **awkward)).status == 201


def test_a_lenient_emulator_leaves_it_out_and_notes_it(
    *, emulator: Emulator, site: Any, draft_for: Submit, submit: Submit, awkward: Any
) -> None:
    emulator.change_settings(strict=False)
    assert submit(draft_for(site, **awkward)).status == 201
    event = emulator.session_events()[-1]
    assert event["additionalEventData"] == {"unmappedAttributes": ["x509Subject/O"]}
    assert event["responseElements"]["principalTags"] == {
        "x509Issuer/CN": "Trusted root",
        "x509Subject/CN": "web",
    }


def test_a_lenient_emulator_mentions_it_when_the_source_identity_refuses(
    *,
    emulator: Emulator,
    site: Any,
    certify: Submit,
    trusted_root: Authority,
    draft_for: Submit,
    message: Submit,
) -> None:
    emulator.change_settings(strict=False)
    leaf, key = certify((trusted_root.certificate, trusted_root.key), name="web (1)")
    text = f"Unable to assume role for {site.role_arn}. {UNMAPPED.replace('[ O ]', '[ CN ]')}"
    refused = message(draft_for(site, leaf=leaf, key=key))
    assert refused == (403, "AccessDeniedException", text)


def test_a_lenient_emulator_mentions_it_when_the_trust_policy_refuses(
    *,
    emulator: Emulator,
    connect: Submit,
    site: Any,
    draft_for: Submit,
    message: Submit,
    awkward: Any,
) -> None:
    emulator.change_settings(strict=False)
    trust_only(connect, site, {"StringLike": {"aws:PrincipalTag/x509Subject/O": "*"}})
    text = f"Unable to assume role for {site.role_arn}. {UNMAPPED}"
    assert message(draft_for(site, **awkward)) == (403, "AccessDeniedException", text)
