"""Who reads secrets, and where: to which regions a session goes, and when it is doubted."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.config.load import load_config
from sidecar.config.schema import AwsSection
from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.secret_graph import SecretReaders, build_secrets, has_region

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.conftest import ManualClock

HOME: Final = "eu-central-1"
ASSUMED: Final = "arn:aws:iam::123456789012:role/reader"
TOML = """
[aws]
region = "{region}"
{more}
[roles.default]
source = "web-identity"
token_file = "token"
role_arn = "arn:{partition}:iam::123456789012:role/web"
[apps.web]
token_env = "TOKEN"
"""


class _Role:
    """A role with a session, which counts how often that was doubted."""

    doubts = 0

    async def settled(self, _seconds: float) -> None:
        """Be so at once."""

    def current(self) -> "Credentials":
        return object()  # type: ignore[return-value] # nobody looks into it

    def doubt(self, _credentials: "Credentials") -> None:
        self.doubts += 1


@pytest.fixture
def role() -> _Role:
    return _Role()


@pytest.fixture
def readers_of(role: _Role, clock: "ManualClock", tmp_path: Path) -> Any:
    """Give a function that makes the readers of a configuration."""

    def make(more: str = "", *, partition: str = "aws", region: str = HOME) -> SecretReaders:
        file = tmp_path / "sidecar.toml"
        file.write_text(TOML.format(more=more, partition=partition, region=region))
        roles: Any = {"default": role}
        return build_secrets(load_config(file, {}).config, roles, clock).readers

    return make


async def _asked(readers: SecretReaders, reader: Reader) -> bool:
    """Say whether AWS was asked; a refusal without that must be the one of a wrong region."""

    async def ask(_: "Credentials") -> bool:
        return True

    try:
        return await readers.read(reader, ask)
    except UpstreamRefused as exc:
        told = (exc.status, exc.code, exc.message)
        assert told == (
            400,
            "InvalidSignatureException",
            "Credential should be scoped to a valid region.",
        )
        return False


@pytest.mark.parametrize(
    ("region", "asked"),
    [
        pytest.param(HOME, True, id="the default one"),
        pytest.param("us-east-1", True, id="another of the partition"),
        pytest.param("eu-invented-1", False, id="one that nobody knows"),
        pytest.param("cn-north-1", False, id="China's"),
        pytest.param("us-gov-west-1", False, id="the government's"),
        pytest.param("us-iso-foo-1", False, id="an invented one of another partition"),
        pytest.param("aws-global", False, id="a pseudo-region"),
        pytest.param("us-east-1-fips", False, id="a pseudo-region of FIPS"),
        pytest.param("US-EAST-1", False, id="in capitals"),
        pytest.param("", False, id="none"),
    ],
)
async def test_a_session_goes_to_no_region_but_those_of_its_own_partition(
    region: str, readers_of: Any, *, asked: bool
) -> None:
    readers = readers_of()
    assert await _asked(readers, Reader("default", region)) is asked


@pytest.mark.parametrize(("region", "asked"), [("cn-northwest-1", True), ("us-east-1", False)])
async def test_the_partition_is_the_role_s(region: str, readers_of: Any, *, asked: bool) -> None:
    readers = readers_of(partition="aws-cn", region="cn-north-1")
    assert await _asked(readers, Reader("default", region)) is asked


async def test_a_region_newer_than_the_data_may_be_configured(readers_of: Any) -> None:
    readers = readers_of(region="eu-brandnew-1")
    assert await _asked(readers, Reader("default", "eu-brandnew-1"))
    assert not await _asked(readers, Reader("default", "eu-brandnew-2"))


async def test_where_the_address_is_configured_any_region_goes_there(readers_of: Any) -> None:
    readers = readers_of('endpoint_url = "http://127.0.0.1:1"')
    assert await _asked(readers, Reader("default", "eu-invented-1"))


@pytest.mark.parametrize(
    ("aws", "known"),
    [
        ({}, False),
        ({"endpoint_url": "http://a"}, True),
        ({"endpoint_url_ssm": "http://a"}, False),
        ({"endpoint_url_secretsmanager": "http://a"}, False),
        ({"endpoint_url_ssm": "http://a", "endpoint_url_secretsmanager": "http://b"}, True),
        ({"endpoint_url_sts": "http://a"}, False),
    ],
)
def test_an_invented_region_is_known_only_where_no_service_is_aws_s_own(
    aws: dict[str, Any], *, known: bool
) -> None:
    section = AwsSection(**aws)
    assert has_region(section, "aws", "eu-invented-1") is known
    assert has_region(section, "aws", "us-east-1")


async def test_a_role_assumed_for_a_request_is_judged_by_its_own_arn(readers_of: Any) -> None:
    readers = readers_of()
    assert not await _asked(readers, Reader(ASSUMED, "cn-north-1"))


@pytest.mark.parametrize(
    ("region", "code", "doubts"),
    [
        pytest.param(HOME, "UnrecognizedClientException", 1, id="AWS does not know the session"),
        pytest.param(HOME, "ThrottlingException", 0, id="another reason"),
        pytest.param("us-east-1", "UnrecognizedClientException", 0, id="a region not enabled"),
        pytest.param("us-east-1", "ExpiredTokenException", 0, id="another region"),
    ],
)
async def test_a_session_is_doubted_only_for_what_its_own_region_says(
    region: str, code: str, doubts: int, readers_of: Any, role: _Role
) -> None:
    async def ask(_: "Credentials") -> None:
        raise UpstreamUnavailable("no", status=400, code=code)

    with pytest.raises(UpstreamUnavailable):
        await readers_of().read(Reader("default", region), ask)
    assert role.doubts == doubts
