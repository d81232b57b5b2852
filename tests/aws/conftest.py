"""A server on loopback that plays one canned reply after another and keeps what it was sent."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from sidecar.credentials import Credentials
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import Aws

MakeCredentials = Callable[..., Credentials]
RoleSession = Callable[..., Credentials]


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class CannedServer:
    """Its address, the replies to come (the last one again and again), and what it was asked."""

    url: str
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    _replies: list[_Reply] = field(default_factory=list)
    _over: Event = field(default_factory=Event)

    def then(self, value: object, status: int = 200, **headers: str) -> None:
        """Plan a reply: bytes as they are, anything else as JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._replies.append(_Reply(status, body, headers))

    def take(self) -> _Reply | None:
        """Give the next reply; without a plan, stay silent until the test is over."""
        if not self._replies:
            self._over.wait()
            return None
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def end(self) -> None:
        self._over.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        canned = self.server.canned
        length = int(self.headers["Content-Length"])
        canned.headers.append(dict(self.headers))
        body = self.rfile.read(length).decode()
        form = self.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
        canned.bodies.append(dict(parse_qsl(body)) if form else json.loads(body))
        reply = canned.take()
        if reply is None:
            return
        # Without a Date of its own: its clock is not the tests'.
        self.send_response_only(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def do_GET(self) -> None:
        """Have nothing: AWS's services are asked by POST."""
        self.server.canned.headers.append(dict(self.headers))
        self.send_error(404)

    def do_CONNECT(self) -> None:
        """Refuse to be a proxy without a password, though one was given."""
        self.server.canned.headers.append(dict(self.headers))
        self.send_error(407)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own name
        pass


class _Server(ThreadingHTTPServer):
    canned: CannedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that leave in the middle: some tests want them to."""


@pytest.fixture(scope="session")
def canned_server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def canned(canned_server: _Server) -> Iterator[CannedServer]:
    """Give the server with no replies planned and nothing asked."""
    canned_server.canned = CannedServer(f"http://127.0.0.1:{canned_server.server_port}")
    yield canned_server.canned
    canned_server.canned.end()


@pytest.fixture(scope="session")
def make_credentials(now: datetime) -> MakeCredentials:
    """Give a function that makes a set, told apart by its key id."""

    def make(key: str = "ASIAFIRST", role: str = "web", issued_at: datetime = now) -> Credentials:
        return Credentials(
            access_key_id=key,
            secret_access_key=Secret("canary-secret-key"),
            session_token=Secret(f"canary-session-{key}"),
            issued_at=issued_at,
            expires_at=issued_at + timedelta(hours=1),
            role_arn=f"arn:aws:iam::123456789012:role/{role}",
            account_id="123456789012",
        )

    return make


@pytest.fixture(scope="session")
def credentials(make_credentials: MakeCredentials) -> Credentials:
    return make_credentials()


@pytest.fixture(scope="session")
def role_session(shared_aws: "Aws") -> RoleSession:
    """Give a function that makes a role with some permissions, and a session of it."""

    def make(*actions: str) -> Credentials:
        iam, name = shared_aws.client("iam"), f"reader-{uuid4().hex}"
        account = shared_aws.client("sts").get_caller_identity()["Account"]
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        }
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(allowed))
        sts = shared_aws.client("sts")
        parts = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tests")["Credentials"]
        return Credentials(
            access_key_id=parts["AccessKeyId"],
            secret_access_key=Secret(parts["SecretAccessKey"]),
            session_token=Secret(parts["SessionToken"]),
            issued_at=datetime.now(UTC),
            expires_at=parts["Expiration"],
            role_arn=role["Arn"],
            account_id=account,
        )

    return make


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="session")
def reader(role_session: RoleSession) -> Credentials:
    return role_session("secretsmanager:*", "ssm:*", "sqs:*", "kms:*")
