"""Which of AWS's codes a later attempt may not meet again, whatever status they come with."""

from typing import Any

import pytest
from botocore.retries import standard

from sidecar.aws.failed_calls import refused
from sidecar.errors import UpstreamRefused, UpstreamUnavailable

SDK: Any = standard
TRIED_AGAIN_BY_AWS_S_SDK = {
    *SDK.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    *SDK.TransientRetryableChecker._TRANSIENT_ERROR_CODES,
}


@pytest.mark.parametrize(
    "code",
    [
        *sorted(TRIED_AGAIN_BY_AWS_S_SDK),
        "InternalServiceErrorException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    ],
)
def test_what_may_pass_hides_no_held_value(code: str) -> None:
    assert type(refused(code, "wait", 400)) is UpstreamUnavailable


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "ResourceNotFoundException", "InvalidRequestException", "throttling"],
)
def test_a_no_is_a_no(code: str) -> None:
    assert type(refused(code, "no", 400)) is UpstreamRefused
