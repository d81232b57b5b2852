"""Requests as bytes, right ones and wrong ones, and botocore as the signer of those to AWS."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.access.own_token import OwnTokenRules, issue
from sidecar.access.token_key import TokenKey

if TYPE_CHECKING:
    from tests.attacks.world import Actor, World

REGION: Final = "us-east-1"
AUDIENCE: Final = "credential-sidecar"
_SERVICES: Final = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm"}


def quoted(text: str) -> str:
    """Percent-encode everything that can be."""
    return quote(text, safe="")


def everything_quoted(text: str) -> str:
    """Percent-encode every byte."""
    return "".join(f"%{each:02x}" for each in text.encode())


def raw(text: str) -> bytes:
    """Give the bytes of a request that is written with the newlines of Python."""
    return text.replace("\n", "\r\n").encode("latin-1")


def ask(
    world: "World",
    door: str,
    target: str,
    *lines: str,
    method: str = "GET",
    host: str | None = None,
    close: bool = True,
) -> bytes:
    """Write a request with more header lines."""
    head = [
        f"{method} {target} HTTP/1.1",
        f"Host: {world.authority(door) if host is None else host}",
        *lines,
    ]
    end = ["Connection: close"] if close else []
    return "\r\n".join([*head, *end, "", ""]).encode("latin-1")


def authorization(token: str) -> str:
    """Write the header of the credentials door."""
    return f"Authorization: {token}"


def vault(token: str) -> str:
    """Write the header of the secrets door."""
    return f"X-Aws-Parameters-Secrets-Token: {token}"


def credentials(world: "World", token: str, role: str = "", *lines: str) -> bytes:
    """Ask for credentials."""
    path = f"/credentials/{role}" if role else "/credentials"
    return ask(world, "credentials", path, authorization(token), *lines)


def secret(world: "World", token: str, secret_id: str, *lines: str, more: str = "") -> bytes:
    """Ask for a secret, in the form of a query."""
    target = f"/secretsmanager/get?secretId={secret_id}{more}"
    return ask(world, "secrets", target, vault(token), *lines)


def parameter(world: "World", token: str, name: str, more: str = "") -> bytes:
    """Ask for a parameter."""
    target = f"/systemsmanager/parameters/get?name={name}{more}"
    return ask(world, "secrets", target, vault(token))


class Signature:
    """A request to the aws-api door, as one whole that attacks change a part of.

    Args:
        world: where the door is.
        signer: whose session signs.
        operation: what ``X-Amz-Target`` says.
        members: the body: JSON, or bytes as they are.

    """

    def __init__(
        self, world: "World", signer: "Actor", operation: str, members: object = None
    ) -> None:
        held = signer.session()
        self.world = world
        self.operation = operation
        self.body = members if isinstance(members, bytes) else json.dumps(members or {}).encode()
        self.key_id = held.access_key_id
        self.secret_key = held.secret_access_key.reveal()
        self.token = held.session_token.reveal()
        self.region = REGION
        self.service = _SERVICES.get(operation.partition(".")[0], "ssm")
        self.moved = timedelta()
        self.headers: dict[str, str] = {"Content-Type": "application/x-amz-json-1.1"}

    def signed(self) -> dict[str, str]:
        """Give the headers, signed."""
        keys = ReadOnlyCredentials(self.key_id, self.secret_key, self.token)
        signer: Any = SigV4Auth(keys, self.service, self.region)
        url = f"http://{self.world.authority('aws_api')}/"
        named = {"X-Amz-Target": self.operation, **self.headers}
        request = AWSRequest("POST", url, headers=named, data=self.body)
        moment = datetime.now(UTC) + self.moved
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        return dict(request.headers.items())

    def sent(
        self,
        *lines: str,
        body: bytes | None = None,
        without: str = "",
        path: str = "/",
        instead: Mapping[str, str] | None = None,
    ) -> bytes:
        """Write it; what is given here, was not signed so."""
        body = self.body if body is None else body
        headers = {**self.signed(), **(instead or {})}
        kept = [f"{name}: {value}" for name, value in headers.items() if name != without]
        length = () if any(each.startswith("Content-Length") for each in lines) else (len(body),)
        stated = [f"Content-Length: {each}" for each in length]
        head = ask(self.world, "aws_api", path, *kept, *stated, *lines, method="POST")
        return head + body


def api(world: "World", signer: "Actor", operation: str, members: object = None) -> bytes:
    """Write a request that is rightly signed."""
    return Signature(world, signer, operation, members).sent()


def imds(world: "World", path: str, token: str, *lines: str, method: str = "GET") -> bytes:
    """Ask the metadata door."""
    return ask(world, "metadata", path, f"X-aws-ec2-metadata-token: {token}", *lines, method=method)


def encoded(part: bytes) -> str:
    """Write Base64 as JWTs have it."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """Read it."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token: str) -> dict[str, Any]:
    """Read what a JWT says."""
    said: dict[str, Any] = json.loads(decoded(token.split(".")[1]))
    return said


def header_of(token: str) -> dict[str, Any]:
    """Read a JWT's header."""
    said: dict[str, Any] = json.loads(decoded(token.split(".", maxsplit=1)[0]))
    return said


def jwt_of(header: object, claims: object, key: Ed25519PrivateKey | bytes | None) -> str:
    """Write a JWT by hand, with a signature of Ed25519, of HMAC, or none; texts stay as they are.

    Libraries refuse to sign what attackers would.
    """
    parts = [each if isinstance(each, str) else json.dumps(each) for each in (header, claims)]
    text = ".".join(encoded(each.encode()) for each in parts)
    signature = b""
    if isinstance(key, bytes):
        signature = hmac.digest(key, text.encode(), hashlib.sha256)
    elif key is not None:
        signature = key.sign(text.encode())
    return f"{text}.{encoded(signature)}"


def resigned(world: "World", token: str, **claims: object) -> str:
    """Sign a token's claims, changed, with the sidecar's own key: what only it could do."""
    said = {**claims_of(token), **claims}
    return jwt_of(header_of(token), said, world.token_key)


def own_token(key: TokenKey, app: str, moment: datetime, token_id: str) -> str:
    """Sign a token as the sidecar does."""
    rules = OwnTokenRules(audience=AUDIENCE, lifetime=timedelta(hours=1), grace=timedelta(0))
    return issue(app, key, rules, moment, token_id).reveal()
