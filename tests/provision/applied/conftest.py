"""Fixtures for what is made by calls: an emulator, its administrator's calls, and stacks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.aws.administrator import AdministratorCalls
from sidecar.ca import Authority, Subject, certificate_pem, create_root
from sidecar.ca.crl import create_crl
from sidecar.ca.issued import Record
from sidecar.emulator.server import Emulator, running_emulator
from sidecar.provision.account import Calls
from tests.provision.applied.stack import (
    Stack,
    administrator_of,
    full_wish,
    lazy_zip,
    quick_zip,
    stack_of,
)

NewStack = Callable[..., Stack]
_numbers = count(1)


@pytest.fixture(scope="session")
def provisioned_emulator() -> Iterator[Emulator]:
    """Give one emulator for everything that is made here; rotations are tried once."""
    with running_emulator(region="eu-central-1") as emulator:
        emulator.change_rotations(attempts=1)
        yield emulator


@pytest.fixture(scope="session")
def administrator(provisioned_emulator: Emulator) -> Iterator[AdministratorCalls]:
    with administrator_of(provisioned_emulator) as calls:
        yield calls


@pytest.fixture(scope="session")
def authority() -> Authority:
    return create_root(Subject("Workloads"), now=datetime.now(UTC), validity=timedelta(days=30))


@pytest.fixture(scope="session")
def bundle(authority: Authority) -> str:
    return certificate_pem(authority.certificate).decode()


@pytest.fixture(scope="session")
def revoked(authority: Authority) -> str:
    """Give a list of revoked certificates that names none."""
    signed = create_crl(
        authority, Record(), previous=None, now=datetime.now(UTC), validity=timedelta(days=1)
    )
    return signed.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def fresh_stack_name() -> str:
    """Give a name that no other test has."""
    return f"stack{next(_numbers)}x"


@pytest.fixture(scope="session")
def new_stack(
    provisioned_emulator: Emulator, administrator: AdministratorCalls, bundle: str, revoked: str
) -> NewStack:
    """Give a function that describes a stack, with everything unless told; it is not made yet."""

    def make(calls: Calls = administrator, code: bytes = lazy_zip(), **changes: Any) -> Stack:
        wish = replace(full_wish(f"stack{next(_numbers)}x", bundle, revoked), **changes)
        return stack_of(wish, calls, provisioned_emulator.region, code)

    return make


@pytest.fixture(scope="session")
def kept_stack(new_stack: NewStack, provisioned_emulator: Emulator) -> Stack:
    """Give a stack for tests that change it, each from where it was described."""
    made = new_stack(code=quick_zip())
    made.apply()
    provisioned_emulator.wait_for_rotations()
    return made
