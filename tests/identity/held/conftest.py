"""Identities as the contents of files, a directory to replace them in, and what is held of it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    create_intermediate,
    issue_workload,
    private_key_pem,
)
from sidecar.identity.examined import examine
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.identity.password import NoPasswordSource, Password
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.reload_policy import LOOK_EVERY_SECONDS

if TYPE_CHECKING:
    from tests.conftest import ManualClock

DAY = timedelta(days=1)

_NONE = NoPasswordSource()
_number = count(1)


@dataclass(frozen=True)
class Issued:
    """An identity as the contents of its files."""

    leaf: x509.Certificate
    certificate: bytes
    key: bytes = field(repr=False)
    chain: bytes

    @property
    def serial(self) -> int:
        return self.leaf.serial_number


Issue = Callable[..., Issued]


@pytest.fixture(scope="session")
def issue(root: Authority, now: datetime) -> Issue:
    """Give a function that issues an identity under an intermediate of its own."""

    def issued(
        kind: KeyKind = KeyKind.EC_P256,
        *,
        at: datetime = now,
        validity: timedelta = 30 * DAY,
        password: bytes | None = None,
    ) -> Issued:
        name = Subject(f"intermediate {next(_number)}")
        between = create_intermediate(root, name, now=now, validity=365 * DAY)
        leaf, key = issue_workload(between, Subject("web"), now=at, validity=validity, kind=kind)
        encoded = private_key_pem(key)
        if password is not None:
            encoded = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password),
            )
        return Issued(leaf, certificate_pem(leaf), encoded, certificate_pem(between.certificate))

    return issued


@dataclass(frozen=True)
class Files:
    """The three files of an identity, and the ways in which people replace them."""

    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "workload.pem"

    @property
    def key(self) -> Path:
        return self.directory / "workload.key"

    @property
    def chain(self) -> Path:
        return self.directory / "chain.pem"

    def contents(self, issued: Issued) -> dict[Path, bytes]:
        return {
            self.certificate: issued.certificate,
            self.key: issued.key,
            self.chain: issued.chain,
        }

    def write(self, issued: Issued) -> None:
        """Write in place, as `cp` does."""
        for path, content in self.contents(issued).items():
            path.touch(mode=0o600)
            path.write_bytes(content)

    def rename(self, issued: Issued) -> None:
        """Write beside, then rename, as careful programs do."""
        for path, content in self.contents(issued).items():
            other = path.with_name(f"{path.name}.new")
            other.touch(mode=0o600)
            other.write_bytes(content)
            other.replace(path)

    def swap(self, issued: Issued) -> None:
        """Replace everything at once, as Kubernetes does: `..data` links to a directory."""
        version = Path(f"..{next(_number)}")
        (self.directory / version).mkdir()
        for path, content in self.contents(issued).items():
            (self.directory / version / path.name).write_bytes(content)
            (self.directory / version / path.name).chmod(0o600)
        link = self.directory / "..data_tmp"
        link.symlink_to(version)
        link.replace(self.directory / "..data")
        for path in self.contents(issued):
            if not path.is_symlink():
                path.unlink(missing_ok=True)
                path.symlink_to(Path("..data") / path.name)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@dataclass
class Watched:
    """A held identity on a clock moved by hand, with everything that it said and did."""

    held: HeldIdentity
    places: IdentityPlaces
    clock: "ManualClock"
    caplog: pytest.LogCaptureFixture
    heard: list[Identity]

    @property
    def serial(self) -> int:
        return self.held.current.certificate.serial_number

    async def look(self, times: int = 2) -> None:
        """Let it look so often; a change is read at the second look."""
        for _ in range(times):
            await self.clock.advance(LOOK_EVERY_SECONDS)
            await self.held.look()

    def said(self, level: int = logging.WARNING) -> list[str]:
        """Give what was logged since this was asked last, from a level up."""
        lines = [each.getMessage() for each in self.caplog.records if each.levelno >= level]
        self.caplog.clear()
        return lines


Hold = Callable[..., Watched]


@pytest.fixture
def hold(files: Files, clock: "ManualClock", caplog: pytest.LogCaptureFixture) -> Iterator[Hold]:
    """Give a function that starts to hold an identity in the files; no secret may be logged."""
    caplog.set_level(logging.DEBUG)

    def begin(issued: Issued, password: Password = _NONE) -> Watched:
        files.write(issued)
        places = IdentityPlaces(
            certificate=str(files.certificate),
            private_key=str(files.key),
            chain=files.chain,
            password=password,
        )
        held = HeldIdentity(examine(places, clock.now()).identity, places, clock)
        heard: list[Identity] = []
        held.on_change(heard.append)
        return Watched(held, places, clock, caplog, heard)

    yield begin
    assert "canary" not in caplog.text


@pytest.fixture(scope="session")
def old(issue: Issue) -> Issued:
    return issue()


@pytest.fixture(scope="session")
def new(issue: Issue) -> Issued:
    return issue()
