"""Clients of boto3's: whose settings count, and what is said when there is no client."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import Loader

from sidecar.arn import role_arn
from sidecar.aws import secrets_manager, sts
from sidecar.aws.boto_client import boto_client
from sidecar.aws.secret import SecretQuery
from sidecar.aws.service_models import shipped_models
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamUnavailable

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer
    from tests.conftest import ManualClock

REGION = "eu-central-1"
ROLE = role_arn("arn:aws:iam::123456789012:role/web")
CALLS = {"sts": "get_caller_identity", "secretsmanager": "list_secrets"}
# Values that botocore refuses, or that would change what is sent, or to whom.
VARIABLES = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "canary",
    "AWS_AUTH_SCHEME_PREFERENCE": "canary",
    "AWS_CSM_ENABLED": "true",
    "AWS_CSM_PORT": "canary",
    "AWS_DEFAULTS_MODE": "canary",
    "AWS_DISABLE_REQUEST_COMPRESSION": "canary",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    "AWS_MAX_ATTEMPTS": "canary",
    "AWS_PROFILE": "canary",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "canary",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "canary",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "canary",
    "AWS_RETRY_MODE": "canary",
    "AWS_SDK_UA_APP_ID": "canary",
    "AWS_STS_REGIONAL_ENDPOINTS": "canary",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
}


def _asked_with(canned: "CannedServer", credentials: Credentials, service: str) -> str:
    """Ask once, and give what was sent, but for the clock's part in it."""
    canned.then(b"<ErrorResponse><Error><Code>No</Code></Error></ErrorResponse>", status=400)
    client = boto_client(
        service,
        region=REGION,
        endpoint_url=canned.url,
        credentials=credentials,
        ca_bundle=None,
        boto_config=Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(client.exceptions.ClientError):
        getattr(client, CALLS[service])()
    changing = {"X-Amz-Date", "Authorization", "amz-sdk-invocation-id"}
    headers = {name: text for name, text in canned.headers[-1].items() if name not in changing}
    return json.dumps([headers, canned.bodies[-1]])


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_of_aws_s_tools_changes_what_is_sent(
    canned: "CannedServer",
    credentials: Credentials,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    name: str,
) -> None:
    monkeypatch.delenv(name, raising=False)
    plain = _asked_with(canned, credentials, service)
    monkeypatch.setenv(name, VARIABLES[name])
    assert _asked_with(canned, credentials, service) == plain


@pytest.fixture(params=["AWS_DATA_PATH", "~/.aws/models"])
def _another_model(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Put a newer model of STS, which calls it otherwise, where botocore looks for one."""
    shipped = Path(Loader.BUILTIN_DATA_PATH, "sts/2011-06-15")
    model = boto3.Session().client("sts", region_name=REGION).meta.service_model
    mine = tmp_path / "sts/2099-01-01"
    mine.mkdir(parents=True)
    metadata = {**model.metadata, "apiVersion": "2099-01-01"}
    shape = {"metadata": metadata, "operations": {}, "shapes": {}}
    (mine / "service-2.json").write_text(json.dumps(shape))
    rules = next(shipped.glob("endpoint-rule-set-1.json*"))
    (mine / rules.name).write_bytes(rules.read_bytes())
    if request.param == "AWS_DATA_PATH":
        monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    else:
        monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path))
    yield
    assert not hasattr(boto3.Session().client("sts", region_name=REGION), "get_caller_identity")


@pytest.mark.usefixtures("_another_model")
def test_a_model_of_somebody_else_s_describes_no_service(
    canned: "CannedServer", credentials: Credentials
) -> None:
    assert "2011-06-15" in _asked_with(canned, credentials, "sts")


def _refuse(*_: object, **__: object) -> Any:
    raise ValueError("canary")


async def test_a_client_that_cannot_be_made_is_not_taken_for_silence_of_aws(
    credentials: Credentials, clock: "ManualClock", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.session.Session.client", _refuse)
    url = "http://127.0.0.1:1"
    asked = sts.SessionRequest(role_arn=ROLE, session_name="web", duration_seconds=900)
    errors: list[UpstreamError] = []
    for call in (
        sts.Sts(region=REGION, endpoint_url=url, clock=clock).assume_role(asked, credentials),
        secrets_manager.SecretsManager(lambda *_: url).get_secret_value(
            SecretQuery("a"), credentials, region=REGION
        ),
    ):
        with pytest.raises(UpstreamUnavailable) as caught:
            await call
        errors.append(caught.value)
    assert [each.message for each in errors] == [
        "no client for sts could be made: ValueError",
        "no client for secretsmanager could be made: ValueError",
    ]
    assert all(each.hint.startswith("AWS was not asked") for each in errors)


def test_a_client_that_is_closed_while_aws_answers_gives_the_answer_and_can_ask_again(
    canned: "CannedServer", credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2})
    client = boto_client(
        "secretsmanager",
        region=REGION,
        endpoint_url=canned.url,
        credentials=credentials,
        ca_bundle=None,
        boto_config=settings,
    )
    answer = canned.take

    def close_first() -> Any:
        client.close()
        return answer()

    monkeypatch.setattr(canned, "take", close_first)
    canned.then({}, status=503)
    canned.then({"SecretList": []})
    assert client.list_secrets()["SecretList"] == []
    assert len(canned.bodies) == 2


def test_a_service_s_description_is_read_once_for_all_clients() -> None:
    assert shipped_models() is shipped_models()
