"""What an attack is made in: one sidecar, its apps with all that is theirs, and raw bytes."""

import asyncio
import base64
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.access.callers import Callers
from sidecar.credentials import Credentials
from sidecar.service import Sidecar
from tests.conftest import HeardAudit

# How many inputs are made up, over all doors: `make nightly` has far more.
INPUTS: Final = int(os.environ.get("FUZZ_INPUTS", "2000"))
ANSWER_SECONDS: Final = 20.0
# So long a client of broken requests waits until it says that nothing more will come.
QUIET_SECONDS: Final = 0.015
DOORS: Final = ("credentials", "secrets", "aws_api", "metadata", "admin")


@dataclass(frozen=True)
class Actor:
    """An app with everything that is its own and nobody else's."""

    name: str
    role: str
    role_arn: str
    token: str
    secret: str
    secret_arn: str
    parameter: str
    parameter_arn: str
    values: tuple[str, str]
    session: Callable[[], Credentials]

    @property
    def partial_arn(self) -> str:
        """Give the secret's ARN without its random end."""
        return self.secret_arn[: -len("-AbCdEf")]

    def canaries(self) -> tuple[bytes, ...]:
        """List what nobody else may get, in clear and in Base64."""
        held = self.session()
        keys = (held.secret_access_key.reveal(), held.session_token.reveal())
        texts = [each.encode() for each in (*self.values, *keys, self.token) if each]
        return (*texts, *(base64.b64encode(each).rstrip(b"=")[:-1] for each in texts))


@dataclass(frozen=True)
class World:
    """The sidecar and everybody at it."""

    sidecar: Sidecar
    audit: HeardAudit
    actors: Mapping[str, Actor]
    token_key: Ed25519PrivateKey
    imds_token: str

    @property
    def callers(self) -> Callers:
        return self.sidecar.access.callers

    def authority(self, door: str) -> str:
        """Give a door's address as it stands in Host."""
        (url,) = next(each.urls for each in self.sidecar.doors if each.name == door)
        return url.removeprefix("http://")

    async def exchange(self, door: str, *parts: bytes) -> bytes:
        """Send bytes, part by part, and read until the door closes the connection."""
        host, _, port = self.authority(door).rpartition(":")
        loop = asyncio.get_running_loop()
        received = bytearray()
        # A socket of its own: a stream whose sending fails forgets the answer that came before.
        with socket.socket() as client:
            client.setblocking(False)
            async with asyncio.timeout(ANSWER_SECONDS):
                await loop.sock_connect(client, (host, int(port)))
                with suppress(ConnectionError):
                    for part in parts:
                        await loop.sock_sendall(client, part)
                with suppress(ConnectionError):
                    while chunk := await loop.sock_recv(client, 65536):
                        received += chunk
        return bytes(received)

    async def pour(self, door: str, parts: Iterable[bytes]) -> bytes:
        """Send bytes, part by part; half-close when nothing more comes, and read to the end."""
        host, _, port = self.authority(door).rpartition(":")
        received = bytearray()
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(0)
                with suppress(TimeoutError):
                    async with asyncio.timeout(QUIET_SECONDS):
                        await _read_into(received, reader)
                if not reader.at_eof():
                    writer.write_eof()
                    await _read_into(received, reader)
            except ConnectionError:
                pass
            finally:
                writer.transport.abort()
        return bytes(received)


async def _read_into(received: bytearray, reader: asyncio.StreamReader) -> None:
    while chunk := await reader.read(65536):
        received += chunk
