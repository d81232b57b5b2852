"""Access keys: when they begin and cease to work, when they were used, and who may change them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto.iam.models import IAMBackend

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]
INVALID = (403, "InvalidClientTokenId")


@pytest.fixture
def user(connect: Connect, fresh_name: Callable[[str], str]) -> str:
    """Give the name of a user without keys."""
    name = fresh_name("user")
    connect("iam").create_user(UserName=name)
    return name


@pytest.fixture
def new_key(connect: Connect, user: str) -> Callable[[], Any]:
    """Give a function that makes a key of the user, and a client that signs with it."""

    def make() -> Any:
        key = connect("iam").create_access_key(UserName=user)["AccessKey"]
        signed = {"aws_access_key_id": key["AccessKeyId"]}
        return key["AccessKeyId"], connect(
            "sts", **signed, aws_secret_access_key=key["SecretAccessKey"]
        )

    return make


def set_status(connect: Connect, user: str, key_id: str, status: str) -> None:
    connect("iam").update_access_key(UserName=user, AccessKeyId=key_id, Status=status)


def test_a_new_key_works_only_after_the_delay(
    emulator: Emulator, new_key: Any, refusal: Refused, user: str
) -> None:
    emulator.change_iam(new_key_delay_seconds=10)
    _, sts = new_key()
    assert refusal(sts.get_caller_identity)[:2] == INVALID
    emulator.move_clock(9)
    assert refusal(sts.get_caller_identity)[:2] == INVALID
    emulator.move_clock(11)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{user}")


def test_without_a_delay_it_works_at_once(new_key: Any) -> None:
    assert new_key()[1].get_caller_identity()


@pytest.mark.parametrize("end", ["deleted", "deactivated"])
def test_an_old_key_ceases_to_work_only_after_the_delay(
    *, emulator: Emulator, connect: Connect, new_key: Any, refusal: Refused, user: str, end: str
) -> None:
    emulator.change_iam(old_key_delay_seconds=10)
    key_id, sts = new_key()
    if end == "deleted":
        connect("iam").delete_access_key(UserName=user, AccessKeyId=key_id)
    else:
        set_status(connect, user, key_id, "Inactive")
    emulator.move_clock(9)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{user}")
    emulator.move_clock(11)
    assert refusal(sts.get_caller_identity)[:2] == INVALID


@pytest.mark.parametrize("end", ["deleted", "deactivated"])
def test_without_a_delay_it_ceases_at_once(
    *, connect: Connect, new_key: Any, refusal: Refused, user: str, end: str
) -> None:
    key_id, sts = new_key()
    if end == "deleted":
        connect("iam").delete_access_key(UserName=user, AccessKeyId=key_id)
    else:
        set_status(connect, user, key_id, "Inactive")
    assert refusal(sts.get_caller_identity)[:2] == INVALID


def test_a_key_that_is_active_again_works(connect: Connect, new_key: Any, user: str) -> None:
    key_id, sts = new_key()
    set_status(connect, user, key_id, "Inactive")
    set_status(connect, user, key_id, "Active")
    assert sts.get_caller_identity()


def test_a_key_that_never_worked_does_not_begin_to_when_it_is_deleted(
    emulator: Emulator, connect: Connect, new_key: Any, refusal: Refused, user: str
) -> None:
    emulator.change_iam(new_key_delay_seconds=10, old_key_delay_seconds=10)
    key_id, sts = new_key()
    connect("iam").delete_access_key(UserName=user, AccessKeyId=key_id)
    assert refusal(sts.get_caller_identity)[:2] == INVALID


def test_a_key_is_made_in_service_time(
    emulator: Emulator, connect: Connect, new_key: Any, user: str, today: datetime
) -> None:
    emulator.move_clock(30 * 86_400)
    new_key()
    [listed] = connect("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert abs(listed["CreateDate"] - today - timedelta(days=30)) < timedelta(hours=1)


def last_used(connect: Connect, key_id: str) -> Any:
    return connect("iam").get_access_key_last_used(AccessKeyId=key_id)["AccessKeyLastUsed"]


def test_what_signed_a_request_was_used(
    emulator: Emulator, connect: Connect, new_key: Any, refusal: Refused, today: datetime
) -> None:
    key_id, sts = new_key()
    unused = last_used(connect, key_id)
    assert (unused["ServiceName"], unused["Region"]) == ("N/A", "N/A")
    assert "LastUsedDate" not in unused
    wrong = connect("sts", aws_access_key_id=key_id, aws_secret_access_key="wrong")
    assert refusal(wrong.get_caller_identity)[1] == "SignatureDoesNotMatch"
    assert "LastUsedDate" not in last_used(connect, key_id)
    emulator.move_clock(86_400)
    sts.get_caller_identity()
    used = last_used(connect, key_id)
    assert (used["ServiceName"], used["Region"]) == ("sts", "ap-northeast-2")
    assert abs(used["LastUsedDate"] - today - timedelta(days=1)) < timedelta(hours=1)


def test_a_use_is_told_only_after_the_lag(
    emulator: Emulator, connect: Connect, new_key: Any
) -> None:
    emulator.change_iam(last_used_lag_seconds=3600)
    key_id, sts = new_key()
    sts.get_caller_identity()
    assert "LastUsedDate" not in last_used(connect, key_id)
    emulator.move_clock(3601)
    first = last_used(connect, key_id)["LastUsedDate"]
    sts.get_caller_identity()
    assert last_used(connect, key_id)["LastUsedDate"] == first
    emulator.move_clock(7300)
    assert last_used(connect, key_id)["LastUsedDate"] > first


def test_a_key_that_asks_about_itself_is_told_no_sooner(
    emulator: Emulator, connect: Connect, new_user: Connect
) -> None:
    emulator.change_iam(last_used_lag_seconds=3600)
    key = new_user({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    asked = {"AccessKeyId": key["aws_access_key_id"]}
    told = connect("iam", **key).get_access_key_last_used(**asked)["AccessKeyLastUsed"]
    assert "LastUsedDate" not in told


@pytest.mark.parametrize("status", ["Foo", "active", "Expired", ""])
def test_other_statuses_are_refused(
    connect: Connect, new_key: Any, refusal: Refused, user: str, status: str
) -> None:
    key_id, _ = new_key()
    change = {"UserName": user, "AccessKeyId": key_id, "Status": status}
    assert refusal(connect("iam").update_access_key, **change)[:2] == (400, "ValidationError")
    [listed] = connect("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert listed["Status"] == "Active"


ACTIONS = ("CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey")


@pytest.fixture
def keeper(connect: Connect, new_user: Connect, user: str) -> Any:
    """Give an IAM client that may change the keys of the one user alone."""
    arn = connect("iam").get_user(UserName=user)["User"]["Arn"]
    actions = [f"iam:{action}" for action in (*ACTIONS, "GetAccessKeyLastUsed")]
    statement = {"Effect": "Allow", "Action": actions, "Resource": arn}
    return connect("iam", **new_user(statement))


def test_a_policy_for_one_user_allows_what_rotation_needs(keeper: Any, user: str) -> None:
    key_id = keeper.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    assert keeper.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert keeper.get_access_key_last_used(AccessKeyId=key_id)["UserName"] == user
    keeper.update_access_key(UserName=user, AccessKeyId=key_id, Status="Inactive")
    keeper.delete_access_key(UserName=user, AccessKeyId=key_id)
    assert keeper.list_access_keys(UserName=user)["AccessKeyMetadata"] == []


def test_and_nothing_of_it_for_another(
    keeper: Any, connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    key_id = new_user()["aws_access_key_id"]
    other = connect("iam").get_access_key_last_used(AccessKeyId=key_id)["UserName"]
    key = {"UserName": other, "AccessKeyId": key_id}
    for call, members in (
        (keeper.create_access_key, {"UserName": other}),
        (keeper.list_access_keys, {"UserName": other}),
        (keeper.update_access_key, {**key, "Status": "Inactive"}),
        (keeper.delete_access_key, key),
        (keeper.get_access_key_last_used, {"AccessKeyId": key_id}),
    ):
        assert refusal(call, **members)[:2] == (403, "AccessDenied")


def test_without_a_user_name_only_ones_own_keys_are_meant(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    mine, theirs = new_user({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}), new_user()
    iam, key = connect("iam", **mine), {"AccessKeyId": theirs["aws_access_key_id"]}
    assert refusal(iam.delete_access_key, **key)[:2] == (404, "NoSuchEntity")
    assert refusal(iam.update_access_key, **key, Status="Inactive")[:2] == (404, "NoSuchEntity")
    assert connect("sts", **theirs).get_caller_identity()
    iam.update_access_key(AccessKeyId=mine["aws_access_key_id"], Status="Inactive")
    assert refusal(iam.list_access_keys)[:2] == INVALID


def test_a_role_has_no_keys_of_its_own(
    connect: Connect, new_role: Any, account: dict[str, str], refusal: Refused, user: str
) -> None:
    made = connect("sts").assume_role(RoleArn=new_role(account), RoleSessionName="here")
    given = made["Credentials"]
    iam = connect(
        "iam",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert refusal(iam.create_access_key)[:2] == (400, "ValidationError")
    assert iam.create_access_key(UserName=user)


@pytest.fixture
def control(emulator: Emulator, send_raw: Any) -> Callable[..., Any]:
    """Give a function that makes a request for the delays."""

    def send(method: str, value: object = None) -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        host = [("Host", "localhost")]
        return send_raw(emulator.url, method, "/_emulator/iam", host, body)

    return send


def test_the_delays_can_be_asked_for_changed_and_taken_back(control: Any) -> None:
    none = control("GET").json()
    assert set(none.values()) == {0}
    changed = control("PUT", {"new_key_delay_seconds": 2.5}).json()
    assert changed == {**none, "new_key_delay_seconds": 2.5} == control("GET").json()
    assert control("DELETE").json() == none == control("GET").json()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([], "delays are an object"),
        ({"delay": 1}, "unknown member 'delay'"),
        ({"new_key_delay_seconds": "1"}, "new_key_delay_seconds must be a number"),
        ({"old_key_delay_seconds": True}, "old_key_delay_seconds must be a number"),
        ({"last_used_lag_seconds": -1}, "last_used_lag_seconds must be from 0"),
        ({"last_used_lag_seconds": float("nan")}, "last_used_lag_seconds must be from 0"),
    ],
)
def test_delays_that_make_no_sense_are_refused(control: Any, value: object, named: str) -> None:
    reply = control("PUT", value)
    assert (reply.status, reply.json()["message"][: len(named)]) == (400, named)
    assert set(control("GET").json().values()) == {0}


def test_of_many_who_make_keys_at_once_two_succeed(
    connect: Connect, user: str, meeting: Any
) -> None:
    met = meeting(IAMBackend, "create_access_key")

    def make(_: int) -> bool:
        iam = connect("iam")
        try:
            iam.create_access_key(UserName=user)
        except iam.exceptions.LimitExceededException:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(make, range(4))).count(True) == 2
    assert met == []
