"""No secret is in any log line at any level, nor in any refusal; and the search would find one."""

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.canary.conftest import Life

SECRETS = [
    "token",
    "new token",
    "foreign token",
    "secret value",
    "another app's secret value",
    "access key id",
    "secret access key",
    "session token",
    "private key",
    "IMDS token",
]


def tells(text: str, secret: str) -> bool:
    """Whether a secret stands in a text, in one of the ways in which programs write texts."""
    raw = secret.encode()
    ways = (secret, quote(secret, safe=""), base64.b64encode(raw).decode(), raw.hex())
    return any(way in text for way in (*ways, json.dumps(secret)[1:-1]))


@pytest.mark.parametrize("name", SECRETS)
def test_no_line_of_output_at_level_debug_tells_a_secret(name: str, life: "Life") -> None:
    log = life.log
    if (
        name == "access key id"
    ):  # CloudTrail has it too, and the audit is there to be joined with it
        log = "\n".join(line for line in log.splitlines() if not line.startswith('{"time"'))
    assert not tells(log, life.secrets[name])


@pytest.mark.parametrize("name", SECRETS)
def test_no_refusal_tells_a_secret(name: str, life: "Life") -> None:
    assert not tells("\n".join(life.refusals), life.secrets[name])


@pytest.mark.parametrize("name", SECRETS)
def test_the_search_finds_each_secret_where_it_belongs(name: str, life: "Life") -> None:
    assert tells(life.sources[name], life.secrets[name])
    assert len(life.secrets[name]) >= 16


@pytest.mark.parametrize(
    "event",
    [
        "DEBUG sidecar.web.listener: the secrets door could not parse a request",
        "role default: no new session, attempt 1: CreateSession was refused: 503",
        "role default: recovered after",
        "role default: new session until",
        "app web was denied secret 'other/",
        "cannot be renewed and is served as it is: injected fault",
        "holds a newline, which AWS SDKs refuse in a token file; the old token stays",
        "app web: new token from",
        "stopping on a signal",
    ],
)
def test_the_life_was_busy(event: str, life: "Life") -> None:
    assert event in life.log


def test_refusals_of_every_kind_were_looked_at(life: "Life") -> None:
    kinds = ("Bad Token", "Unauthorized", "CredentialsUnavailable", "BadHost", "BrowserRequest")
    more = (
        "MethodNotAllowed",
        "malformed request",
        "AccessDeniedException",
        "InternalServiceError",
        "a valid IMDSv2 token is required",
    )
    assert [kind for kind in (*kinds, *more) if kind not in "\n".join(life.refusals)] == []


def test_level_debug_is_for_this_program_alone(life: "Life") -> None:
    writers = set(re.findall(r"^\S+Z DEBUG (\S+?)[.:]", life.log, re.MULTILINE))
    assert writers == {"sidecar"}
    assert "botocore" not in life.log
