"""Which session, and of which endpoint, by flags and by AWS's own variables."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sidecar.cli import build_parser
from sidecar.cli.session_flags import SessionRequest, session_request
from sidecar.errors import OperatorError

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ARNS = {
    "--trust-anchor-arn": f"{SCOPE}:trust-anchor/a",
    "--profile-arn": f"{SCOPE}:profile/p",
    "--role-arn": "arn:aws:iam::123456789012:role/web",
}
NO_URL = "must be http://host[:port] or https://host[:port]"
NONE: Mapping[str, str] = {}


def _request(
    *words: str, environment: Mapping[str, str] = NONE, region: str = "eu-central-1"
) -> SessionRequest:
    arns = [f"{name}={arn.replace('eu-central-1', region)}" for name, arn in ARNS.items()]
    arguments = build_parser("credential-process").parse_args([*arns, *words])
    return session_request(arguments, environment)


def test_what_is_not_said_is_as_with_the_signing_helper() -> None:
    request = _request()
    parameters = request.parameters
    assert (str(parameters.trust_anchor_arn), str(parameters.profile_arn)) == (
        ARNS["--trust-anchor-arn"],
        ARNS["--profile-arn"],
    )
    assert (str(parameters.role_arn), parameters.duration_seconds) == (ARNS["--role-arn"], 3600)
    assert (parameters.role_session_name, request.region) == (None, "eu-central-1")
    assert (request.own_endpoint, request.ca_bundle, request.verify) == (None, None, True)
    assert request.endpoint() == "https://rolesanywhere.eu-central-1.amazonaws.com"


def test_what_is_said_is_taken() -> None:
    request = _request(
        "--session-duration=900", "--role-session-name", "web-1", "--region=eu-central-1",
        "--endpoint=http://127.0.0.1:1", "--no-verify-ssl", "--with-proxy=true",
    )  # fmt: skip
    assert request.parameters.duration_seconds == 900
    assert request.parameters.role_session_name == "web-1"
    assert (request.region, request.endpoint()) == ("eu-central-1", "http://127.0.0.1:1")
    assert not request.verify


def test_empty_texts_say_nothing() -> None:
    assert _request("--region=", "--endpoint", "", "--role-session-name=") == _request()
    variables = ["AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT"]
    assert _request(environment=dict.fromkeys(variables, "")) == _request()


@pytest.mark.parametrize(
    ("words", "environment", "endpoint"),
    [
        (["--use-fips-endpoint"], {}, "rolesanywhere-fips.us-east-1.amazonaws.com"),
        (["--use-dualstack-endpoint"], {}, "rolesanywhere.us-east-1.api.aws"),
        ([], {"AWS_USE_FIPS_ENDPOINT": "true"}, "rolesanywhere-fips.us-east-1.amazonaws.com"),
        ([], {"AWS_USE_DUALSTACK_ENDPOINT": "True"}, "rolesanywhere.us-east-1.api.aws"),
        (
            ["--use-fips-endpoint"],
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "rolesanywhere-fips.us-east-1.api.aws",
        ),
        (["--use-fips-endpoint=false"], {}, "rolesanywhere.us-east-1.amazonaws.com"),
    ],
)
def test_fips_and_dual_stack_choose_among_aws_s_endpoints(
    words: list[str], environment: dict[str, str], endpoint: str
) -> None:
    request = _request(*words, environment=environment, region="us-east-1")
    assert request.endpoint() == f"https://{endpoint}"


@pytest.mark.parametrize(
    ("words", "environment", "endpoint"),
    [
        ([], {"AWS_ENDPOINT_URL": "http://a:1"}, "http://a:1"),
        (
            [],
            {"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_ROLESANYWHERE": "http://b:2/"},
            "http://b:2",
        ),
        (["--endpoint=http://c:3"], {"AWS_ENDPOINT_URL_ROLESANYWHERE": "http://b:2"}, "http://c:3"),
    ],
)
def test_the_nearer_the_word_the_more_it_counts(
    words: list[str], environment: dict[str, str], endpoint: str
) -> None:
    assert _request(*words, environment=environment).endpoint() == endpoint


def test_a_ca_bundle_is_taken_from_aws_s_variable() -> None:
    assert _request(environment={"AWS_CA_BUNDLE": "ca.pem"}).ca_bundle == Path("ca.pem")


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (
            ["--endpoint=http://a:1", "--use-fips-endpoint"],
            {},
            "endpoint http://a:1 cannot be had with FIPS or dual stack",
        ),
        (
            [],
            {"AWS_ENDPOINT_URL": "http://a:1", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "endpoint http://a:1 cannot be had with FIPS or dual stack",
        ),
        (
            [],
            {"AWS_USE_FIPS_ENDPOINT": "1"},
            "variable AWS_USE_FIPS_ENDPOINT must be true or false (got '1')",
        ),
        (
            [],
            {"AWS_ENDPOINT_URL_ROLESANYWHERE": "a"},
            f"variable AWS_ENDPOINT_URL_ROLESANYWHERE {NO_URL} (got 'a')",
        ),
        (
            [f"--profile-arn={SCOPE.replace('eu-central-1', 'us-east-1')}:profile/p"],
            {},
            "the profile is in us-east-1, the trust anchor in eu-central-1",
        ),
        (
            ["--region=us-east-1"],
            {},
            "--region is us-east-1, the trust anchor is in eu-central-1",
        ),
    ],
)
def test_what_cannot_go_together_is_refused(
    words: list[str], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(OperatorError) as refused:
        _request(*words, environment=environment)
    assert refused.value.message == message


def test_a_region_without_the_service_is_refused() -> None:
    with pytest.raises(OperatorError, match="no endpoint of rolesanywhere is known in region"):
        _request(region="mars-north-1").endpoint()
