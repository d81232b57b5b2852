"""Subjects: made and changed by CreateSession, read by boto3."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sidecar.ca import Authority, Subject, certificate_pem, issue_workload
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
UUID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def identity(
    trusted_root: Authority, today: Any, fresh_name: Callable[[str], str]
) -> Callable[..., dict[str, Any]]:
    """Give a function that issues a certificate; the subject is the same each time."""
    subject = Subject(fresh_name("subject"), "Example")

    def issue() -> dict[str, Any]:
        leaf, key = issue_workload(trusted_root, subject, now=today, validity=timedelta(days=1))
        return {"leaf": leaf, "key": key}

    return issue


@pytest.fixture
def seen(client: Any) -> Callable[[Any], dict[str, Any]]:
    """Give a function that reads the subject that an answer of CreateSession names."""

    def read(reply: Any) -> dict[str, Any]:
        identifier = reply.json()["subjectArn"].rsplit("/", 1)[-1]
        subject: dict[str, Any] = client.get_subject(subjectId=identifier)["subject"]
        return subject

    return read


def test_a_session_leaves_a_subject_with_its_certificate(
    shared_site: Any, draft_for: Submit, submit: Submit, identity: Submit, seen: Submit
) -> None:
    draft = draft_for(shared_site, **identity())
    reply = submit(draft)
    subject = seen(reply)
    assert subject["subjectArn"] == reply.json()["subjectArn"]
    assert subject["x509Subject"] == draft.leaf.subject.rfc4514_string()
    assert subject["enabled"] is True
    assert subject["createdAt"] == subject["lastSeenAt"]
    [credential] = subject["credentials"]
    assert credential.pop("seenAt") == subject["lastSeenAt"]
    assert credential == {
        "serialNumber": str(draft.leaf.serial_number),
        "issuer": "CN=Trusted root",
        "x509CertificateData": certificate_pem(draft.leaf).decode(),
        "enabled": True,
        "failed": False,
    }
    assert subject["instanceProperties"] == []


def test_a_renewed_certificate_is_of_the_same_subject(
    *,
    emulator: Emulator,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    identity: Submit,
    seen: Submit,
) -> None:
    first, second = identity(), identity()
    before = seen(submit(draft_for(shared_site, **first)))
    emulator.move_clock(60)
    submit(draft_for(shared_site, **second))
    after = seen(submit(draft_for(shared_site, **first)))
    assert after["subjectArn"] == before["subjectArn"]
    assert after["createdAt"] == before["createdAt"]
    assert after["lastSeenAt"] - before["lastSeenAt"] >= timedelta(seconds=60)
    numbers = [each["serialNumber"] for each in after["credentials"]]
    assert numbers == [str(each["leaf"].serial_number) for each in (second, first)]


def test_a_refused_session_is_recorded_as_failed_until_one_succeeds(
    *, client: Any, shared_site: Any, draft_for: Submit, submit: Submit, identity: Submit
) -> None:
    given = identity()
    refused = draft_for(shared_site, **given, members={"roleSessionName": "any"})
    assert submit(refused).status == 403

    def failed() -> bool:
        name = given["leaf"].subject.rfc4514_string()
        [found] = [
            each for each in client.list_subjects()["subjects"] if each["x509Subject"] == name
        ]
        subject = client.get_subject(subjectId=found["subjectId"])["subject"]
        [credential] = subject["credentials"]
        return bool(credential["failed"])

    assert failed()
    assert submit(draft_for(shared_site, **given)).status == 201
    assert not failed()


def test_who_is_not_trusted_leaves_nothing(
    *, client: Any, shared_site: Any, draft_for: Submit, submit: Submit, certify: Submit
) -> None:
    leaf, key = certify(name="stranger")
    assert submit(draft_for(shared_site, leaf=leaf, key=key)).status == 403
    names = [each["x509Subject"] for each in client.list_subjects()["subjects"]]
    assert "CN=stranger" not in names


def test_instance_properties_are_kept_once_each(
    shared_site: Any, draft_for: Submit, submit: Submit, identity: Submit, seen: Submit
) -> None:
    given = identity()
    replies = [
        submit(draft_for(shared_site, **given, members={"instanceProperties": properties}))
        for properties in ({"host": "a"}, {"host": "b"}, {"host": "a"}, ...)
    ]
    subject = seen(replies[-1])
    kept = [each["properties"] for each in subject["instanceProperties"]]
    assert kept == [{"host": "b"}, {"host": "a"}]
    assert [each["failed"] for each in subject["instanceProperties"]] == [False, False]


def test_a_list_shows_no_certificates(
    client: Any, shared_site: Any, draft_for: Submit, submit: Submit, identity: Submit
) -> None:
    submit(draft_for(shared_site, **identity()))
    listed = client.list_subjects(pageSize=1)["subjects"][0]
    assert {"credentials", "instanceProperties"} & set(listed) == set()


def test_a_subject_that_does_not_exist_is_not_found(client: Any, refusal: Submit) -> None:
    refused = refusal(client.get_subject, subjectId=UUID)
    assert refused == (404, "ResourceNotFoundException", f"Subject not found: {UUID}")


def test_a_subject_can_be_tagged(
    client: Any, shared_site: Any, draft_for: Submit, submit: Submit
) -> None:
    arn = submit(draft_for(shared_site)).json()["subjectArn"]
    client.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "web"}])
    submit(draft_for(shared_site))
    assert client.list_tags_for_resource(resourceArn=arn)["tags"][0]["key"] == "team"
