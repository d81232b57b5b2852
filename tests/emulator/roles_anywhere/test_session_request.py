"""CreateSession's parameters: one thing wrong is what refuses, and its twin is accepted."""

from collections.abc import Callable
from typing import Any

import pytest

Submit = Callable[..., Any]

ACCOUNT = "123456789012"
INVALID = (400, "ValidationException")


def members(**changes: Any) -> dict[str, Any]:
    """Change members of the body; an ellipsis leaves one out."""
    return {"members": changes}


def arn_pattern(name: str, value: str, kind: str) -> str:
    service = "iam" if kind == "role" else "rolesanywhere"
    return (
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: "
        f"arn:aws(-[^:]+)?:{service}(:.*){{2}}(:{kind}.*)"
    )


def null(name: str) -> str:
    return (
        f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: "
        "Member must not be null"
    )


def bad_duration(value: object, constraint: str) -> str:
    return (
        f"1 validation error detected: Value '{value}' at 'durationSeconds' failed to satisfy "
        f"constraint: Member must {constraint}"
    )


REFUSED = [
    ("body is no JSON", {"body": b"{"}, INVALID, "Request body must be a JSON object"),
    ("body is a list", {"body": b"[]"}, INVALID, "Request body must be a JSON object"),
    ("body nested deeply", {"body": b"[" * 60_000}, INVALID, "Request body must be a JSON object"),
    ("body too large", {"body": b" " * 70_000}, INVALID, "Request body is too large"),
    ("no profile", members(profileArn=...), INVALID, null("profileArn")),
    ("no role", members(roleArn=...), INVALID, null("roleArn")),
    ("no trust anchor", members(trustAnchorArn=...), INVALID, null("trustAnchorArn")),
    (
        "profile is a role",
        members(profileArn=f"arn:aws:iam::{ACCOUNT}:role/a"),
        INVALID,
        arn_pattern("profileArn", f"arn:aws:iam::{ACCOUNT}:role/a", "profile"),
    ),
    ("role is text", members(roleArn="a"), INVALID, arn_pattern("roleArn", "a", "role")),
    (
        "trust anchor is a number",
        members(trustAnchorArn=1),
        INVALID,
        arn_pattern("trustAnchorArn", "1", "trust-anchor"),
    ),
    (
        "query and body differ",
        {"query": [("roleArn", f"arn:aws:iam::{ACCOUNT}:role/other")]},
        INVALID,
        "roleArn in the query string differs from roleArn elsewhere in the request",
    ),
    (
        "too short",
        members(durationSeconds=899),
        INVALID,
        bad_duration(899, "have value greater than or equal to 900"),
    ),
    (
        "too long",
        members(durationSeconds=43201),
        INVALID,
        bad_duration(43201, "have value less than or equal to 43200"),
    ),
    (
        "half a second",
        members(durationSeconds=900.5),
        INVALID,
        bad_duration(900.5, "be of type integer"),
    ),
    (
        "duration in text",
        members(durationSeconds="900"),
        INVALID,
        bad_duration("900", "be of type integer"),
    ),
    (
        "duration true",
        members(durationSeconds=True),
        INVALID,
        bad_duration("True", "be of type integer"),
    ),
    (
        "session name with a space",
        members(roleSessionName="a b"),
        INVALID,
        (
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}"
        ),
    ),
    (
        "instance properties",
        members(instanceProperties={"k": ""}),
        INVALID,
        (
            "1 validation error detected: Value '{'k': ''}' at 'instanceProperties' failed to "
            "satisfy constraint: Member must be a map of at most 50 strings of 1 to 200 characters"
        ),
    ),
]


@pytest.mark.parametrize(
    ("changes", "kind", "text"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_one_thing_wrong_is_what_refuses(
    shared_site: Any,
    draft_for: Submit,
    message: Submit,
    changes: dict[str, Any],
    kind: tuple[int, str],
    text: str,
) -> None:
    assert message(draft_for(shared_site, **changes)) == (*kind, text)


ACCEPTED = [
    ("faultless", {}),
    ("no duration", members(durationSeconds=...)),
    ("shortest", members(durationSeconds=900)),
    ("longest", members(durationSeconds=43200)),
    ("integral float, as Envoy sends", members(durationSeconds=900.0)),
    ("unknown and deprecated members", members(sessionName="x", unknown={"a": 1})),
    ("instance properties", members(instanceProperties={"k": "v"})),
    ("other parameters in the query string", {"query": [("other", "value")]}),
]


@pytest.mark.parametrize("changes", [pytest.param(case[1], id=case[0]) for case in ACCEPTED])
def test_what_is_allowed_is_accepted(
    shared_site: Any, draft_for: Submit, submit: Submit, changes: dict[str, Any]
) -> None:
    assert submit(draft_for(shared_site, **changes)).status == 201


def test_the_three_arns_may_stand_in_the_query_string(
    shared_site: Any, draft_for: Submit, submit: Submit
) -> None:
    draft = draft_for(shared_site)
    names = ("profileArn", "roleArn", "trustAnchorArn")
    draft.query = [(name, draft.members.pop(name)) for name in names]
    assert submit(draft).status == 201


def test_the_body_may_be_empty(shared_site: Any, draft_for: Submit, submit: Submit) -> None:
    draft = draft_for(shared_site, body=b"")
    names = ("profileArn", "roleArn", "trustAnchorArn")
    draft.query = [(name, draft.members.pop(name)) for name in names]
    assert submit(draft).status == 201
