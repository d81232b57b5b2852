"""The HTTP client: nothing that changes a request, and TLS that is checked."""

import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from sidecar.aws.http import http_client, proxy_for
from sidecar.ca import Authority, certificate_pem, issue_server
from sidecar.errors import OperatorError

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_client(None) as session:
        yield session


def _context(session: aiohttp.ClientSession) -> ssl.SSLContext:
    assert isinstance(session.connector, aiohttp.TCPConnector)
    context = session.connector._ssl
    assert isinstance(context, ssl.SSLContext)
    return context


async def test_certificates_and_names_are_checked(http: aiohttp.ClientSession) -> None:
    context = _context(http)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_checking_can_be_turned_off_on_demand_only() -> None:
    async with http_client(None, verify=False) as session:
        assert _context(session).verify_mode == ssl.CERT_NONE


async def test_a_bundle_takes_the_place_of_the_system_s_cas(
    tmp_path: Path, root: Authority, now: datetime
) -> None:
    bundle = tmp_path / "ca.pem"
    server, _ = issue_server(root, ["localhost"], now=now, validity=timedelta(days=1))
    bundle.write_bytes(certificate_pem(root.certificate, server))
    async with http_client(bundle) as session:
        [authority] = _context(session).get_ca_certs()
    assert authority["subject"] == ((("commonName", "Test root"),),)


@pytest.mark.parametrize("content", [None, b"", b"canary"], ids=["missing", "empty", "no PEM"])
async def test_a_bundle_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(OperatorError) as caught:
        http_client(bundle)
    assert caught.value.message.startswith(f"CA bundle {bundle} cannot be used: ")
    assert "canary" not in caught.value.message


async def test_no_netrc_and_no_cookie_changes_a_request(http: aiohttp.ClientSession) -> None:
    assert not http.trust_env
    assert isinstance(http.cookie_jar, aiohttp.DummyCookieJar)


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        pytest.param({}, "https://aws", None, id="none"),
        pytest.param({"https_proxy": "http://p:1"}, "https://aws", "http://p:1", id="https"),
        pytest.param({"https_proxy": "http://p:1"}, "http://aws", None, id="of the other scheme"),
        pytest.param({"http_proxy": "http://p:1"}, "http://aws", "http://p:1", id="http"),
        pytest.param(
            {"https_proxy": "http://p:1", "no_proxy": "aws"}, "https://aws", None, id="excepted"
        ),
        pytest.param(
            {"https_proxy": "http://p:1", "no_proxy": "aws:8443"},
            "https://aws:8443",
            None,
            id="excepted with this port",
        ),
        pytest.param(
            {"https_proxy": "http://p:1", "no_proxy": "aws:8443"},
            "https://aws",
            "http://p:1",
            id="excepted with another port",
        ),
        pytest.param(
            {"https_proxy": "http://p:1", "no_proxy": "*"}, "https://aws", None, id="none at all"
        ),
        pytest.param({"https_proxy": "p:1"}, "https://aws", "http://p:1", id="without a scheme"),
        pytest.param({"https_proxy": "http://p:1"}, "/path", None, id="no host"),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_wants(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(URL(url))
    assert (found and str(found.url)) == proxy


def test_a_proxys_password_is_kept_apart_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:canary@proxy:1")
    found = proxy_for(URL("https://aws"))
    assert found is not None
    assert found.headers == {"Proxy-Authorization": aiohttp.encode_basic_auth("user", "canary")}
    assert "canary" not in f"{found} {found!r} {found.url}"


@pytest.mark.parametrize("proxy", ["http://user:canary@[proxy", "http://user:canary@", "http://"])
def test_a_proxy_that_is_no_url_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(OperatorError, match=r"^the proxy for https in the environment is not a"):
        proxy_for(URL("https://aws"))
