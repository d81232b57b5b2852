"""Every way to AWS, over aiohttp and over boto3: the same TLS, the same CAs, the same proxies."""

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.aws import secrets_manager, sts
from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.aws.secret import SecretQuery
from sidecar.ca import Subject, certificate_pem, create_root, issue_server, private_key_pem
from sidecar.clock import SystemClock
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError
from sidecar.redaction import Secret
from sidecar.signing.create_session import SessionParameters
from sidecar.signing.x509 import Algorithm, CertifiedKey

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer

REGION = "eu-central-1"
SCOPE = f"arn:aws:rolesanywhere:{REGION}:123456789012"
ROLE = role_arn("arn:aws:iam::123456789012:role/web")
ONCE = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

Ask = Callable[[str, Path | None], Any]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _credentials() -> Credentials:
    now = datetime.now(UTC)
    return Credentials(
        access_key_id="ASIAFIRST",
        secret_access_key=Secret("canary-secret-key"),
        session_token=Secret("canary-session"),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        role_arn=str(ROLE),
        account_id="123456789012",
    )


async def _create_session(url: str, ca_bundle: Path | None) -> None:
    parameters = SessionParameters(
        trust_anchor_arn(f"{SCOPE}:trust-anchor/a"), profile_arn(f"{SCOPE}:profile/p"), ROLE, 900
    )
    key = CertifiedKey("leaf", (), 1, Algorithm.ECDSA, lambda _: b"signature")
    async with http_client(ca_bundle) as http:
        client = RolesAnywhere(http, endpoint=url, region=REGION, clock=SystemClock())
        await client.create_session(parameters, key)


async def _assume_role(url: str, ca_bundle: Path | None) -> None:
    client = sts.Sts(
        region=REGION,
        endpoint_url=url,
        clock=SystemClock(),
        ca_bundle=None if ca_bundle is None else str(ca_bundle),
        boto_config=sts.BOTO_CONFIG.merge(ONCE),
    )
    request = sts.SessionRequest(role_arn=ROLE, session_name="web", duration_seconds=900)
    await client.assume_role(request, _credentials())


async def _get_secret_value(url: str, ca_bundle: Path | None) -> None:
    client = secrets_manager.SecretsManager(
        lambda *_: url,
        ca_bundle=None if ca_bundle is None else str(ca_bundle),
        boto_config=BOTO_CONFIG.merge(ONCE),
    )
    await client.get_secret_value(SecretQuery("a"), _credentials(), region=REGION)


@pytest.fixture(params=[_create_session, _assume_role, _get_secret_value])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Give a function for each way to AWS; whatever is answered, it ends in an error."""

    async def run(url: str, ca_bundle: Path | None) -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            await request.param(url, ca_bundle)
        return caught.value

    return run


class _Failing(BaseHTTPRequestHandler):
    """Answers that nothing works, and counts how often it came to that."""

    server: "_Server"

    def do_POST(self) -> None:
        self.server.reached += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(503)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own name
        pass


class _Server(ThreadingHTTPServer):
    reached = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of handshakes that fail: they are what is tested."""


Serve = Callable[..., AbstractContextManager["_Server"]]


@pytest.fixture(scope="module")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the PEM file of the CA that has issued the server's certificate, beside which it is."""
    directory = tmp_path_factory.mktemp("tls")
    now = datetime.now(UTC) - timedelta(minutes=5)
    root = create_root(Subject("TLS test root"), now=now, validity=timedelta(days=1))
    certificate, key = issue_server(root, ["localhost"], now=now, validity=timedelta(hours=1))
    (directory / "server.pem").write_bytes(certificate_pem(certificate) + private_key_pem(key))
    (directory / "ca.pem").write_bytes(certificate_pem(root.certificate))
    return directory / "ca.pem"


@pytest.fixture
def serve(authority_file: Path) -> Serve:
    """Give a function that serves HTTPS with one version of TLS and no other."""

    @contextmanager
    def serving(version: ssl.TLSVersion) -> Iterator[_Server]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(authority_file.with_name("server.pem"))
        _only(context, version)
        with _Server(("127.0.0.1", 0), _Failing) as server:
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    return serving


def _only(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are deprecated, rightly
        context.minimum_version = context.maximum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")


def _url(server: _Server) -> str:
    return f"https://localhost:{server.server_port}"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_of_today_is_spoken(
    ask: Ask, serve: Serve, authority_file: Path, version: ssl.TLSVersion
) -> None:
    with serve(version) as server:
        await ask(_url(server), authority_file)
        assert server.reached == 1


async def test_a_server_that_speaks_tls_1_1_at_most_is_refused(
    ask: Ask, serve: Serve, authority_file: Path
) -> None:
    with serve(ssl.TLSVersion.TLSv1_1) as server:
        error = await ask(_url(server), authority_file)
        assert server.reached == 0
    assert error.status == 0


def test_that_server_would_serve_whoever_speaks_tls_1_1(serve: Serve, authority_file: Path) -> None:
    context = ssl.create_default_context(cafile=authority_file)
    _only(context, ssl.TLSVersion.TLSv1_1)
    with (
        serve(ssl.TLSVersion.TLSv1_1) as server,
        socket.create_connection(("127.0.0.1", server.server_port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.version() == "TLSv1.1"


async def test_a_ca_that_nobody_trusts_is_refused(ask: Ask, serve: Serve) -> None:
    with serve(ssl.TLSVersion.TLSv1_3) as server:
        await ask(_url(server), None)
        assert server.reached == 0


async def test_a_certificate_for_another_name_is_refused(
    ask: Ask, serve: Serve, authority_file: Path
) -> None:
    with serve(ssl.TLSVersion.TLSv1_3) as server:
        await ask(f"https://127.0.0.1:{server.server_port}", authority_file)
        assert server.reached == 0


async def test_the_ca_that_the_system_trusts_counts_everywhere(
    ask: Ask, serve: Serve, authority_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    with serve(ssl.TLSVersion.TLSv1_3) as server:
        await ask(_url(server), None)
        assert server.reached == 1


@pytest.fixture
def proxy(canned: "CannedServer") -> "CannedServer":
    """Give a server that answers whatever is asked through it."""
    canned.then({"message": "no"}, status=503)
    return canned


# A name that no resolver knows: who asks it directly reaches nothing.
ELSEWHERE = "http://aws.invalid:4566"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
async def test_the_proxy_of_the_environment_is_used(
    ask: Ask, proxy: "CannedServer", monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    await ask(ELSEWHERE, None)
    assert [headers["Host"] for headers in proxy.headers] == ["aws.invalid:4566"]


async def test_a_proxy_without_a_scheme_is_one_of_http(
    ask: Ask, proxy: "CannedServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
    await ask(ELSEWHERE, None)
    assert len(proxy.headers) == 1


@pytest.mark.parametrize(
    "excepted", ["aws.invalid", ".invalid", "aws.invalid:4566", "*", "a, invalid"]
)
async def test_what_no_proxy_excepts_is_asked_directly(
    ask: Ask, proxy: "CannedServer", monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", excepted)
    error = await ask(ELSEWHERE, None)
    assert (proxy.headers, error.status) == ([], 0)
