"""An administrator's calls: whose credentials they take, and what their failures say."""

from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError, ParamValidationError
from botocore.httpsession import URLLib3Session

from sidecar.aws.administrator import AdministratorCalls
from sidecar.errors import OperatorError, UpstreamRefused, UpstreamUnreachable
from tests.conftest import Aws


@pytest.fixture
def _ambient(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    administrator = aws.emulator.administrator
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", administrator.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", administrator.secret_access_key.reveal())


@pytest.mark.usefixtures("_ambient")
def test_the_credentials_of_the_environment_are_taken(aws: Aws) -> None:
    calls = AdministratorCalls("us-east-1", aws.emulator.url)
    assert calls.ask("sts", "get_caller_identity")["Account"] == aws.emulator.administrator.account


@pytest.mark.usefixtures("_ambient")
def test_every_page_of_a_listing_is_read(aws: Aws) -> None:
    calls = AdministratorCalls("us-east-1", aws.emulator.url)
    for each in range(3):
        calls.ask("iam", "create_user", UserName=f"listed-{each}")
    listed = calls.listed("iam", "list_users", "Users", PaginationConfig={"PageSize": 1})
    assert {f"listed-{each}" for each in range(3)} <= {each["UserName"] for each in listed}


@pytest.mark.usefixtures("_ambient")
def test_what_aws_refuses_says_which_call_it_was(aws: Aws) -> None:
    calls = AdministratorCalls("us-east-1", aws.emulator.url)
    with pytest.raises(UpstreamRefused, match="iam get_role failed: NoSuchEntity") as caught:
        calls.ask("iam", "get_role", RoleName="nobody-made-it")
    assert caught.value.code == "NoSuchEntity"


@pytest.mark.usefixtures("_ambient")
def test_what_cannot_be_sent_at_all_is_told_before(aws: Aws) -> None:
    calls = AdministratorCalls("us-east-1", aws.emulator.url)
    with pytest.raises(OperatorError, match="iam get_role cannot be asked"):
        calls.ask("iam", "get_role", RoleName=3)


@pytest.mark.usefixtures("_ambient")
def test_an_endpoint_that_is_not_there_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botocore.retries.standard.RetryHandler.needs_retry", lambda *_, **__: None)
    calls = AdministratorCalls("us-east-1", "http://127.0.0.1:1")
    with pytest.raises(UpstreamUnreachable, match="sts get_caller_identity failed"):
        calls.ask("sts", "get_caller_identity")


@pytest.mark.usefixtures("_ambient")
@pytest.mark.parametrize(
    ("service", "operation", "host"),
    [
        ("chatbot", "describe_slack_channel_configurations", "chatbot.us-east-2.amazonaws.com"),
        ("sns", "list_topics", "sns.eu-central-1.amazonaws.com"),
    ],
)
def test_a_service_that_is_in_few_regions_is_asked_where_it_is(
    monkeypatch: pytest.MonkeyPatch, service: str, operation: str, host: str
) -> None:
    asked: list[str] = []

    def send(_: object, request: AWSPreparedRequest) -> NoReturn:
        asked.append(str(urlsplit(str(request.url)).hostname))
        raise ParamValidationError(report="not sent")

    monkeypatch.setattr(URLLib3Session, "send", send)
    with pytest.raises(OperatorError, match="not sent"):
        AdministratorCalls("eu-central-1").ask(service, operation)
    assert asked == [host]


def test_without_a_region_the_error_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    with pytest.raises(OperatorError, match="no region is known") as caught:
        AdministratorCalls()
    assert "--region" in caught.value.hint


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(OperatorError, match="no-such-profile"):
        AdministratorCalls("us-east-1")


@pytest.mark.usefixtures("_ambient")
def test_credentials_that_aws_refuses_are_for_whoever_runs_it_to_mend(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    calls = AdministratorCalls("us-east-1", aws.emulator.url)
    with pytest.raises(UpstreamRefused, match="SignatureDoesNotMatch") as caught:
        calls.ask("sts", "get_caller_identity")
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.hint


@pytest.mark.usefixtures("_ambient")
@pytest.mark.parametrize(
    ("region", "error", "said"),
    [
        ("eu-central-99", OperatorError, "'eu-central-99' is no region"),
        ("no region", OperatorError, "'no region' is no region"),
        ("eu-central-1", UpstreamUnreachable, "sts get_caller_identity failed"),
    ],
)
def test_a_region_that_nobody_knows_and_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, region: str, error: type[Exception], said: str
) -> None:
    def send(_: object, request: AWSPreparedRequest) -> NoReturn:
        raise EndpointConnectionError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", send)
    monkeypatch.setattr("botocore.retries.standard.RetryHandler.needs_retry", lambda *_, **__: None)
    with pytest.raises(error, match=said):
        AdministratorCalls(region).ask("sts", "get_caller_identity")
