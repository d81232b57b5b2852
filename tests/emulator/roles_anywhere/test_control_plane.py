"""The control plane, by boto3's own ``rolesanywhere`` client."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.session import get_session

from sidecar.ca import certificate_pem
from sidecar.emulator.roles_anywhere.control_plane import OPERATIONS
from sidecar.emulator.server import Emulator

Refused = Callable[..., tuple[int, str, str]]
UUID = "00000000-0000-4000-8000-000000000000"
INVALID = (400, "ValidationException")
MISSING = (404, "ResourceNotFoundException")


@pytest.fixture
def source(trusted_root: Any) -> dict[str, Any]:
    pem = certificate_pem(trusted_root.certificate).decode()
    return {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}


@pytest.fixture
def role(emulator: Emulator) -> str:
    return f"arn:aws:iam::{emulator.administrator.account}:role/any"


def test_a_trust_anchors_life(client: Any, source: dict[str, Any], refusal: Refused) -> None:
    made = client.create_trust_anchor(name="anchor", source=source)["trustAnchor"]
    identifier = made["trustAnchorId"]
    assert made["trustAnchorArn"].endswith(f":trust-anchor/{identifier}")
    assert (made["enabled"], made["source"]) == (False, source)
    events = [each["event"] for each in made["notificationSettings"]]
    assert events == ["CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY"]
    assert client.enable_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["enabled"]
    renamed = client.update_trust_anchor(trustAnchorId=identifier, name="renamed")["trustAnchor"]
    assert (renamed["name"], renamed["enabled"], renamed["source"]) == ("renamed", True, source)
    assert not client.disable_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["enabled"]
    found = client.get_trust_anchor(trustAnchorId=identifier)["trustAnchor"]
    assert found["createdAt"] == made["createdAt"] <= found["updatedAt"]
    assert client.delete_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["name"] == "renamed"
    assert refusal(client.get_trust_anchor, trustAnchorId=identifier)[:2] == MISSING


def test_a_profiles_life(client: Any, role: str, refusal: Refused, emulator: Emulator) -> None:
    made = client.create_profile(name="profile", roleArns=[role])["profile"]
    identifier = made["profileId"]
    assert made["profileArn"].endswith(f":profile/{identifier}")
    assert (made["enabled"], made["durationSeconds"]) == (False, 3600)
    assert made["acceptRoleSessionName"] is False
    assert made["createdBy"].endswith(":user/administrator")
    assert client.enable_profile(profileId=identifier)["profile"]["enabled"]
    changes = {
        "name": "renamed",
        "roleArns": [role, f"{role}2"],
        "durationSeconds": 900,
        "sessionPolicy": "{}",
        "managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "acceptRoleSessionName": True,
    }
    changed = client.update_profile(profileId=identifier, **changes)["profile"]
    assert {key: changed[key] for key in changes} == changes
    assert not client.disable_profile(profileId=identifier)["profile"]["enabled"]
    assert client.get_profile(profileId=identifier)["profile"]["enabled"] is False
    assert client.delete_profile(profileId=identifier)["profile"]["name"] == "renamed"
    assert refusal(client.get_profile, profileId=identifier)[:2] == MISSING


@pytest.mark.parametrize("noun", ["trust_anchor", "profile"])
@pytest.mark.parametrize("verb", ["get", "delete", "enable", "disable", "update"])
def test_what_does_not_exist_is_not_found(
    client: Any, refusal: Refused, noun: str, verb: str
) -> None:
    member = {"trust_anchor": "trustAnchorId", "profile": "profileId"}[noun]
    status, code, message = refusal(getattr(client, f"{verb}_{noun}"), **{member: UUID})
    assert (status, code) == MISSING
    assert message.endswith(f"not found: {UUID}")


def test_a_trust_anchor_is_not_found_as_a_profile(
    client: Any, source: dict[str, Any], refusal: Refused
) -> None:
    made = client.create_trust_anchor(name="anchor", source=source)["trustAnchor"]
    assert refusal(client.get_profile, profileId=made["trustAnchorId"])[:2] == MISSING


def test_lists_have_pages_and_a_region(
    connect: Callable[..., Any], role: str, refusal: Refused
) -> None:
    client = connect("rolesanywhere", region_name="eu-west-2")
    names = [f"profile {number}" for number in range(5)]
    for name in names:
        client.create_profile(name=name, roleArns=[role])
    pages = list(client.get_paginator("list_profiles").paginate(pageSize=2))
    assert [len(page["profiles"]) for page in pages] == [2, 2, 1]
    assert [each["name"] for page in pages for each in page["profiles"]] == names
    assert client.list_trust_anchors()["trustAnchors"] == []
    elsewhere = connect("rolesanywhere", region_name="eu-west-3")
    assert elsewhere.list_profiles()["profiles"] == []
    assert refusal(client.list_profiles, nextToken="!")[:2] == INVALID


def test_tags(client: Any, role: str, refusal: Refused) -> None:
    tags = [{"key": "team", "value": "web"}]
    arn = client.create_profile(name="tagged", roleArns=[role], tags=tags)["profile"]["profileArn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == tags
    client.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "db"}])
    client.tag_resource(resourceArn=arn, tags=[{"key": "cost", "value": ""}])
    client.untag_resource(resourceArn=arn, tagKeys=["team", "absent"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "cost", "value": ""}]
    many = [{"key": str(number), "value": ""} for number in range(200)]
    assert refusal(client.tag_resource, resourceArn=arn, tags=many)[1] == "TooManyTagsException"
    missing = arn.replace("profile/", "profile/0")
    assert refusal(client.list_tags_for_resource, resourceArn=missing)[:2] == MISSING


ONE = "1 validation error detected: "


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"name": None},
            f"{ONE}Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"name": "a/b"},
            (
                f"{ONE}Value 'a/b' at 'name' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [ a-zA-Z0-9-_]*"
            ),
        ),
        (
            {"durationSeconds": "900"},
            (
                f"{ONE}Value '900' at 'durationSeconds' failed to satisfy constraint: "
                "Member must be of type integer"
            ),
        ),
        (
            {"enabled": "true"},
            (
                f"{ONE}Value 'true' at 'enabled' failed to satisfy constraint: "
                "Member must be of type boolean"
            ),
        ),
        (
            {"managedPolicyArns": ["a" * 201]},
            (
                f"{ONE}Value '{'a' * 201}' at 'managedPolicyArns.1.member' failed to satisfy "
                "constraint: Member must have length less than or equal to 200"
            ),
        ),
        (
            {"roleArns": ["arn:aws:iam:::role/a"]},
            "arn:aws:iam:::role/a: this ARN must name an account of 12 digits",
        ),
        (
            {"durationSeconds": 899},
            (
                f"{ONE}Value '899' at 'durationSeconds' failed to satisfy constraint: "
                "Member must have value greater than or equal to 900"
            ),
        ),
        (
            {"durationSeconds": 43201},
            (
                f"{ONE}Value '43201' at 'durationSeconds' failed to satisfy constraint: "
                "Member must have value less than or equal to 43200"
            ),
        ),
        (
            {"roleArns": ["role"]},
            (
                f"{ONE}Value 'role' at 'roleArns.1.member' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: "
                "arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)"
            ),
        ),
        (
            {"tags": [{"key": "k"}]},
            (
                f"{ONE}Value null at 'tags.1.member.value' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            {"roleArns": ["arn:aws:iam::999999999999:role/a"]},
            "arn:aws:iam::999999999999:role/a: a role must be in the profile's account",
        ),
        (
            {"name": "", "durationSeconds": 1},
            (
                "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1; Value '1' at "
                "'durationSeconds' failed to satisfy constraint: "
                "Member must have value greater than or equal to 900"
            ),
        ),
    ],
)
def test_profiles_are_validated(
    client: Any, role: str, refusal: Refused, changes: dict[str, Any], text: str
) -> None:
    members = {"name": "profile", "roleArns": [role], **changes}
    given = {key: value for key, value in members.items() if value is not None}
    assert refusal(client.create_profile, **given) == (*INVALID, text)


def test_a_body_must_be_an_object_and_a_route_must_exist(client: Any, refusal: Refused) -> None:
    def send(method: str, path: str, body: bytes) -> tuple[int, str, str]:
        def change(request: Any, **_: Any) -> None:
            request.method, request.data = method, body
            request.url = client.meta.endpoint_url + path

        client.meta.events.register_first("before-sign.rolesanywhere.ListProfiles", change)
        try:
            return refusal(client.list_profiles)
        finally:
            client.meta.events.unregister("before-sign.rolesanywhere.ListProfiles", change)

    assert send("POST", "/profiles", b"[1]") == (*INVALID, "Request body must be a JSON object")
    assert send("POST", "/nothing", b"")[:2] == (404, "UnknownOperationException")


def test_an_identifier_that_is_no_uuid_is_invalid(client: Any, refusal: Refused) -> None:
    assert refusal(client.get_profile, profileId="x")[:2] == INVALID


def test_a_change_is_dated_and_the_making_stays_so(
    client: Any, role: str, emulator: Emulator
) -> None:
    made = client.create_profile(name="profile", roleArns=[role])["profile"]
    emulator.move_clock(60)
    changed = client.update_profile(profileId=made["profileId"], name="renamed")["profile"]
    assert changed["createdAt"] == made["createdAt"] == made["updatedAt"]
    assert (changed["updatedAt"] - made["updatedAt"]).total_seconds() >= 60


def test_every_operation_of_the_service_is_there() -> None:
    described = get_session().get_service_model("rolesanywhere").operation_names
    assert sorted(OPERATIONS) == sorted(described)
