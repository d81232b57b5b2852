"""Faults that delay and withhold, without waiting for real."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.faults import Fault, Faults, Reset


def suffered(faults: Faults, operation: str = "ListBuckets") -> tuple[int, str] | None:
    try:
        faults.suffer("s3", operation)
    except AwsError as error:
        return error.status, error.code
    return None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("s3", status=500), (500, "InternalServerError")),
        (Fault("s3", status=429), (429, "ThrottlingException")),
        (Fault("s3", status=418), (418, "InternalServerError")),
        (Fault("s3", code="SlowDown"), (400, "SlowDown")),
        (Fault("s3", status=503, code="SlowDown"), (503, "SlowDown")),
        (Fault("s3", "ListBuckets", status=500), (500, "InternalServerError")),
        (Fault("s3", "GetObject", status=500), None),
        (Fault("sqs", status=500), None),
        (Fault("s3", latency_ms=1), None),
    ],
)
def test_faults_hit_what_they_are_meant_for(fault: Fault, expected: tuple[int, str] | None) -> None:
    faults = Faults()
    faults.replace([fault])
    assert suffered(faults) == expected


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Fault("s3", body="<html>"), 200, b"<html>"),
        (Fault("s3", body=""), 200, b""),
        (Fault("s3", body="{", status=502), 502, b"{"),
    ],
)
def test_a_fault_may_answer_nonsense(fault: Fault, status: int, body: bytes) -> None:
    faults = Faults()
    faults.replace([fault])
    answer = faults.suffer("s3", "ListBuckets")
    assert answer is not None
    assert (answer.status, answer.body) == (status, body)
    assert faults.suffer("sqs", "ReceiveMessage") is None


def test_a_fault_may_reset_connections() -> None:
    faults = Faults()
    faults.replace([Fault("s3", reset=True, times=1)])
    with pytest.raises(Reset):
        faults.suffer("s3", "ListBuckets")
    assert faults.suffer("s3", "ListBuckets") is None


def test_a_fault_may_be_in_force_for_a_while() -> None:
    now = [100.0]
    faults = Faults(lambda: now[0])
    faults.replace([Fault("s3", status=500, seconds=30), Fault("s3", status=503, seconds=60)])
    seen = []
    for now[0] in (100, 129.9, 130, 159.9, 160):
        seen.append(suffered(faults))
    internal, unavailable = (500, "InternalServerError"), (503, "ServiceUnavailable")
    assert seen == [internal, internal, unavailable, unavailable, None]


def test_who_hangs_is_let_go_when_the_time_is_over() -> None:
    faults = Faults()
    faults.replace([Fault("s3", hang=True, seconds=0.01)])
    assert suffered(faults) == (503, "ServiceUnavailable")
    assert suffered(faults) is None


def test_the_first_fault_that_is_not_used_up_counts() -> None:
    faults = Faults()
    faults.replace([Fault("s3", status=500, times=1), Fault("s3", status=503)])
    assert [suffered(faults) for _ in range(3)] == [
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (503, "ServiceUnavailable"),
    ]


@pytest.mark.parametrize("fault", [Fault("s3", hang=True), Fault("s3", latency_ms=600_000)])
def test_who_waits_is_let_go_when_the_fault_is_removed(fault: Fault) -> None:
    faults = Faults()
    faults.replace([fault])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(suffered, faults)
        assert not waiting.done()
        faults.replace([])
        assert waiting.result(timeout=10) in {None, (503, "ServiceUnavailable")}
    assert suffered(faults) is None
