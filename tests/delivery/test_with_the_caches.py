"""Files behind the real caches: kept warm without a reader, changed by time and by events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.delivery.files import DeliveredFiles
from sidecar.delivery.prepare import PreparedFile
from sidecar.delivery.template import Template
from sidecar.delivery.values import Values
from sidecar.errors import UpstreamRefused, UpstreamUnreachable
from sidecar.file_target import Target
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.delivery.conftest import Life

TTL = 60
LIMITS = Limits(ttl_seconds=TTL, max_stale_seconds=3600, size=10, keep_warm_seconds=1)
READER = Reader("default", "eu-central-1")
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf"


class Aws:
    """One secret and one parameter."""

    def __init__(self) -> None:
        first = Secret('{"k":"one"}')
        self.secret = SecretValue(ARN, "a", "v-1", first, None, ("AWSCURRENT",), None)
        value = Secret("plain")
        self.parameter = ParameterValue(
            "arn", "/p", "SecureString", value, 1, None, "text", None, None
        )
        self.problem: Exception | None = None
        self.calls = 0

    def rotate(self, text: str) -> None:
        version = f"{self.secret.version_id}+"
        self.secret = replace(self.secret, text=Secret(text), version_id=version)

    async def get_secret(self, reader: Reader, query: SecretQuery) -> SecretValue:
        assert (reader, query.secret_id) == (READER, "a")
        self.calls += 1
        if self.problem is not None:
            raise self.problem
        return self.secret

    async def get_parameter(self, reader: Reader, query: ParameterQuery) -> ParameterValue:
        assert (reader, query.name, query.with_decryption) == (READER, "/p", True)
        return self.parameter


@asynccontextmanager
async def kept(
    template: str, path: Path, aws: Aws, clock: "ManualClock"
) -> AsyncIterator[SecretCache]:
    secrets = SecretCache(aws.get_secret, clock, LIMITS, lambda: 0.5)
    parameters = ParameterCache(aws.get_parameter, clock, LIMITS, lambda: 0.5)
    file = PreparedFile(Target(path, 0o600), Template.parse(template))
    files = DeliveredFiles([file], lambda _: READER, Values(secrets, parameters), clock)
    tasks = [asyncio.ensure_future(each.run()) for each in (secrets, parameters, files)]
    try:
        yield secrets
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await secrets.close()
        await parameters.close()


async def test_a_rotation_reaches_the_file_when_the_value_is_renewed(life: "Life") -> None:
    aws = Aws()
    async with kept("${secret://a#k} ${parameter:///p}", life.path, aws, life.clock):
        await life.until_file_is("one plain")
        await life.clock.advance(600)
        assert 10 <= aws.calls <= 13
        aws.rotate('{"k":"two"}')
        await life.clock.advance(TTL + 1)
        await life.until_file_is("two plain")


async def test_an_event_reaches_the_file_at_once(life: "Life") -> None:
    aws = Aws()
    async with kept("${secret://a#k}", life.path, aws, life.clock) as cache:
        await life.until_file_is("one")
        aws.rotate('{"k":"two"}')
        cache.invalidate(ARN)
        await life.until_file_is("two")
        assert life.clock.elapsed() < 1


async def test_an_outage_and_a_deletion_leave_the_file_and_a_return_renews_it(
    life: "Life",
) -> None:
    aws = Aws()
    async with kept("${secret://a#k}", life.path, aws, life.clock):
        await life.until_file_is("one")
        aws.problem = UpstreamUnreachable("no network")
        await life.clock.advance(3 * TTL)
        assert life.text() == "one"
        aws.problem = UpstreamRefused("no such secret", code="ResourceNotFoundException")
        await life.clock.advance(3 * TTL)
        assert life.text() == "one"
        aws.problem = None
        aws.rotate('{"k":"two"}')
        await life.clock.advance(3 * TTL)
        await life.until_file_is("two")


async def test_a_secret_that_appears_later_is_written_then(life: "Life") -> None:
    aws = Aws()
    aws.problem = UpstreamRefused("no such secret", code="ResourceNotFoundException")
    async with kept("${secret://a#k}", life.path, aws, life.clock):
        await life.clock.advance(600)
        assert life.text() is None
        aws.problem = None
        await life.clock.advance(61)
        await life.until_file_is("one")
