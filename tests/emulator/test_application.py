"""What the application lets through to moto, and what it does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]


@pytest.fixture
def send_signed(emulator: Emulator, send_raw: Any) -> Callable[..., Any]:
    """Give a function that signs a request with botocore, for a date, and sends it."""

    def send(body: bytes, headers: dict[str, str], service: str, *, ago: timedelta) -> Any:
        administrator = emulator.administrator
        secret = administrator.secret_access_key.reveal()
        signer: Any = SigV4Auth(
            Credentials(administrator.access_key_id, secret), service, "us-east-1"
        )
        request = AWSRequest("POST", f"{emulator.url}/", headers, body)
        moment = datetime.now(UTC) - ago
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        lines = [("Host", emulator.url.removeprefix("http://")), *request.headers.items()]
        return send_raw(emulator.url, "POST", "/", lines, body)

    return send


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        pytest.param(timedelta(minutes=6), "Signature expired: ", id="old"),
        pytest.param(timedelta(minutes=-6), "Signature not yet current: ", id="ahead"),
    ],
)
def test_skewed_dates_are_refused(send_signed: Any, ago: timedelta, text: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert send_signed(body, form, "sts", ago=timedelta()).status == 200
    reply = send_signed(body, form, "sts", ago=ago)
    assert reply.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in reply.body
    assert text.encode() in reply.body


def test_a_client_cannot_choose_another_account_by_a_header_of_motos(
    send_signed: Any, emulator: Emulator
) -> None:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "x-moto-account-id": "999999999999",
    }
    body = b"Action=ListUsers&Version=2010-05-08"
    reply = send_signed(body, headers, "iam", ago=timedelta())
    assert f"::{emulator.administrator.account}:user/administrator".encode() in reply.body


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/reset", "/latest/meta-data/iam"])
def test_motos_own_routes_are_not_there(emulator: Emulator, send_raw: Any, path: str) -> None:
    assert send_raw(emulator.url, "POST", path).status == 404


def test_a_region_that_does_not_exist_is_refused(connect: Connect, refusal: Refused) -> None:
    client = connect("secretsmanager", region_name="nowhere-1")
    status, code, message = refusal(client.list_secrets)
    assert (status, code) == (400, "InvalidSignatureException")
    assert message == "Credential should be scoped to a valid region, not 'nowhere-1'."


@pytest.mark.parametrize("action", ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"])
def test_tokens_of_identity_providers_open_nothing(
    emulator: Emulator, send_raw: Any, action: str
) -> None:
    form = [("Host", "localhost"), ("Content-Type", "application/x-www-form-urlencoded")]
    body = f"Action={action}&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/any".encode()
    reply = send_raw(emulator.url, "POST", "/", form, body)
    assert reply.status == 400
    assert b"<Code>InvalidIdentityToken</Code>" in reply.body


def test_a_presigned_url_of_s3_opens_its_object_alone(
    emulator: Emulator, connect: Connect, send_raw: Any, fresh_name: Callable[[str], str]
) -> None:
    s3 = connect("s3", config=Config(signature_version="s3v4"))
    bucket = fresh_name("bucket")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": emulator.region}
    )
    s3.put_object(Bucket=bucket, Key="a b", Body=b"content")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    target = url.removeprefix(emulator.url)
    assert send_raw(emulator.url, "GET", target).body == b"content"
    assert send_raw(emulator.url, "GET", target.replace("a%20b", "other")).status == 403
