"""Addresses of AWS's services, against those that real clients of botocore send to."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config

from sidecar.aws.endpoints import listed_regions, service_endpoint

# A call of each service that needs no parameters.
CALLS: Final = {
    "rolesanywhere": "list_profiles",
    "sts": "get_caller_identity",
    "secretsmanager": "list_secrets",
    "ssm": "describe_parameters",
    "sqs": "list_queues",
}
KINDS: Final = [(fips, dual_stack) for fips in (False, True) for dual_stack in (False, True)]


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


class _Sent(Exception):
    """Holds the address that a request was about to be sent to."""


def _sent_to(client: Any, call: str) -> str:
    def stop(request: Any, **_: object) -> None:
        raise _Sent(request.url)

    client.meta.events.register("before-send", stop)
    with pytest.raises(_Sent) as caught:
        getattr(client, call)()
    scheme, _, rest = str(caught.value).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _regions(session: Any) -> list[str]:
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    return [name for each in partitions for name in each["regions"] if "global" not in name]


def _truths(service: str) -> Iterator[tuple[str, bool, bool, str]]:
    """Give what a real client does, in every region and with every kind of endpoint."""
    session = botocore.session.Session()
    for region in _regions(session):
        for fips, dual_stack in KINDS:
            config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack)
            try:
                client = session.create_client(
                    service,
                    region_name=region,
                    aws_access_key_id="none",
                    aws_secret_access_key="none",
                    config=config,
                )
            except botocore.exceptions.EndpointVariantError:
                continue  # a client is refused before its rules are asked
            yield region, fips, dual_stack, _sent_to(client, CALLS[service])


@pytest.mark.parametrize("service", CALLS)
def test_every_endpoint_is_the_one_that_a_real_client_sends_to(service: str) -> None:
    truths = list(_truths(service))
    ours = [
        (region, fips, dual, service_endpoint(service, region, fips=fips, dual_stack=dual))
        for region, fips, dual, _ in truths
    ]
    assert ours == truths
    assert len({region for region, *_ in truths}) > 30


@pytest.mark.parametrize(
    ("region", "fips", "dual_stack", "host"),
    [
        ("eu-central-1", False, False, "rolesanywhere.eu-central-1.amazonaws.com"),
        ("eu-central-1", False, True, "rolesanywhere.eu-central-1.api.aws"),
        ("us-east-1", True, False, "rolesanywhere-fips.us-east-1.amazonaws.com"),
        ("us-east-1", True, True, "rolesanywhere-fips.us-east-1.api.aws"),
        ("cn-north-1", False, False, "rolesanywhere.cn-north-1.amazonaws.com.cn"),
        ("cn-north-1", False, True, "rolesanywhere.cn-north-1.api.amazonwebservices.com.cn"),
        ("us-gov-west-1", False, False, "rolesanywhere.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", True, False, "rolesanywhere-fips.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", False, True, "rolesanywhere.us-gov-west-1.api.aws"),
        ("us-iso-east-1", False, False, "rolesanywhere.us-iso-east-1.c2s.ic.gov"),
        ("us-iso-east-1", False, True, "rolesanywhere.us-iso-east-1.api.aws.ic.gov"),
        ("us-isob-east-1", False, False, "rolesanywhere.us-isob-east-1.sc2s.sgov.gov"),
        ("us-isob-east-1", False, True, "rolesanywhere.us-isob-east-1.api.aws.scloud"),
        ("eu-isoe-west-1", False, False, "rolesanywhere.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", False, False, "rolesanywhere.us-isof-south-1.csp.hci.ic.gov"),
        ("eusc-de-east-1", False, False, "rolesanywhere.eusc-de-east-1.amazonaws.eu"),
        ("eusc-de-east-1", False, True, "rolesanywhere.eusc-de-east-1.api.amazonwebservices.eu"),
        pytest.param(
            "eu-west-99", False, False, "rolesanywhere.eu-west-99.amazonaws.com", id="a new region"
        ),
    ],
)
def test_an_endpoint_is_of_the_region_s_partition_and_of_the_kind_asked_for(
    region: str, fips: bool, dual_stack: bool, host: str
) -> None:
    found = service_endpoint("rolesanywhere", region, fips=fips, dual_stack=dual_stack)
    assert found == f"https://{host}"


@pytest.mark.parametrize(
    ("service", "region"),
    [
        ("rolesanywhere", "mars-north-1"),
        ("rolesanywhere", "eu"),
        ("rolesanywhere", "aws-global"),
        ("rolesanywhere", "us-gov-west-1-fips"),
        ("rolesnowhere", "eu-west-1"),
        ("../sts", "eu-west-1"),
    ],
)
def test_an_endpoint_that_nobody_knows_is_refused(service: str, region: str) -> None:
    with pytest.raises(
        ValueError, match=rf"^no endpoint of {service} is known in region '{region}'"
    ):
        service_endpoint(service, region)


def test_a_refusal_names_the_kind_of_endpoint() -> None:
    with pytest.raises(ValueError, match=r"^no endpoint of sts with FIPS with dual stack is known"):
        service_endpoint("sts", "mars-north-1", fips=True, dual_stack=True)


def test_looking_an_endpoint_up_loads_neither_boto3_nor_a_client() -> None:
    program = (
        "import sys; from sidecar.aws.endpoints import service_endpoint;"
        "service_endpoint('rolesanywhere', 'eu-central-1');"
        "print([m for m in ('boto3', 'botocore.client', 'botocore.session') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_the_regions_of_a_service_are_those_that_botocore_tells(
    service: str, partition: str
) -> None:
    told = botocore.session.Session().get_available_regions(service, partition)
    assert told
    assert listed_regions(service, partition) == set(told)


@pytest.mark.parametrize(
    ("service", "partition"), [("rolesnowhere", "aws"), ("sts", "aws-moon"), ("", "")]
)
def test_what_botocore_does_not_know_has_no_regions(service: str, partition: str) -> None:
    assert listed_regions(service, partition) == frozenset()


def test_no_list_holds_a_pseudo_region() -> None:
    assert not {"aws-global", "us-east-1-fips"} & listed_regions("sts", "aws")


def test_addresses_of_regions_that_callers_invent_take_no_memory_for_ever() -> None:
    for number in range(300):
        service_endpoint("sts", f"eu-invented-{number}")
    assert service_endpoint.cache_info().currsize < 300
