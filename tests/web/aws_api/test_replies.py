"""Which held replies a change concerns, and which requests are the same question."""

import pytest

from sidecar.aws.reader import Reader
from sidecar.web.aws_api.replies import about_parameter, about_secret, reply_key

READER = Reader("default", "eu-west-1")
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
    assert about_secret(changed)(key)


@pytest.mark.parametrize("changed", ["web/data", "web/database2", "web", f"{ARN}2"])
def test_another_secret_concerns_nothing(changed: str) -> None:
    key = reply_key(READER, "DescribeSecret", "web/database", {})
    assert not about_secret(changed)(key)
    assert not about_parameter(changed)(key)
    assert not about_secret("web/database")("a key of another kind")


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
    assert about_parameter(changed)(key) == concerned
    assert not about_secret(changed)(key)
    assert not about_parameter(changed)("a key of another kind")
