"""Addresses and keys that are secrets are read, checked, and told to nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.errors import OperatorError
from sidecar.notify.secret_text import (
    checked_key,
    checked_remote_url,
    checked_url,
    read_secret,
)
from sidecar.redaction import Secret


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/canary",
        "https://hooks.example:8443/x?token=canary",
        "HTTPS://hooks.example/",
        "http://127.0.0.1:8080/canary",
        "http://[::1]:8080/canary",
        "http://localhost/canary",
    ],
)
def test_an_address_over_tls_or_on_this_machine_may_be_posted_to(url: str) -> None:
    assert checked_url(Secret(url)).reveal() == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://hooks.example/canary", "the URL is http://, and leaves this machine"),
        ("http://127.0.0.1.example/canary", "the URL is http://, and leaves this machine"),
        ("http://10.0.0.1/canary", "the URL is http://, and leaves this machine"),
        ("http://169.254.169.254/canary", "the URL is http://, and leaves this machine"),
        ("http://[fe80::1]/canary", "the URL is http://, and leaves this machine"),
        ("http://[::ffff:169.254.169.254]/canary", "the URL is http://, and leaves this machine"),
        ("http://0.0.0.0/canary", "the URL is http://, and leaves this machine"),
        ("http://localhost./canary", "the URL is http://, and leaves this machine"),
        *(
            (url, "the URL is not https://host[:port]/path")
            for url in (
                "canary",
                "ftp://hooks.example/canary",
                "https:///canary",
                "https://user:canary@hooks.example/",
                "https://hooks.example:canary/",
                "https://hooks.example:0/canary",
                "https://hooks.example/canary#x",
                "https://hooks.example/can ary",
                "https://hooks.example/canary\nHost: x",
                "https://[canary/",
                "http://[::1].canary.example/",
                "http://canary.example[::1]/",
                "http://127.0.0.1\\.canary.example/",
                "http://127.0.0.1%23.canary.example/",
                "http://[::1%25canary]/",
            )
        ),
    ],
)
def test_another_address_is_refused_without_being_quoted(url: str, message: str) -> None:
    with pytest.raises(OperatorError) as caught:
        checked_url(Secret(url))
    assert caught.value.message == message
    assert "canary" not in caught.value.hint


def test_an_address_that_others_keep_leads_to_no_port_of_this_machine_in_clear() -> None:
    url = Secret("https://hooks.example/canary")
    assert checked_remote_url(url) == url
    with pytest.raises(OperatorError, match="the URL in the secret is http://") as caught:
        checked_remote_url(Secret("http://127.0.0.1:9913/canary"))
    assert "canary" not in caught.value.message


def test_a_key_must_be_long_enough() -> None:
    assert checked_key(Secret("k" * 32))
    with pytest.raises(OperatorError, match="the key has fewer than 32 characters"):
        checked_key(Secret("k" * 31))


def test_a_secret_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(" https://a/b\n")
    assert read_secret(file, {}) == read_secret("URL", {"URL": "https://a/b "})
    assert read_secret(file, {}).reveal() == "https://a/b"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "cannot be read: No such file or directory"),
        (lambda file: file.mkdir(), "cannot be read: not a regular file"),
        (lambda file: file.write_text("\n"), "is empty or too long"),
        (lambda file: file.write_text("x" * 4097), "is empty or too long"),
    ],
    ids=["missing", "a directory", "empty", "long"],
)
def test_a_file_without_a_secret_is_refused(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    make(tmp_path / "url")
    with pytest.raises(OperatorError) as caught:
        read_secret(tmp_path / "url", {})
    assert caught.value.message == f"{tmp_path / 'url'} {message}"


@pytest.mark.parametrize("environment", [{}, {"URL": " "}])
def test_a_variable_without_a_secret_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(OperatorError, match="variable URL is not set"):
        read_secret("URL", environment)
