"""The programs that `secrets_door` compares, each in a process of its own, and the AWS they ask."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import boto3

from benchmarks.http_load import Target
from sidecar.demo.stage import ROLE_NAME, Places, set_stage

TOKEN_HEADER: Final = "X-Aws-Parameters-Secrets-Token"  # noqa: S105 - a name
_PREFIX: Final = "bench/"
_START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Program:
    """A running program with the interface of AWS's agent."""

    port: int
    token: str
    pid: int
    admin_port: int = 0

    def target(self, name: str, options: str = "") -> Target:
        """Who is asked for a secret, and how."""
        lines = [
            f"GET {path_of(name)}{options} HTTP/1.1",
            f"Host: localhost:{self.port}",
            f"{TOKEN_HEADER}: {self.token}",
            *("", ""),
        ]
        return Target(self.port, "\r\n".join(lines).encode())

    def read(self, name: str) -> bytes:
        """Get one secret."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path_of(name)}")
        request.add_header(TOKEN_HEADER, self.token)
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own process
            body: bytes = answer.read()
        return body

    def memory_kib(self) -> int:
        """Resident memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def path_of(name: str) -> str:
    """Where a secret is found."""
    return f"/secretsmanager/get?secretId={quote(_PREFIX + name, safe='')}"


class Aws:
    """The emulator in a process of its own, and an administrator's client."""

    def __init__(self, exports: Mapping[str, str]) -> None:
        self.url = exports["AWS_ENDPOINT_URL"]
        self.exports = exports
        self.client: Any = self.connect()

    def connect(self, service: Any = "secretsmanager") -> Any:
        """Make a client."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.exports["AWS_REGION"],
            aws_access_key_id=self.exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.exports["AWS_SECRET_ACCESS_KEY"],
        )

    def put(self, name: str, size: int) -> None:
        """Make a secret."""
        self.client.create_secret(Name=_PREFIX + name, SecretString="x" * size)

    def change(self, name: str, value: str) -> None:
        """Give a secret another value."""
        self.client.put_secret_value(SecretId=_PREFIX + name, SecretString=value)

    def get(self, client: Any, name: str) -> None:
        """Read a secret without any cache."""
        client.get_secret_value(SecretId=_PREFIX + name)

    def delay(self, milliseconds: float) -> None:
        """Let GetSecretValue take so much longer from now on."""
        fault = {"service": "secretsmanager", "operation": "GetSecretValue"}
        self._control("PUT", "faults", {**fault, "latency_ms": milliseconds})

    def count(self) -> int:
        """How often GetSecretValue was called since the last time somebody asked."""
        calls: dict[str, int] = self._control("GET", "calls")
        self._control("DELETE", "calls")
        return calls.get("secretsmanager.GetSecretValue", 0)

    def _control(self, method: str, route: str, value: object = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        url = f"{self.url}/_emulator/{route}"
        request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own process
            return json.load(answer)


@contextmanager
def running_aws() -> Iterator[Aws]:
    """Run the emulator."""
    command = (sys.executable, "-m", "sidecar", "emulator", "--port=0")
    with _running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        lines = [process.stdout.readline().decode().rstrip() for _ in range(6)]
        yield Aws(dict(line.removeprefix("export ").split("=", 1) for line in lines[1:]))


@contextmanager
def running_sidecar(directory: Path, aws: Aws, *, ttl_seconds: int) -> Iterator[Program]:
    """Run the sidecar as the demo does, with the cache of the benchmark."""
    ports = free_ports(4)
    stage = set_stage(
        Places(directory, aws.url, *(f"127.0.0.1:{port}" for port in ports)), datetime.now(UTC)
    )
    _allow(aws.connect("iam"))
    config = stage.config.read_text().replace('"demo/*"', f'"{_PREFIX}*"')
    cache = f"[secrets]\nttl_seconds = {ttl_seconds}\nmax_conn = 1000\n"
    stage.config.write_text(f"{config}\n{cache}")
    command = (sys.executable, "-m", "sidecar", "serve", f"--config={stage.config}")
    with _running((*command, "--log-level=warning"), stdout=subprocess.DEVNULL) as process:
        _wait_for(f"http://127.0.0.1:{ports[3]}/readyz")
        yield Program(ports[1], stage.token.reveal(), process.pid, ports[3])


def _allow(iam: Any) -> None:
    resource = f"arn:aws:secretsmanager:*:*:secret:{_PREFIX}*"
    statement = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="bench", PolicyDocument=document)


@contextmanager
def running_provider(
    executable: Path, directory: Path, aws: Aws, *, ttl_seconds: int
) -> Iterator[Program]:
    """Run AWS's own provider."""
    [port] = free_ports(1)
    file = directory / "provider.toml"
    file.write_text(
        f'http_port = {port}\nttl_seconds = {ttl_seconds}\nmax_conn = 1000\nlog_level = "error"\n'
        "log_to_file = false\nvalidate_credentials = false\n"
    )
    token = "token-of-the-benchmark"  # noqa: S105 - nothing that it opens lasts
    variables = {**aws.exports, "AWS_TOKEN": token, "AWS_EC2_METADATA_DISABLED": "true"}
    command = (str(executable), "sm", "start", "--config", str(file))
    with _running(command, stdout=subprocess.DEVNULL, env=variables) as process:
        _wait_for(f"http://127.0.0.1:{port}/ping")
        yield Program(port, token, process.pid)


@contextmanager
def running_bare(kind: str, directory: Path, bodies: Mapping[str, bytes]) -> Iterator[Program]:
    """Run a server that does nothing but answer; bodies by the names of secrets."""
    [port] = free_ports(1)
    file = directory / f"{kind}.json"
    texts = {path_of(name): body.decode() for name, body in bodies.items()}
    file.write_text(json.dumps(texts))
    command = (sys.executable, "-m", "benchmarks.bare_server", kind, str(port), str(file))
    with _running(command, stdout=subprocess.DEVNULL) as process:
        _wait_for(f"http://127.0.0.1:{port}{next(iter(texts))}")
        yield Program(port, "", process.pid)


@contextmanager
def _running(
    command: tuple[str, ...], *, stdout: int, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with subprocess.Popen(command, stdout=stdout, env={**known, **(env or {})}) as process:  # noqa: S603 - our own
        try:
            yield process
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - our own process
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
