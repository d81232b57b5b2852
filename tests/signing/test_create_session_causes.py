"""Why CreateSession refuses: every row of the table, with what people are told to do about it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import Authority
from sidecar.signing.create_session import Asked
from sidecar.signing.http_reply import Reply
from sidecar.signing.likely_cause import Row
from sidecar.signing.refusal import causes_of, refusal
from sidecar.signing.refusal_causes import CLOCK, DELAY, TABLE, UNKNOWN

Refuse = Callable[..., Reply]

# AWS's words, or the emulator's where AWS's are not known, and how each likely cause begins.
CASES: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "vectors/create_session_refusals.json").read_text()
)


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{each['status']} {each['code']} {each['message']}" for each in CASES]
)
def test_a_refusal_is_explained_by_its_likely_causes_in_order(
    case: dict[str, Any], refused: Refuse, asked: Asked
) -> None:
    told = causes_of(refused(case["message"], case["code"], case["status"]), asked)
    starts = case["causes"]
    assert [cause[: len(start)] for cause, start in zip(told, starts, strict=True)] == starts


def _row_of(words: str, code: str, status: int) -> Row:
    return next((row for row in TABLE if row.fits(status, code, words.lower())), UNKNOWN)


def test_no_row_is_without_a_case() -> None:
    shown = {_row_of(each["message"], each["code"], each["status"]).about for each in CASES}
    assert shown == {row.about for row in (*TABLE, UNKNOWN)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.about)
def test_every_row_can_be_reached_by_each_of_its_signs(row: Row) -> None:
    """What an earlier row takes away is dead."""
    by_words = [(words, "X", 403) for words in row.words]
    by_codes = [("", code, 400) for code in row.codes]
    by_statuses = [("", "", status) for status in row.statuses]
    reached = [_row_of(*each).about for each in (*by_words, *by_codes, *by_statuses)]
    assert set(reached) == {row.about}


def test_one_cause_is_a_sentence_and_several_are_numbered(
    refused: Refuse, asked: Asked, now: datetime
) -> None:
    one = refusal(refused("Not authorized to set roleSessionName."), asked, now=now)
    two = refusal(refused("Profile is disabled"), asked, now=now)
    assert one.hint.startswith("the profile does not accept")
    assert re.fullmatch(
        r"likely, in this order: \(1\) the trust .*; \(2\) the profile .*", two.hint
    )


@pytest.mark.parametrize(
    ("date", "words", "cause"),
    [
        pytest.param(
            "Sun, 01 Mar 2026 12:10:00 GMT",
            "Signature expired: 20260301T120000Z is more than 5 minutes ago",
            "this machine's clock is 10.0 minutes behind AWS's: set it, by NTP",
            id="behind",
        ),
        pytest.param(
            "Sun, 01 Mar 2026 11:00:00 GMT",
            "Signature not yet current: 20260301T120000Z is more than 5 minutes ahead",
            "this machine's clock is 60.0 minutes ahead of AWS's: set it, by NTP",
            id="ahead",
        ),
        pytest.param(
            "Sun, 01 Mar 2026 12:04:01 GMT",
            "",
            "this machine's clock is 4.0 minutes behind AWS's: set it, by NTP",
            id="without words",
        ),
        pytest.param("", "Signature expired", "this machine's clock may be wrong", id="no date"),
        pytest.param(
            "Sun, 01 Mar 2026 12:00:10 GMT",
            "Signature expired",
            "this machine's clock is right by AWS's own date",
            id="held up on the way",
        ),
        pytest.param(
            "Sun, 01 Mar 2026 12:04:00 GMT",
            "",
            "the profile does not list the role",
            id="near enough: another reason",
        ),
    ],
)
def test_a_clock_that_is_wrong_is_told_with_the_figure(
    date: str, words: str, cause: str, refused: Refuse, asked: Asked
) -> None:
    assert causes_of(refused(words, date=date), asked)[0].startswith(cause)


def test_the_last_certificate_of_a_chain_names_the_issuer_that_is_missing(
    refused: Refuse, asked: Asked, intermediate: Authority
) -> None:
    sent = base64.b64encode(intermediate.certificate.public_bytes(Encoding.DER)).decode()
    chained = replace(asked, key=replace(asked.key, chain=(sent,)))
    told = causes_of(refused("Untrusted signing certificate"), chained)
    assert "1 intermediate went with the certificate" in told[0]
    assert "issued by CN=Test root" in told[0]


def test_without_a_duration_it_is_the_profiles(refused: Refuse, asked: Asked) -> None:
    parameters = replace(asked.parameters, duration_seconds=None)
    told = causes_of(refused("… MaxSessionDuration …"), replace(asked, parameters=parameters))
    assert told[0].startswith("the profile's duration is more than the role allows")


def _commands() -> Iterator[tuple[str, str, list[str]]]:
    """Give service, operation and flags of every command of AWS's CLI that is recommended."""
    pattern = r"aws (?:--region \S+ )?(\S+) ([a-z-]+)((?: --[a-z-]+(?: [^\s-]\S*)?)*)"
    for row in (*TABLE, CLOCK, DELAY):
        for cause in row.causes:
            for service, operation, flags in re.findall(pattern, cause.action):
                yield service, operation, re.findall(r"--([a-z-]+)", flags)


def test_the_recommended_commands_are_in_awss_own_model() -> None:
    loaded = botocore.session.get_session()
    commands = list(_commands())
    assert len(commands) > 8
    for service, operation, flags in commands:
        model = loaded.get_service_model(service)
        name = operation.title().replace("-", "")
        assert name in model.operation_names, operation
        shape = model.operation_model(name).input_shape
        members = {each.lower() for each in (shape.members if shape else ())}
        assert {flag.replace("-", "") for flag in flags if flag != "query"} <= members


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(minutes=5)])
def test_a_fact_may_hold_braces(apart: timedelta, refused: Refuse, asked: Asked) -> None:
    asked = replace(asked, endpoint="https://{host}.test", signed_at=asked.sent_at + apart)
    assert causes_of(refused("", "", 404), asked)[0].startswith("{host}.test does not answer")
