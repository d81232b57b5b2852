"""Clients that are kept: made once a set and region, whoever asks, and let go of in time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest

from sidecar.aws.kept_clients import KeptClients
from sidecar.credentials import Credentials

if TYPE_CHECKING:
    from tests.aws.conftest import MakeCredentials

REGION = "eu-central-1"


class _Client:
    def __init__(self, credentials: Credentials, region: str) -> None:
        self.made_for = (credentials.access_key_id, region)
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_set_has_one_client_in_each_region(make_credentials: "MakeCredentials") -> None:
    clients = KeptClients(_Client, size=8)
    first, equal, other = (make_credentials(key) for key in ("ASIAA", "ASIAA", "ASIAB"))
    client = clients.get(first, REGION)
    assert clients.get(equal, REGION) is client
    assert clients.get(other, REGION).made_for == ("ASIAB", REGION)
    assert clients.get(first, "us-east-1").made_for == ("ASIAA", "us-east-1")
    assert clients.get(first, REGION) is client


def test_threads_that_want_the_same_client_wait_for_the_one_that_makes_it(
    credentials: Credentials,
) -> None:
    made: list[_Client] = []
    begun, go_on = Event(), Event()

    def make(credentials: Credentials, region: str) -> _Client:
        made.append(_Client(credentials, region))
        begun.set()
        assert go_on.wait(30)
        return made[-1]

    clients = KeptClients(make, size=8)
    with ThreadPoolExecutor(8) as threads:
        wanted = [threads.submit(clients.get, credentials, REGION) for _ in range(8)]
        assert begun.wait(30)
        go_on.set()
        assert {id(each.result()) for each in wanted} == {id(made[0])}
    assert len(made) == 1


def test_making_one_client_does_not_hold_up_another(make_credentials: "MakeCredentials") -> None:
    begun, go_on = Event(), Event()

    def make(credentials: Credentials, region: str) -> _Client:
        if credentials.access_key_id == "ASIASLOW":
            begun.set()
            assert go_on.wait(30)
        return _Client(credentials, region)

    clients = KeptClients(make, size=8)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(clients.get, make_credentials("ASIASLOW"), REGION)
        assert begun.wait(30)
        assert clients.get(make_credentials("ASIAFAST"), REGION).made_for[0] == "ASIAFAST"
        go_on.set()
        assert slow.result().made_for[0] == "ASIASLOW"


def test_a_client_that_could_not_be_made_is_tried_again(credentials: Credentials) -> None:
    failures = [ValueError("first"), ValueError("second")]

    def make(credentials: Credentials, region: str) -> _Client:
        if failures:
            raise failures.pop(0)
        return _Client(credentials, region)

    clients = KeptClients(make, size=8)
    for words in ("first", "second"):
        with pytest.raises(ValueError, match=words):
            clients.get(credentials, REGION)
    assert clients.get(credentials, REGION).made_for == ("ASIAFIRST", REGION)


@pytest.fixture
def used(make_credentials: "MakeCredentials") -> Callable[..., dict[str, bool]]:
    """Give a function that uses clients in an order, and says which were closed then."""

    def use(size: int, *keys: str, issued: dict[str, datetime] | None = None) -> dict[str, bool]:
        clients = KeptClients(_Client, size)
        seen = {}
        for key in keys:
            moment = {} if issued is None else {"issued_at": issued[key]}
            seen[key] = clients.get(make_credentials(key, **moment), REGION)
        return {key: client.closed for key, client in seen.items()}

    return use


def test_the_client_unused_for_longest_is_closed_when_there_are_too_many(
    used: Callable[..., dict[str, bool]],
) -> None:
    assert used(2, "A", "B", "A", "C") == {"A": False, "B": True, "C": False}


def test_what_had_expired_when_a_new_set_was_issued_is_closed(
    used: Callable[..., dict[str, bool]], now: datetime
) -> None:
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    issued = {"ENDED": now, "LIVES": now + second, "NEW": now + hour}
    assert used(8, *issued, issued=issued) == {"ENDED": True, "LIVES": False, "NEW": False}


def test_a_client_that_goes_while_it_is_being_made_works_and_is_closed_then(
    make_credentials: "MakeCredentials",
) -> None:
    begun, go_on = Event(), Event()

    def make(credentials: Credentials, region: str) -> _Client:
        if credentials.access_key_id == "ASIASLOW":
            begun.set()
            assert go_on.wait(30)
        return _Client(credentials, region)

    clients = KeptClients(make, size=1)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(clients.get, make_credentials("ASIASLOW"), REGION)
        assert begun.wait(30)
        clients.get(make_credentials("ASIAFAST"), REGION)
        go_on.set()
        assert slow.result().closed
