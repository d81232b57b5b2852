"""Addresses of AWS's services, from botocore's own data."""

import pytest

from sidecar.aws.endpoints import service_endpoint


@pytest.fixture(autouse=True)
def _no_endpoint_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("eu-central-1", "https://rolesanywhere.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "https://rolesanywhere.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "https://rolesanywhere.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_an_endpoint_is_of_the_region_s_partition(region: str, endpoint: str) -> None:
    assert service_endpoint("rolesanywhere", region) == endpoint


@pytest.mark.parametrize(
    ("service", "region"),
    [("rolesanywhere", "mars-north-1"), ("rolesanywhere", "eu"), ("rolesnowhere", "eu-west-1")],
)
def test_an_endpoint_that_nobody_knows_is_refused(service: str, region: str) -> None:
    with pytest.raises(
        ValueError, match=f"^no endpoint of {service} is known in region '{region}'"
    ):
        service_endpoint(service, region)
