"""The control routes: what they answer, and to whom."""

import json
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import boto3
import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]


@pytest.fixture
def control(emulator: Emulator, send_raw: Any) -> Callable[..., Any]:
    """Give a function that makes a control request; the Host is a local name."""

    def send(method: str, route: str, value: object = None, host: str = "localhost") -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        return send_raw(emulator.url, method, f"/_emulator/{route}", [("Host", host)], body)

    return send


def test_health(control: Any) -> None:
    reply = control("GET", "health")
    assert (reply.status, reply.json()) == (200, {"status": "ok"})


def test_the_administrators_key_works(control: Any, emulator: Emulator) -> None:
    admin = control("GET", "admin").json()
    assert set(admin) == {"AccessKeyId", "SecretAccessKey", "Region"}
    sts = boto3.client(
        "sts",
        aws_access_key_id=admin["AccessKeyId"],
        aws_secret_access_key=admin["SecretAccessKey"],
        region_name=admin["Region"],
        endpoint_url=emulator.url,
    )
    assert sts.get_caller_identity()["Arn"].endswith(":user/administrator")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:4566", "127.0.0.1:1", "[::1]:4566", "172.18.0.2", "emulator:4566"],
)
def test_local_hosts_may_use_the_control_routes(control: Any, host: str) -> None:
    assert control("GET", "admin", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4566", "localhost.evil.example", "", "a:b", "127.0.0.1.x"],
)
def test_other_names_may_not(control: Any, host: str) -> None:
    reply = control("GET", "admin", host=host)
    assert reply.status == 403
    assert b"SecretAccessKey" not in reply.body


def test_no_other_origin_is_ever_allowed_to_read_an_answer(control: Any) -> None:
    assert not [name for name in control("GET", "admin").headers if name.startswith("access-")]


@pytest.mark.parametrize(
    ("method", "route", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "", 404),
        ("POST", "admin", 405),
        ("DELETE", "health", 405),
        ("PUT", "calls", 405),
    ],
)
def test_unknown_routes_and_methods(control: Any, method: str, route: str, status: int) -> None:
    assert control(method, route).status == status


def test_calls_are_counted_by_service_and_operation_until_cleared(
    control: Any, connect: Connect, emulator: Emulator
) -> None:
    connect("sts").get_caller_identity()
    for _ in range(2):
        connect("s3").list_buckets()
    assert control("GET", "calls").json() == {"s3.ListBuckets": 2, "sts.GetCallerIdentity": 1}
    assert emulator.calls() == control("GET", "calls").json()
    assert control("DELETE", "calls").status == 200
    assert control("GET", "calls").json() == {}


def test_refused_calls_are_counted_too(control: Any, connect: Connect, refusal: Any) -> None:
    refusal(connect("sts", aws_secret_access_key="wrong").get_caller_identity)
    assert control("GET", "calls").json() == {"sts.GetCallerIdentity": 1}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("secretsmanager", "list_secrets"),
        ("sts", "get_caller_identity"),
        ("s3", "list_buckets"),
        ("rolesanywhere", "list_profiles"),
    ],
)
def test_a_fault_is_an_error_in_the_services_own_shape(
    control: Any, connect: Connect, refusal: Any, service: str, operation: str
) -> None:
    control("PUT", "faults", {"service": service, "status": 400, "code": "ThrottlingException"})
    call = getattr(connect(service), operation)
    assert refusal(call) == (400, "ThrottlingException", "injected fault")
    control("DELETE", "faults")
    assert call()


@pytest.mark.parametrize(("service", "target"), [("s3", "/"), ("rolesanywhere", "/profiles")])
def test_a_fault_may_say_when_to_come_back(
    control: Any, emulator: Emulator, send_raw: Any, service: str, target: str
) -> None:
    fault = {"service": service, "status": 429}
    control("PUT", "faults", {**fault, "retry_after_seconds": 3})
    assert send_raw(emulator.url, "GET", target).headers["retry-after"] == "3"
    control("PUT", "faults", fault)
    assert "retry-after" not in send_raw(emulator.url, "GET", target).headers


def test_a_fault_may_be_for_one_operation_and_a_number_of_times(
    control: Any, connect: Connect, refusal: Any
) -> None:
    fault = {"service": "s3", "operation": "ListBuckets", "status": 503, "times": 1}
    control("PUT", "faults", [fault])
    assert connect("sts").get_caller_identity()
    assert refusal(connect("s3").list_buckets)[:2] == (503, "ServiceUnavailable")
    assert "Buckets" in connect("s3").list_buckets()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "a fault is an object with a service"),
        ([{"service": "s3"}, 1], "a fault is an object with a service"),
        ({"service": "s3", "statsu": 500}, "unknown member 'statsu'"),
        ({"service": "s3", "status": 200}, "status may not be 200"),
        ({"service": "s3", "status": 400.5}, "status may not be 400.5"),
        ({"service": "s3", "latency_ms": -1}, "latency_ms may not be -1"),
        ({"service": "s3", "latency_ms": math.nan}, "latency_ms may not be nan"),
        ({"service": "s3", "hang": "yes"}, "hang may not be 'yes'"),
        ({"service": "s3", "reset": 1}, "reset may not be 1"),
        ({"service": "s3", "body": 1}, "body may not be 1"),
        ({"service": "s3", "body": "", "status": 199}, "status may not be 199"),
        ({"service": "s3", "seconds": -1}, "seconds may not be -1"),
        ({"service": "s3", "times": 0}, "times may not be 0"),
        ({"service": "s3", "times": 1.5}, "times may not be 1.5"),
        ({"service": "s3", "operation": 1}, "operation may not be 1"),
        ({"service": "s3", "code": 1}, "code may not be 1"),
        ({"service": "s3", "retry_after_seconds": -1}, "retry_after_seconds may not be -1"),
        ({"service": "s3", "retry_after_seconds": "1"}, "retry_after_seconds may not be '1'"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(control: Any, value: object, message: str) -> None:
    reply = control("PUT", "faults", value)
    assert (reply.status, reply.json()["message"]) == (400, message)


def test_a_body_that_is_not_json_is_refused(emulator: Emulator, send_raw: Any) -> None:
    for route, body in product(("faults", "clock", "roles-anywhere"), (b"{", b"[" * 60_000)):
        reply = send_raw(emulator.url, "PUT", f"/_emulator/{route}", body=body)
        assert (reply.status, reply.json()["message"]) == (400, "the body must be JSON")


def test_the_clock_can_be_moved_and_set_back(control: Any, emulator: Emulator) -> None:
    before = emulator.control.clock.now()
    moved = control("PUT", "clock", {"offset_seconds": 3600}).json()
    assert moved["offset_seconds"] == 3600
    assert control("GET", "clock").json()["offset_seconds"] == 3600
    assert (emulator.control.clock.now() - before).total_seconds() >= 3600
    assert control("DELETE", "clock").json()["offset_seconds"] == 0


@pytest.mark.parametrize("offset", [0, -3600, 0.5, 100 * 365 * 24 * 3600])
def test_the_clock_takes_a_number_of_seconds(control: Any, offset: float) -> None:
    reply = control("PUT", "clock", {"offset_seconds": offset})
    assert (reply.status, reply.json()["offset_seconds"]) == (200, offset)


@pytest.mark.parametrize(
    "value",
    [
        *({}, [], {"offset_seconds": None}, {"offset_seconds": "1"}, {"offset_seconds": True}),
        *({"offset_seconds": each} for each in (1e12, 10**400, math.nan, math.inf, -math.inf)),
    ],
    ids=str,
)
def test_the_clock_takes_nothing_else(control: Any, value: object) -> None:
    reply = control("PUT", "clock", value)
    assert reply.status == 400
    assert reply.json()["message"] == "offset_seconds must be a number of seconds"
    assert control("GET", "clock").json()["offset_seconds"] == 0


def test_the_settings_of_roles_anywhere_can_be_changed_and_set_back(control: Any) -> None:
    start = {"strict": True, "quotas": {}}
    assert control("GET", "roles-anywhere").json() == start
    changed = control("PUT", "roles-anywhere", {"strict": False, "quotas": True}).json()
    assert (changed["strict"], changed["quotas"]["create_session"]) == (False, 10)
    assert control("GET", "roles-anywhere").json() == changed
    assert control("DELETE", "roles-anywhere").json() == start


def test_settings_that_make_no_sense_are_refused(control: Any) -> None:
    reply = control("PUT", "roles-anywhere", {"strict": "no"})
    text = "strict must be true or false, not 'no'"
    assert (reply.status, reply.json()["message"]) == (400, text)
