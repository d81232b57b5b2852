"""`token issue` and `token show`: what is signed, what is told of it, and what is never printed."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.cli import main
from sidecar.clock import SystemClock

Printed = Callable[..., tuple[int, str, str]]

CONFIG = """
[roles.default]
source = "web-identity"
token_file = "token"
role_arn = "arn:aws:iam::123456789012:role/web"
[aws]
region = "eu-west-1"
[apps.web]
roles = ["default"]
[apps.batch]
[tokens]
key_file = "{key}"
"""
ISSUER = """
[issuers.corp]
issuer = "https://corp.example"
audience = "sidecar"
jwks_file = "corp.jwks"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "token.key").write_bytes(pem)
    file = tmp_path / "sidecar.toml"
    file.write_text(CONFIG.format(key=tmp_path / "token.key"))
    return file


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Give a function that runs a token command and returns its code and what it printed."""

    def ran(*words: object) -> tuple[int, str, str]:
        code = main(["token", *map(str, words), f"--config={config}"])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ran


def test_an_issued_token_counts_for_its_app(run: Printed, tmp_path: Path) -> None:
    code, token, told = run("issue", "--app=web")
    assert (code, token.count("."), token.count("\n")) == (0, 2, 1)
    assert told.startswith("token ")
    assert " of app web expires " in told
    assert ", and counts until " in told
    (tmp_path / "web.token").write_text(token)
    code, shown, verdict = run("show", tmp_path / "web.token")
    assert code == 0
    assert token.strip() not in shown
    assert json.loads(shown)["sub"] == "web"
    assert verdict.startswith("sidecar: counts for app web until ")


def test_a_token_goes_to_a_file_that_nobody_else_can_read(run: Printed, tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert run("issue", "--app=batch", f"--output={file}")[:2] == (0, f"token\t{file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.read_text().endswith("\n")
    assert "counts for app batch" in run("show", file)[2]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('revoked = ["{jti}"]', "does not count: the token is revoked"),
        ('audience = "elsewhere"', "does not count: the token is for another audience"),
        ("not_before = 2999-01-01T00:00:00Z", "does not count: the token was issued before"),
    ],
)
def test_a_token_that_does_not_count_is_told_so(
    more: str, why: str, run: Printed, config: Path, tmp_path: Path
) -> None:
    _, token, told = run("issue", "--app=web")
    (tmp_path / "web.token").write_text(token)
    config.write_text(config.read_text() + more.format(jti=told.split()[1]))
    code, _, verdict = run("show", tmp_path / "web.token")
    assert (code, why in verdict) == (1, True)


def test_another_key_s_token_does_not_count(run: Printed, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "web.token"
    run("issue", "--app=web", f"--output={file}")
    (tmp_path / "other.key").write_bytes(b"a" * 32)
    text = config.read_text().replace("token.key", "other.key")
    config.write_text(f'{text}algorithm = "HS256"\n')
    assert "does not count: the token's algorithm is not HS256" in run("show", file)[2]


def _signed_elsewhere(issuer: str, seconds_left: int) -> str:
    now = int(SystemClock().now().timestamp())
    claims = {"iss": issuer, "sub": "web", "iat": now - 3600, "exp": now + seconds_left}
    return jwt.encode(claims, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    ("issuer", "seconds_left", "code", "verdict"),
    [
        ("https://corp.example", 60, 0, "signed by issuer corp: its signature was not checked"),
        ("https://corp.example", -60, 1, "does not count: it has expired"),
        ("https://other.example", 60, 1, "does not count: its issuer is not configured"),
    ],
)
def test_of_a_token_that_somebody_else_signed_only_what_is_sure_is_told(
    issuer: str, seconds_left: int, code: int, verdict: str, run: Printed, config: Path
) -> None:
    config.write_text(config.read_text() + ISSUER)
    file = config.with_name("outside.token")
    file.write_text(_signed_elsewhere(issuer, seconds_left))
    found, _, told = run("show", file)
    assert (found, told) == (code, f"sidecar: {verdict}\n")


@pytest.mark.parametrize(
    ("grace_seconds", "code", "verdict"),
    [
        (86400, 0, "its signature was not checked: tokens.key_file is not set"),
        (0, 1, "does not count: it has expired"),
    ],
)
def test_without_a_key_a_token_whose_time_is_over_does_not_count(
    grace_seconds: int, code: int, verdict: str, run: Printed, config: Path
) -> None:
    apps, _, _ = config.read_text().partition("[apps.web]")
    tokens = f"[tokens]\ngrace_seconds = {grace_seconds}\n"
    config.write_text(f'{apps}[apps.web]\ntoken_file = "w"\n{tokens}')
    now = int(SystemClock().now().timestamp())
    file = config.with_name("old.token")
    file.write_text(jwt.encode({"sub": "web", "exp": now - 60}, "k" * 32, algorithm="HS256"))
    found, _, told = run("show", file)
    assert (found, told) == (code, f"sidecar: {verdict}\n")


def test_a_static_token_says_nothing(run: Printed, tmp_path: Path) -> None:
    (tmp_path / "static").write_text("canary-" + "a" * 32)
    code, shown, verdict = run("show", tmp_path / "static")
    assert (code, shown, "canary" in verdict) == (0, "", False)
    assert verdict.startswith("sidecar: a static token")


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        ("", "  --app: must name one of several apps", "one of web, batch"),
        ("--app=ghost", "  --app: there is no app ghost", "one of web, batch"),
        ("--lifetime-seconds=59", "must be between 60 and 31622400 (got '59')", "token issue"),
    ],
)
def test_what_cannot_be_issued_is_refused(
    change: str, problem: str, hint: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["token", "issue", f"--config={config}", *change.split()]
    try:
        code = main(words)
    except SystemExit as exc:  # argparse's way of ending
        code = int(exc.code or 0)
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert problem in printed.err
    assert hint in printed.err


def test_without_a_key_that_outlives_the_process_nothing_can_be_issued(
    config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = config.read_text().replace("[apps.batch]", '[apps.batch]\ntoken_file = "b"')
    text = text.replace('roles = ["default"]', 'roles = ["default"]\ntoken_file = "w"')
    config.write_text(text.partition("[tokens]")[0])
    assert main(["token", "issue", "--app=web", f"--config={config}"]) == 2
    assert "tokens.key_file: is missing" in capsys.readouterr().err
    (tmp_path / "token.key").write_text("no key")
    config.write_text(CONFIG.format(key=tmp_path / "token.key"))
    assert main(["token", "issue", "--app=web", f"--config={config}"]) == 2
    assert "holds no unencrypted private key in PEM" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "the token is empty"), ("short", "the token has 5 characters"), (None, "cannot be read")],
)
def test_what_is_no_token_is_refused(
    content: str | None, why: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    assert why in refusal("token", "show", file)


def test_without_any_configuration_the_claims_are_shown(
    run: Printed,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "web.token"
    run("issue", "--app=web", f"--output={file}")
    config.unlink()
    monkeypatch.chdir(tmp_path)
    assert main(["token", "show", str(file)]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["sub"] == "web"
    assert "there is no configuration (--config)" in printed.err
