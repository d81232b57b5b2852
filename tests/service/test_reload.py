"""Certificates that are replaced while the sidecar serves: no restart, and nobody notices."""

import asyncio
import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    create_root,
    issue_workload,
    private_key_pem,
)
from sidecar.demo.stage import trust_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, ServeHere, Start, Until

MINUTE = 60.0
CREATE_SESSION = "rolesanywhere.CreateSession"
CROWD = 8


@dataclass(frozen=True)
class Registered:
    """A CA that the emulator trusts, and what its certificates get a session with."""

    authority: Authority
    variables: dict[str, str]


@pytest.fixture(scope="session")
def registered(shared_aws: "Aws") -> Registered:
    """Register a CA whose key the tests hold, and a role of its own."""
    authority = create_root(Subject("Reload"), now=datetime.now(UTC), validity=timedelta(days=9))
    pem = certificate_pem(authority.certificate).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
    anywhere = shared_aws.client("rolesanywhere")
    anchor = anywhere.create_trust_anchor(name="reload", source=source, enabled=True)
    anchor_arn = anchor["trustAnchor"]["trustAnchorArn"]
    trust = json.dumps(trust_policy(anchor_arn))
    iam = shared_aws.client("iam")
    role = iam.create_role(RoleName="reload", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    profile = anywhere.create_profile(name="reload", roleArns=[role], enabled=True)["profile"]
    variables = {
        "SIDECAR_ROLES_DEFAULT_TRUST_ANCHOR_ARN": anchor_arn,
        "SIDECAR_ROLES_DEFAULT_PROFILE_ARN": profile["profileArn"],
        "SIDECAR_ROLES_DEFAULT_ROLE_ARN": role,
        "SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS": "900",
    }
    return Registered(authority, variables)


@dataclass(frozen=True)
class Mount:
    """A directory with certificate and key, mounted as Kubernetes does it, and who fills it."""

    directory: Path
    authority: Authority

    @property
    def certificate(self) -> Path:
        return self.directory / "tls.crt"

    @property
    def key(self) -> Path:
        return self.directory / "tls.key"

    def issue(
        self, kind: KeyKind = KeyKind.EC_P256, *, valid: timedelta = timedelta(days=1)
    ) -> tuple[str, bytes, bytes]:
        """Issue a certificate: the session name that it leads to, and what the files shall hold."""
        leaf, key = issue_workload(
            self.authority, Subject("web"), now=datetime.now(UTC), validity=valid, kind=kind
        )
        return f"{leaf.serial_number:x}", certificate_pem(leaf), private_key_pem(key)

    def swap(self, certificate: bytes, key: bytes) -> None:
        """Replace both at once."""
        version = self.directory / f"..{len(list(self.directory.iterdir()))}"
        version.mkdir()
        for path, content in ((self.certificate, certificate), (self.key, key)):
            (version / path.name).touch(mode=0o600)
            (version / path.name).write_bytes(content)
            if not path.is_symlink():
                path.symlink_to(Path("..data") / path.name)
        link = self.directory / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self.directory / "..data")

    def write(self, certificate: bytes, key: bytes) -> None:
        """Write one after the other, in place."""
        self.key.write_bytes(key)
        self.certificate.write_bytes(certificate)


@pytest.fixture
def mount(tmp_path: Path, registered: Registered) -> Mount:
    (tmp_path / "certs").mkdir()
    return Mount(tmp_path / "certs", registered.authority)


@pytest.fixture
def variables(variables: dict[str, str], registered: Registered, mount: Mount) -> dict[str, str]:
    """Let the sidecar have the mounted identity and its role."""
    files = {
        "SIDECAR_CERTIFICATE": str(mount.certificate),
        "SIDECAR_PRIVATE_KEY": str(mount.key),
    }
    return {**variables, **registered.variables, **files}


def _session_name(aws: "Aws", body: dict[str, Any]) -> str:
    """Ask AWS who these credentials are."""
    client = boto3.client(
        "sts",
        endpoint_url=aws.emulator.url,
        region_name=aws.emulator.region,
        aws_access_key_id=body["AccessKeyId"],
        aws_secret_access_key=body["SecretAccessKey"],
        aws_session_token=body["Token"],
    )
    arn: str = client.get_caller_identity()["Arn"]
    return arn.rpartition("/")[2]


async def _is(aws: "Aws", doors: "Doors", name: str) -> bool:
    status, body = await doors.credentials()
    assert status == 200
    return await asyncio.to_thread(_session_name, aws, body) == name


async def test_certificates_are_replaced_under_load_without_a_failed_request_or_a_restart(
    aws: "Aws", mount: Mount, serve_here: "ServeHere", until: "Until"
) -> None:
    statuses: list[int] = []

    async def ask_without_end(doors: "Doors") -> None:
        while True:
            statuses.append((await doors.credentials())[0])

    name, *contents = mount.issue()
    mount.swap(*contents)
    with serve_here() as served:
        await until(served.doors.ready)
        assert await _is(aws, served.doors, name)
        crowd = [asyncio.create_task(ask_without_end(served.doors)) for _ in range(CROWD)]
        for kind, way in ((KeyKind.RSA_2048, mount.swap), (KeyKind.ML_DSA_65, mount.write)):
            new, *contents = mount.issue(kind)
            way(*contents)

            async def renewed(name: str = new) -> bool:
                return await _is(aws, served.doors, name)

            await until(renewed)
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        assert await asyncio.to_thread(served.process.end) == 0
    assert set(statuses) == {200}
    assert len(statuses) > 100
    lines = served.process.log.read_text()
    assert lines.count("identity: new, ") == 2
    assert "Traceback" not in lines


async def test_neither_a_signal_nor_files_that_cannot_be_read_end_the_process(
    mount: Mount, serve_here: "ServeHere", until: "Until"
) -> None:
    mount.swap(*mount.issue()[1:])
    with serve_here() as served:

        def said(words: str) -> "Callable[[], Any]":
            async def found() -> bool:
                return words in served.process.log.read_text()

            return found

        served.process.process.send_signal(signal.SIGHUP)
        await until(said("identity: read again, it is the one in use"))
        mount.key.write_bytes(b"")
        served.process.process.send_signal(signal.SIGHUP)
        await until(said("identity: what its files hold now is not used"))
        assert (await served.doors.readiness())[0] in (200, 503)
        assert await asyncio.to_thread(served.process.end) == 0


async def test_a_session_is_renewed_within_seconds_of_a_replacement_and_not_otherwise(
    aws: "Aws", mount: Mount, start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    mount.swap(*mount.issue()[1:])
    doors = await start(clock_of_today)
    await until(doors.ready)
    await clock_of_today.advance(MINUTE)
    assert aws.emulator.calls()[CREATE_SESSION] == 1
    new, *contents = mount.issue()
    mount.swap(*contents)

    async def renewed() -> bool:
        await clock_of_today.advance(2)
        return await _is(aws, doors, new)

    await until(renewed)
    assert aws.emulator.calls()[CREATE_SESSION] == 2


async def test_while_the_files_hold_no_good_pair_sessions_are_renewed_with_the_old_one(
    aws: "Aws", mount: Mount, start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    old, *contents = mount.issue()
    mount.swap(*contents)
    doors = await start(clock_of_today)
    await until(doors.ready)
    mount.key.write_bytes(mount.issue()[2])

    async def renewed() -> bool:
        await clock_of_today.advance(10)
        assert await _is(aws, doors, old)
        return aws.emulator.calls()[CREATE_SESSION] == 2

    await until(renewed)


async def test_an_expired_certificate_is_not_sent_to_aws_and_readyz_names_the_reason(
    aws: "Aws", mount: Mount, start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    mount.swap(*mount.issue(valid=timedelta(minutes=10))[1:])
    doors = await start(clock_of_today)
    await until(doors.ready)
    clock_of_today.jump(20 * MINUTE)

    async def told() -> bool:
        await clock_of_today.advance(5)
        why = (await doors.waits_for()).get("role default", "")
        return "the certificate expired at " in why

    await until(told)
    assert aws.emulator.calls()[CREATE_SESSION] == 1
    status, body = await doors.credentials()
    assert (status, body["Code"]) == (503, "CredentialsUnavailable")
    assert "renew it: it is taken into use without a restart" in body["Message"]
    mount.swap(*mount.issue()[1:])

    async def ready() -> bool:
        await clock_of_today.advance(2)
        return await doors.ready()

    await until(ready)
