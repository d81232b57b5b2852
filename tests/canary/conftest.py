"""A sidecar's busy life at the loudest log level, with recognisable secrets all over it."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually, Serve, Serving

TOKEN = "canary-token-of-the-app-before"
NEW_TOKEN = "canary-token-of-the-app-after"
FOREIGN_TOKEN = "canary-token-of-somebody-else"
VALUE = "canary-secret-value"
OTHER_VALUE = "canary-secret-value-of-another-app"
DOWN = {"status": 503, "code": "ServiceUnavailable"}
# botocore does not try this one again by itself, so that nobody has to wait for it.
FAILING = {"status": 400, "code": "InternalServiceError"}


@dataclass
class Life:
    """What was seen of the sidecar: its output, its answers and its refusals."""

    log: str = ""
    answers: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


class Visitor:
    """Asks at the doors and keeps every answer and refusal, head and body."""

    def __init__(self, doors: dict[str, str], life: Life) -> None:
        self._doors = {name: urlsplit(url).netloc for name, url in doors.items()}
        self._life = life

    def ask(self, door: str, target: str, method: str = "GET", **headers: str) -> str:
        """Send a request; an underscore in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection(self._doors[door], timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, headers=sent)
        response = connection.getresponse()
        seen = f"{response.headers}\n{response.read().decode()}"
        connection.close()
        (self._life.answers if response.status == 200 else self._life.refusals).append(seen)
        return seen if response.status == 200 else ""

    def throw(self, door: str, data: str) -> None:
        """Send bytes that are no good request and keep what comes back."""
        host, port = self._doors[door].split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(data.encode("latin-1"))
            with connection.makefile("rb") as answer:
                self._life.refusals.append(answer.read().decode("latin-1"))


@pytest.fixture(scope="module")
def life(
    shared_aws: "Aws", serve: "Serve", eventually: "Eventually", tmp_path_factory: Any
) -> Life:
    """Give what a sidecar said in a busy life, from a bad start to its end."""
    directory = tmp_path_factory.mktemp("canary")
    token_file = directory / "token"
    token_file.write_text(TOKEN)
    life = Life()
    _faults(shared_aws, {"service": "rolesanywhere", "times": 1, **DOWN})
    with _serving(shared_aws, serve, token_file) as serving:
        visitor = Visitor(serving.doors(), life)
        _refused_while_not_ready(visitor)
        eventually(lambda: visitor.ask("admin", "/readyz"))
        _answered(visitor, shared_aws)
        imds_token = _asked_for_metadata(visitor)
        _denied(visitor, shared_aws)
        _malformed(visitor)
        _outage(visitor, shared_aws)
        _replaced(visitor, token_file)
        assert serving.end() == 0
    life.log = serving.log.read_text()
    _know_secrets(life, token_file, shared_aws)
    life.secrets["IMDS token"], life.sources["IMDS token"] = imds_token, "\n".join(life.answers)
    return life


@contextmanager
def _serving(aws: "Aws", serve: "Serve", token_file: Path) -> Iterator["Serving"]:
    words = ("--config", str(aws.stage.config), "--log-level", "debug")
    variables = {
        "SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(token_file),
        "SIDECAR_DOORS_METADATA": "127.0.0.1:0",
    }
    try:
        with serve(token_file.parent, *words, **variables) as serving:
            yield serving
    finally:
        _faults(aws)


def _faults(aws: "Aws", *faults: dict[str, Any]) -> None:
    aws.emulator.set_faults(*map(Fault.parse, faults))


def _refused_while_not_ready(visitor: Visitor) -> None:
    visitor.ask("credentials", "/credentials", Authorization=FOREIGN_TOKEN)
    visitor.ask("credentials", "/credentials", Authorization=TOKEN)


def _answered(visitor: Visitor, aws: "Aws") -> None:
    name = aws.new_secret(VALUE)
    for _ in range(2):
        assert visitor.ask("credentials", "/credentials", Authorization=f"Bearer {TOKEN}")
        assert visitor.ask("secrets", f"/v1/{name}", X_Vault_Token=TOKEN)
        assert visitor.ask("secrets", f"/v1/{name}?refreshNow=true", X_Vault_Token=TOKEN)


def _asked_for_metadata(visitor: Visitor) -> str:
    """Get a token and credentials with it, and be refused with it in every way."""
    ttl, roles = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}, "/latest/meta-data/iam"
    made = visitor.ask("metadata", "/latest/api/token", "PUT", **ttl)
    token = made.rpartition("\n")[2]
    path = f"{roles}/security-credentials/default"
    assert visitor.ask("metadata", path, X_aws_ec2_metadata_token=token)
    visitor.ask("metadata", path, X_aws_ec2_metadata_token=f"{token}A")
    visitor.ask("metadata", f"{roles}/{token}", X_aws_ec2_metadata_token=token)
    visitor.ask("metadata", f"{path}{token}", X_aws_ec2_metadata_token=token)
    visitor.ask("metadata", path, "PUT", X_aws_ec2_metadata_token=token)
    visitor.ask("metadata", path, X_aws_ec2_metadata_token=token, Origin=f"http://{token}")
    visitor.ask("metadata", path, X_aws_ec2_metadata_token=token, Host=token)
    visitor.ask("metadata", "/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=token)
    return token


def _denied(visitor: Visitor, aws: "Aws") -> None:
    foreign = aws.new_secret(OTHER_VALUE, folder="other")
    visitor.ask("secrets", f"/v1/{foreign}", X_Vault_Token=TOKEN)
    visitor.ask("secrets", "/v1/demo/nothing", X_Vault_Token=TOKEN)
    visitor.ask("secrets", "/v1/demo/x", X_Vault_Token=FOREIGN_TOKEN)
    visitor.ask("secrets", "/v1/demo/x?roleArn=bad", X_Vault_Token=TOKEN)
    visitor.ask("credentials", f"/credentials/{TOKEN}", Authorization=TOKEN)
    visitor.ask("credentials", f"/credentials?token={TOKEN}", Authorization=TOKEN)
    visitor.ask("credentials", f"/{FOREIGN_TOKEN}", Authorization=FOREIGN_TOKEN)
    visitor.ask("credentials", "/credentials", method="POST", Authorization=TOKEN)
    visitor.ask("credentials", "/credentials", Authorization=TOKEN, Origin=f"http://{TOKEN}")
    visitor.ask("credentials", "/credentials", Authorization=TOKEN, Host=TOKEN)
    visitor.ask("admin", f"/{TOKEN}", Authorization=TOKEN)


def _malformed(visitor: Visitor) -> None:
    for door in ("credentials", "secrets", "metadata", "admin"):
        visitor.throw(door, f"{TOKEN}\r\n\r\n")
        visitor.throw(door, f"GET /{TOKEN}\0 HTTP/1.1\r\n\r\n")
        visitor.throw(door, f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\0\r\n\r\n")
        visitor.throw(door, f"GET / HTTP/1.1\r\nHost: x\r\nX: {TOKEN * 400}\r\n\r\n")
        visitor.throw(door, f"GET / HTTP/1.1\r\nContent-Length: {TOKEN}\r\n\r\n{VALUE}")


def _outage(visitor: Visitor, aws: "Aws") -> None:
    held = aws.new_secret(VALUE)
    visitor.ask("secrets", f"/v1/{held}", X_Vault_Token=TOKEN)
    _faults(aws, {"service": "secretsmanager", **FAILING}, {"service": "rolesanywhere", **DOWN})
    assert visitor.ask("secrets", f"/v1/{held}?refreshNow=1", X_Vault_Token=TOKEN)
    visitor.ask("secrets", "/v1/demo/other", X_Vault_Token=TOKEN)
    assert visitor.ask("credentials", "/credentials", Authorization=TOKEN)
    _faults(aws)


def _replaced(visitor: Visitor, token_file: Path) -> None:
    for text in (f"{NEW_TOKEN}\n", "short", NEW_TOKEN):
        token_file.write_text(text)
        visitor.ask("credentials", "/credentials", Authorization=NEW_TOKEN)
    assert visitor.ask("credentials", "/credentials", Authorization=NEW_TOKEN)
    visitor.ask("credentials", "/credentials", Authorization=TOKEN)


def _know_secrets(life: Life, token_file: Path, aws: "Aws") -> None:
    """Write down every secret, and a text in which a search must find it."""
    session = json.loads(life.answers[-1].split("\n\n", 1)[1])
    key_file = aws.stage.config.with_name("workload.key").read_text()
    answers = "\n".join(life.answers)
    known = {
        "token": (TOKEN, str(TOKEN)),
        "new token": (NEW_TOKEN, token_file.read_text()),
        "foreign token": (FOREIGN_TOKEN, FOREIGN_TOKEN),
        "secret value": (VALUE, answers),
        "another app's secret value": (OTHER_VALUE, OTHER_VALUE),
        "access key id": (session["AccessKeyId"], answers),
        "secret access key": (session["SecretAccessKey"], answers),
        "session token": (session["Token"], answers),
        "private key": (key_file.splitlines()[1], key_file),
    }
    life.secrets = {name: secret for name, (secret, _) in known.items()}
    life.sources = {name: source for name, (_, source) in known.items()}
