"""Fixtures around a running emulator: clients, users, roles, and a place to sign in to."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier, BrokenBarrierError
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sidecar.ca import Authority, Subject, certificate_pem, create_intermediate, create_root
from sidecar.emulator.server import Emulator, running_emulator

# boto3's clients have no type here: they are made for many services by one function.
Client = Any
Connect = Callable[..., Client]

_ONCE = Config(
    retries={"total_max_attempts": 1},
    parameter_validation=False,  # what boto3 would refuse, the emulator must
    s3={"addressing_style": "path"},
)
_names = count(1)


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    """Give one emulator for the session; `emulator` hands it out with nothing changed."""
    with running_emulator(region="ap-northeast-2") as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Iterator[Emulator]:
    """Give the emulator: clock unmoved, strict, no faults, quotas, delays or calls counted."""
    shared_emulator.clear_calls()
    yield shared_emulator
    shared_emulator.set_faults()
    shared_emulator.change_settings()
    shared_emulator.change_iam()
    shared_emulator.move_clock(0)


@pytest.fixture(scope="session")
def boto_session() -> boto3.Session:
    return boto3.Session(region_name="ap-northeast-2")


@pytest.fixture(scope="session")
def connect_to(boto_session: boto3.Session) -> Callable[..., Client]:
    """Give a function that makes a client for an emulator; credentials default to its admin's."""

    def connect(emulator: Emulator, service: str, **options: Any) -> Client:
        administrator = emulator.administrator
        config = _ONCE.merge(options.pop("config", Config()))
        defaults = {
            "aws_access_key_id": administrator.access_key_id,
            "aws_secret_access_key": administrator.secret_access_key.reveal(),
            "endpoint_url": emulator.url,
        }
        client: Any = boto_session.client
        return client(service, config=config, **{**defaults, **options})

    return connect


@pytest.fixture
def connect(emulator: Emulator, connect_to: Callable[..., Client]) -> Connect:
    """Give a function that makes a client for the shared emulator."""
    return lambda service, **options: connect_to(emulator, service, **options)


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Give a function that makes names which no other test has used."""
    return lambda prefix: f"{prefix}-{next(_names)}"


@pytest.fixture
def refusal() -> Callable[..., tuple[int, str, str]]:
    """Give a function that makes a call and returns status, code and message of its refusal."""

    def refused(call: Callable[..., object], **arguments: object) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        response: Any = caught.value.response
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return status, response["Error"]["Code"], response["Error"].get("Message", "")

    return refused


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[bool]]:
    """Give a function that makes two calls of a method wait a moment for each other inside.

    What it returns gets an entry for each call that met another one.
    """

    def arrange(owner: Any, name: str) -> list[bool]:
        met: list[bool] = []
        inside, original = Barrier(2), getattr(owner, name)

        def meet(*args: Any, **kwargs: Any) -> Any:
            with suppress(BrokenBarrierError):
                inside.wait(0.2)
                met.append(True)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, meet)
        return met

    return arrange


@pytest.fixture
def new_user(connect: Connect, fresh_name: Callable[[str], str]) -> Callable[..., dict[str, str]]:
    """Give a function that makes a user with statements of policy, and returns its key."""

    def make(*statements: dict[str, object]) -> dict[str, str]:
        iam, name = connect("iam"), fresh_name("user")
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    return make


@pytest.fixture
def new_role(connect: Connect, fresh_name: Callable[[str], str]) -> Callable[..., str]:
    """Give a function that makes a role that may do anything, and returns its ARN."""

    def make(principal: object, action: object = "sts:AssumeRole", **options: Any) -> str:
        condition = options.pop("condition", {})
        trust = {"Effect": "Allow", "Principal": principal, "Action": action}
        statement = {**trust, "Condition": condition} if condition else trust
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        name = fresh_name("role")
        iam = connect("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **options)
        policy = "arn:aws:iam::aws:policy/AdministratorAccess"
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return str(arn["Role"]["Arn"])

    return make


@pytest.fixture
def account(emulator: Emulator) -> dict[str, str]:
    """Give the principal that stands for everybody in the account."""
    return {"AWS": f"arn:aws:iam::{emulator.administrator.account}:root"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="session")
def send_raw() -> Callable[..., Reply]:
    """Give a function that sends a request byte for byte, with header lines as listed."""

    def send(
        url: str,
        method: str,
        target: str,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
    ) -> Reply:
        address = urlsplit(url)
        lines = headers or [("Host", address.netloc)]
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in [*lines, ("Content-Length", str(len(body)))]:
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    return send


@pytest.fixture(scope="session")
def today() -> datetime:
    """Give the real time: clients of the emulator sign with their own clocks."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def trusted_root(today: datetime) -> Authority:
    return create_root(Subject("Trusted root"), now=today, validity=timedelta(days=30))


@pytest.fixture(scope="session")
def trusted_intermediate(trusted_root: Authority, today: datetime) -> Authority:
    subject = Subject("Trusted intermediate")
    return create_intermediate(trusted_root, subject, now=today, validity=timedelta(days=30))


@dataclass(frozen=True)
class Site:
    """What a workload needs to know to get credentials."""

    trust_anchor_arn: str
    profile_arn: str
    role_arn: str

    @property
    def role_name(self) -> str:
        return self.role_arn.rsplit("/", 1)[-1]


@pytest.fixture(scope="session")
def trust_statement() -> Callable[[str], dict[str, object]]:
    """Give the trust policy of AWS's own guide, bound to one trust anchor."""

    def statement(anchor_arn: str) -> dict[str, object]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": "rolesanywhere.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {"ArnEquals": {"aws:SourceArn": anchor_arn}},
        }

    return statement


@pytest.fixture(scope="session")
def register(
    connect_to: Callable[..., Client],
    trusted_root: Authority,
    trust_statement: Callable[[str], dict[str, object]],
) -> Callable[..., Site]:
    """Give a function that registers trust anchor, role and profile in an emulator."""

    def make(
        emulator: Emulator,
        *allowed: dict[str, object],
        role: Any = None,
        profile: Any = None,
        **connection: Any,
    ) -> Site:
        options = {"region_name": emulator.region, **connection}
        control = connect_to(emulator, "rolesanywhere", **options)
        iam, name = connect_to(emulator, "iam", **options), f"site-{next(_names)}"
        pem = certificate_pem(trusted_root.certificate).decode()
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
        anchor = control.create_trust_anchor(name=name, source=source, enabled=True)
        anchor_arn = anchor["trustAnchor"]["trustAnchorArn"]
        trust = {"Version": "2012-10-17", "Statement": [trust_statement(anchor_arn)]}
        wishes = {"AssumeRolePolicyDocument": json.dumps(trust), **(role or {})}
        role_arn = iam.create_role(RoleName=name, **wishes)["Role"]["Arn"]
        if allowed:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(allowed)})
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
        settings = {"name": name, "roleArns": [role_arn], "enabled": True, **(profile or {})}
        made = control.create_profile(**settings)["profile"]
        return Site(anchor_arn, made["profileArn"], role_arn)

    return make
