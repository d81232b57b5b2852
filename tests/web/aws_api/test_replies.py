"""Which held replies a change concerns, and which requests are the same question."""

import pytest

from sidecar.aws.reader import Reader
from sidecar.web.aws_api.errors import ApiError
from sidecar.web.aws_api.replies import about_parameters, about_secrets, reply_key

REGION = "eu-west-1"
READER = Reader("default", REGION)
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/database"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter"
WHOLE = f"{ARN}-AbCdEf"


def test_the_order_of_members_does_not_matter_and_everything_else_does() -> None:
    key = reply_key(READER, "GetParametersByPath", "/a", {"Path": "/a", "MaxResults": 5})
    assert key == reply_key(READER, "GetParametersByPath", "/a", {"MaxResults": 5, "Path": "/a"})
    assert key != reply_key(READER, "GetParametersByPath", "/a", {"Path": "/a", "MaxResults": 6})
    other = Reader("default", "eu-west-2")
    assert key != reply_key(other, "GetParametersByPath", "/a", {"Path": "/a", "MaxResults": 5})


@pytest.mark.parametrize("asked", ["web/database", ARN, WHOLE])
@pytest.mark.parametrize("changed", ["web/database", ARN, WHOLE])
def test_a_secret_is_the_same_in_every_form_of_its_id(asked: str, changed: str) -> None:
    key = reply_key(READER, "DescribeSecret", asked, {"SecretId": asked})
    assert about_secrets([changed], REGION)(key)


@pytest.mark.parametrize("changed", ["web/data", "web/database2", "web", f"{ARN}2"])
def test_another_secret_concerns_nothing(changed: str) -> None:
    key = reply_key(READER, "DescribeSecret", "web/database", {})
    assert not about_secrets([changed], REGION)(key)
    assert not about_parameters([changed], REGION)(key)
    assert not about_secrets(["web/database"], REGION)("a key of another kind")


@pytest.mark.parametrize(
    ("path", "changed", "concerned"),
    [
        ("/web", "/web/color", True),
        ("/web/", "/web/color", True),
        ("/web", "/web/deep/color", True),
        ("/", "/web/color", True),
        ("/", "color", True),
        ("/web", f"{PARAMETER_ARN}/web/color", True),
        ("/", f"{PARAMETER_ARN}/color", True),
        ("/web", "/webs/color", False),
        ("/web/color", "/web/color", False),
        ("/batch", f"{PARAMETER_ARN}/web/color", False),
    ],
)
def test_a_parameter_concerns_the_paths_above_it(path: str, changed: str, concerned: bool) -> None:
    key = reply_key(READER, "GetParametersByPath", path, {"Path": path})
    assert about_parameters([changed], REGION)(key) == concerned
    assert not about_secrets([changed], REGION)(key)
    assert not about_parameters([changed], REGION)("a key of another kind")


def test_of_several_one_is_enough_and_another_region_is_never_concerned() -> None:
    secret = reply_key(READER, "DescribeSecret", "web/database", {})
    path = reply_key(READER, "GetParametersByPath", "/web", {"Path": "/web"})
    assert about_secrets(["other", "web/database"], REGION)(secret)
    assert about_parameters(["/other/x", "/web/color"], REGION)(path)
    assert not about_secrets(["web/database"], "eu-west-2")(secret)
    assert not about_parameters(["/web/color"], "eu-west-2")(path)


def test_a_key_is_no_longer_than_8_kib_and_no_deeper_than_can_be_written() -> None:
    members = {"Path": "/a", "NextToken": "t" * (8 * 1024 - len('{"NextToken":"","Path":"/a"}'))}
    assert len(reply_key(READER, "GetParametersByPath", "/a", members).body) == 8 * 1024
    members["NextToken"] += "t"
    with pytest.raises(ApiError, match="8192 bytes"):
        reply_key(READER, "GetParametersByPath", "/a", members)
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(ApiError, match="too deep"):
        reply_key(READER, "GetParametersByPath", "/a", {"ParameterFilters": deep})
