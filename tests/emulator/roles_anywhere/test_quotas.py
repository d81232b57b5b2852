"""Quotas: rates of requests, counted in service time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.entities import Home
from sidecar.emulator.roles_anywhere.quotas import AWS_QUOTAS, Quotas, TokenBucket
from sidecar.emulator.roles_anywhere.settings import Settings
from sidecar.emulator.server import Emulator, running_emulator

Submit = Callable[..., Any]
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
HERE = Home("aws", "eu-west-1", "1" * 12)


def allowed(bucket: TokenBucket, *moments: float) -> list[bool]:
    """Which of the requests at these seconds are let through."""
    outcomes = []
    for seconds in moments:
        after = bucket.taken(START + timedelta(seconds=seconds))
        outcomes.append(after is not None)
        bucket = after or bucket
    return outcomes


@pytest.mark.parametrize(
    ("rate", "moments", "expected"),
    [
        pytest.param(3, [0] * 4, [True] * 3 + [False], id="a second's worth at once"),
        pytest.param(3, [0, 0, 0, 0.3, 0.34], [True] * 3 + [False, True], id="one comes back"),
        pytest.param(3, [0, 0, 0, 60, 60, 60, 60], [True] * 6 + [False], id="no more than that"),
        pytest.param(1, [0, 0.9, 1, 1.5, 2], [True, False, True, False, True], id="one a second"),
        pytest.param(0.5, [0, 1, 2], [True, False, True], id="one in two seconds"),
        pytest.param(2, [10, 0, 0.4], [True, True, False], id="a clock that is set back"),
    ],
)
def test_a_bucket_lets_through_its_rate(
    rate: float, moments: list[float], expected: list[bool]
) -> None:
    assert allowed(TokenBucket.full(rate, START), *moments) == expected


def refused(quotas: Quotas, operation: str, home: Home = HERE) -> bool:
    try:
        quotas.take(home, operation, START)
    except AwsError:
        return True
    return False


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("GetProfile", "ListProfiles", True),
        ("CreateTrustAnchor", "DisableTrustAnchor", True),
        ("ImportCrl", "UpdateCrl", True),
        ("GetSubject", "ListSubjects", True),
        ("TagResource", "ListTagsForResource", True),
        ("GetProfile", "GetTrustAnchor", False),
        ("PutAttributeMapping", "PutAttributeMapping", False),
    ],
)
def test_operations_share_the_rate_of_their_group(first: str, second: str, *, shared: bool) -> None:
    quotas = Quotas(lambda: AWS_QUOTAS)
    assert not refused(quotas, first)
    assert refused(quotas, second) is shared


def test_regions_and_accounts_have_rates_of_their_own() -> None:
    quotas = Quotas(lambda: {"profiles": 1})
    homes = [HERE, Home("aws", "eu-west-2", "1" * 12), Home("aws", "eu-west-1", "2" * 12)]
    assert [refused(quotas, "GetProfile", home) for home in homes] == [False] * 3
    assert [refused(quotas, "GetProfile", home) for home in homes] == [True] * 3


def test_a_rate_that_is_changed_counts_at_once() -> None:
    rates = {"create_session": 1.0}
    quotas = Quotas(lambda: rates)
    assert [refused(quotas, "CreateSession") for _ in range(2)] == [False, True]
    rates["create_session"] = 2
    assert [refused(quotas, "CreateSession") for _ in range(3)] == [False, False, True]
    rates.clear()
    assert not refused(quotas, "CreateSession")


@pytest.fixture
def frugal(clock: Any, today: datetime) -> Iterator[Emulator]:
    """Give an emulator with AWS's quotas, whose time stands still at today."""
    settings = Settings().changed({"quotas": True})
    with running_emulator(region="ap-northeast-2", settings=settings, clock=clock) as emulator:
        emulator.move_clock((today - clock.now()).total_seconds())
        yield emulator


def test_the_eleventh_session_in_a_second_is_throttled(
    *, frugal: Emulator, today: datetime, clock: Any, register: Any, draft_for: Any, send_raw: Any
) -> None:
    frugal.change_settings(quotas={"create_session": 10})
    site = register(frugal)

    def ask(**changes: Any) -> Any:
        host = frugal.url.removeprefix("http://")
        parts = draft_for(site, host=host, **changes).finished()
        headers = list(parts["headers"].items())
        return send_raw(frugal.url, "POST", "/sessions", headers, parts["body"])

    # Refused requests count as well.
    statuses = [ask(serial="1").status, *(ask().status for _ in range(10))]
    assert statuses == [403, *[201] * 9, 429]
    throttled = ask()
    assert throttled.headers["x-amzn-errortype"] == "ThrottlingException"
    assert throttled.json() == {"message": "Rate exceeded"}
    assert "retry-after" not in throttled.headers  # AWS documents none
    frugal.move_clock((today - clock.now()).total_seconds() + 0.1)
    assert [ask().status for _ in range(2)] == [201, 429]


def test_the_control_plane_is_throttled_as_boto3_expects_it(
    frugal: Emulator, connect_to: Submit, refusal: Submit
) -> None:
    client = connect_to(frugal, "rolesanywhere")
    assert client.list_crls()["crls"] == []
    assert refusal(client.list_crls) == (429, "ThrottlingException", "Rate exceeded")
    assert client.list_subjects() is not None


def test_without_quotas_nothing_is_throttled(
    shared_site: Any, draft_for: Submit, submit: Submit
) -> None:
    draft = draft_for(shared_site)
    assert {submit(draft).status for _ in range(12)} == {201}
