"""Faults that delay and withhold, without waiting for real."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.faults import Fault, Faults


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
