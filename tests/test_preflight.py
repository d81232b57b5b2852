"""What `serve` checks before it opens a door: each problem in its words, all of them at once."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    certificate_pem,
    issue_workload,
    private_key_pem,
)
from sidecar.config.load import Loaded, read_config
from sidecar.errors import ConfigError, IdentityError
from sidecar.identity.examined import examine
from sidecar.preflight import Prepared, prepare
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock

DAY = timedelta(days=1)
TOKEN = "canary-token-of-the-web-app"
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"


@dataclass
class Machine:
    """The files of a machine that is ready to serve, and the way to prepare it."""

    directory: Path
    now: datetime
    loaded: Loaded

    @property
    def certificate(self) -> Path:
        return self.directory / "workload.pem"

    @property
    def key(self) -> Path:
        return self.directory / "workload.key"

    @property
    def token(self) -> Path:
        return self.directory / "web.token"

    def prepare(self) -> Prepared:
        return prepare(self.loaded, {}, self.now)

    def problems(self) -> list[tuple[str, str]]:
        with pytest.raises(ConfigError) as caught:
            self.prepare()
        assert "canary" not in "".join(map(str, caught.value.problems))
        return [(str(each), each.hint) for each in caught.value.problems]

    def issue(self, authority: Authority, *, at: datetime, validity: timedelta = DAY) -> None:
        """Put another certificate, with its key, in place of this machine's."""
        leaf, key = issue_workload(authority, Subject("web"), now=at, validity=validity)
        self.certificate.write_bytes(certificate_pem(leaf))
        self.key.write_bytes(private_key_pem(key))


def _loaded(directory: Path, **identity: str) -> Loaded:
    file = directory / "sidecar.toml"
    names = {"certificate": "workload.pem", "private_key": "workload.key"} | identity
    lines = [f"{key} = {json.dumps(str(directory / name))}" for key, name in names.items()]
    file.write_text(
        "\n".join(["[identity]", *lines])
        + f"""
        [roles.default]
        trust_anchor_arn = "{SCOPE}:trust-anchor/a"
        profile_arn = "{SCOPE}:profile/p"
        role_arn = "arn:aws:iam::123456789012:role/web"
        [apps.web]
        roles = ["default"]
        static_token_file = "{directory / "web.token"}"
        """
    )
    return read_config(file, {})


@pytest.fixture
def machine(
    tmp_path: Path, now: datetime, workload: tuple[x509.Certificate, PrivateKey]
) -> Machine:
    made = Machine(tmp_path, now, _loaded(tmp_path))
    certificate, key = workload
    made.certificate.write_bytes(certificate_pem(certificate))
    for path, content in ((made.key, private_key_pem(key)), (made.token, TOKEN.encode())):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return made


def test_a_machine_that_is_ready_has_nothing_to_complain_of(
    machine: Machine, workload: tuple[x509.Certificate, PrivateKey]
) -> None:
    prepared = machine.prepare()
    assert prepared.warnings == ()
    assert prepared.identity is not None
    assert prepared.identity.certificate == workload[0]
    app = prepared.access.access.static.app_for(TOKEN.encode())
    assert app is not None
    assert (app.name, app.roles) == ("web", ("default",))


NO_FORM = "expected PEM (-----BEGIN …), one certificate in DER, or PKCS#12"
EMPTY = "write it, or give another path"


@pytest.mark.parametrize(
    ("file", "content", "problem", "hint"),
    [
        ("workload.pem", b"canary", "certificate {} is of an unknown form", NO_FORM),
        ("workload.pem", b"", "certificate {} is empty", EMPTY),
        ("workload.key", b"canary", "private key {} is of an unknown form", NO_FORM),
    ],
    ids=["certificate", "empty certificate", "key"],
)
def test_a_file_of_another_kind_is_refused(
    machine: Machine, file: str, content: bytes, problem: str, hint: str
) -> None:
    path = machine.directory / file
    path.write_bytes(content)
    [(found, found_hint)] = machine.problems()
    assert found.startswith(f"identity: {problem.format(path)}")
    assert found_hint == hint


@pytest.mark.parametrize(
    ("file", "what"), [("workload.pem", "certificate"), ("workload.key", "private key")]
)
def test_a_missing_file_is_refused(machine: Machine, file: str, what: str) -> None:
    path = machine.directory / file
    path.unlink()
    [(problem, hint)] = machine.problems()
    assert problem == f"identity: {what} {path} cannot be read: No such file or directory"
    assert hint.startswith("check the path, and that uid ")


def test_a_key_of_somebody_else_is_refused(
    machine: Machine, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    with ordinary_user():
        problems = dict(machine.problems())
    assert any(problem.endswith("cannot be read: Permission denied") for problem in problems)


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(
    machine: Machine, root: Authority
) -> None:
    machine.key.write_bytes(private_key_pem(root.key))
    assert machine.problems() == [
        (
            (
                f"identity: private key {machine.key} does not belong to certificate "
                f"{machine.certificate}"
            ),
            "give the key that the certificate was requested with, or renew both",
        )
    ]


def test_an_expired_certificate_is_refused(
    machine: Machine, root: Authority, now: datetime
) -> None:
    machine.issue(root, at=now - 3 * DAY)
    assert machine.problems() == [
        (
            "identity.certificate: the certificate expired at 2026-02-27 12:00:00Z [expired]",
            "renew it",
        )
    ]


def test_a_certificate_that_is_not_valid_yet_is_refused(
    machine: Machine, root: Authority, now: datetime
) -> None:
    machine.issue(root, at=now + DAY)
    assert machine.problems() == [
        (
            (
                "identity.certificate: the certificate is not valid before 2026-03-02 11:55:00Z "
                "[not-yet-valid]"
            ),
            "wait, or correct this machine's clock (it says 2026-03-01 12:00:00Z)",
        )
    ]


def test_a_ca_s_own_certificate_is_refused(machine: Machine, root: Authority) -> None:
    machine.certificate.write_bytes(certificate_pem(root.certificate))
    machine.key.write_bytes(private_key_pem(root.key))
    assert machine.problems() == [
        (
            "identity.certificate: the certificate is a CA's own (CA:true) [ca]",
            "issue an end-entity one",
        ),
        (
            "identity.certificate: the certificate lacks key usage digitalSignature [key-usage]",
            "issue it again with keyUsage=digitalSignature",
        ),
    ]


def test_a_certificate_that_expires_soon_and_open_files_are_warned_of(
    machine: Machine, root: Authority, now: datetime
) -> None:
    machine.issue(root, at=now - 20 * DAY, validity=22 * DAY)
    machine.key.chmod(0o644)
    machine.token.chmod(0o644)
    assert machine.prepare().warnings == (
        "the certificate expires at 2026-03-03 12:00:00Z [expires-soon]; renew it now",
        (
            f"private key {machine.key} has mode 0644: other users may use it [key-file-mode]; "
            f"chmod 600 {machine.key}"
        ),
        (
            f"token file {machine.token} has mode 0644: every user may use it; "
            f"chmod o= {machine.token}"
        ),
    )


def _encrypt(machine: Machine, password: bytes) -> None:
    key = serialization.load_pem_private_key(machine.key.read_bytes(), None)
    machine.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
    )


@pytest.mark.parametrize(
    ("password", "content"),
    [
        pytest.param(b"canary", "canary", id="bare"),
        pytest.param(b"canary", "canary\n", id="with the newline of an editor"),
        pytest.param(b" canary\n", " canary\n\n", id="blanks belong to it"),
    ],
)
def test_an_encrypted_key_is_opened_by_its_password(
    machine: Machine, password: bytes, content: str
) -> None:
    _encrypt(machine, password)
    (machine.directory / "password").write_text(content)
    (machine.directory / "password").chmod(0o600)
    machine.loaded = _loaded(machine.directory, password_file="password")
    assert machine.prepare().warnings == ()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"canary-wrong", "the password of private key {key} is wrong", id="wrong"),
        pytest.param(
            b"\xff", "password file {password} cannot be read: it is not UTF-8", id="binary"
        ),
        pytest.param(
            None,
            "password file {password} cannot be read: No such file or directory",
            id="missing",
        ),
    ],
)
def test_a_password_that_does_not_open_the_key_is_refused(
    machine: Machine, content: bytes | None, problem: str
) -> None:
    _encrypt(machine, b"canary")
    password = machine.directory / "password"
    if content is not None:
        password.write_bytes(content)
    machine.loaded = _loaded(machine.directory, password_file="password")
    [(found, _)] = machine.problems()
    assert found == f"identity: {problem.format(key=machine.key, password=password)}"


class Terminal:
    """Somebody who answers, and counts how often."""

    asks = True

    def __init__(self) -> None:
        self.asked = 0

    def read(self, what: str) -> Secret:  # noqa: ARG002
        self.asked += 1
        return Secret("canary")


def test_a_password_that_is_typed_is_asked_for_at_start_and_never_at_a_reload(
    machine: Machine,
) -> None:
    _encrypt(machine, b"canary")
    terminal = Terminal()
    prepared = prepare(machine.loaded, {}, machine.now, ask=terminal)
    assert prepared.places is not None
    assert examine(prepared.places, machine.now).errors == ()
    assert terminal.asked == 1


def test_who_was_not_asked_at_start_is_not_asked_at_a_reload(machine: Machine) -> None:
    terminal = Terminal()
    prepared = prepare(machine.loaded, {}, machine.now, ask=terminal)
    _encrypt(machine, b"canary")
    assert prepared.places is not None
    with pytest.raises(IdentityError, match="needs a password and none is configured"):
        examine(prepared.places, machine.now)
    assert terminal.asked == 0


def test_a_password_in_a_variable_opens_the_key_and_nobody_is_asked(machine: Machine) -> None:
    _encrypt(machine, b"canary")
    config = machine.loaded.config
    assert config.identity is not None
    identity = dataclasses.replace(config.identity, password_env="WEB_PASSWORD")
    config = dataclasses.replace(config, identity=identity)
    loaded = dataclasses.replace(machine.loaded, config=config)
    terminal = Terminal()
    prepared = prepare(loaded, {"WEB_PASSWORD": "canary"}, machine.now, ask=terminal)
    assert prepared.warnings == ()
    assert terminal.asked == 0
    with pytest.raises(ConfigError) as caught:
        prepare(loaded, {}, machine.now, ask=terminal)
    assert "WEB_PASSWORD" in str(caught.value.problems[0])


def test_without_a_role_that_is_signed_for_there_is_no_identity(
    machine: Machine, clock: "ManualClock"
) -> None:
    file = machine.directory / "web-identity.toml"
    file.write_text(
        f"""
        [aws]
        region = "eu-central-1"
        [roles.default]
        source = "web-identity"
        token_file = "/token"
        role_arn = "arn:aws:iam::123456789012:role/web"
        [apps.web]
        roles = ["default"]
        static_token_file = "{machine.token}"
        """
    )
    machine.loaded = read_config(file, {})
    prepared = machine.prepare()
    assert (prepared.identity, prepared.held_identity(clock)) == (None, None)


def test_the_identity_found_is_the_one_held(machine: Machine, clock: "ManualClock") -> None:
    prepared = machine.prepare()
    held = prepared.held_identity(clock)
    assert held is not None
    assert held.current is prepared.identity


def test_everything_is_reported_at_once(machine: Machine, root: Authority, now: datetime) -> None:
    machine.issue(root, at=now - 3 * DAY)
    machine.token.write_text(f"{TOKEN}\n")
    config = machine.loaded.config
    secrets = dataclasses.replace(config.secrets, via="ghost")
    config = dataclasses.replace(config, secrets=secrets)
    machine.loaded = dataclasses.replace(machine.loaded, config=config)
    assert [problem for problem, _ in machine.problems()] == [
        "secrets.via: there is no role 'ghost'",
        "identity.certificate: the certificate expired at 2026-02-27 12:00:00Z [expired]",
        (
            f"apps.web.static_token_file: {machine.token} holds a newline, which AWS SDKs refuse "
            "in a token file"
        ),
    ]


def test_problems_of_values_files_and_tokens_are_told_together(machine: Machine) -> None:
    text = (machine.directory / "sidecar.toml").read_text()
    file = machine.directory / "faulty.toml"
    file.write_text(text + '[secrets]\nttl_seconds = -1\n[apps.other]\nroles = ["ghost"]\n')
    machine.certificate.unlink()
    machine.token.write_text("short")
    machine.loaded = read_config(file, {})
    assert [where.split(":")[0] for where, _ in machine.problems()] == [
        "secrets.ttl_seconds",
        "apps.other.roles",
        "apps.other",
        "identity",
        "apps.web.static_token_file",
    ]


def test_nothing_is_told_of_what_a_faulty_section_spoils(machine: Machine) -> None:
    text = (machine.directory / "sidecar.toml").read_text()
    file = machine.directory / "faulty.toml"
    file.write_text(text.replace("[roles.default]", '[roles.default]\nsource = "magic"'))
    machine.loaded = read_config(file, {})
    assert [where.split(":")[0] for where, _ in machine.problems()] == ["roles.default.source"]


def test_a_bundle_of_cas_that_cannot_be_read_is_told(machine: Machine) -> None:
    config = machine.loaded.config
    aws = dataclasses.replace(config.aws, ca_bundle=Path("/missing/ca.pem"))
    machine.loaded = dataclasses.replace(
        machine.loaded, config=dataclasses.replace(config, aws=aws)
    )
    assert machine.problems() == [
        (
            "aws.ca_bundle: CA bundle /missing/ca.pem cannot be used: No such file or directory",
            "aws.ca_bundle (or AWS_CA_BUNDLE) must name a readable PEM file",
        )
    ]


def test_a_variable_that_led_to_a_wrong_file_is_named(machine: Machine) -> None:
    file = machine.directory / "sidecar.toml"
    machine.loaded = read_config(file, {"SIDECAR_PRIVATE_KEY": "/missing/key"})
    [(problem, _)] = machine.problems()
    assert problem.startswith("identity (SIDECAR_PRIVATE_KEY): private key /missing/key cannot be")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AWS_CA_BUNDLE", "/missing/ca.pem", "aws.ca_bundle (AWS_CA_BUNDLE): CA bundle /missing"),
        ("SIDECAR_AUDIT_KEEP", "3", "audit.keep (SIDECAR_AUDIT_KEEP): cannot go with audit."),
    ],
    ids=["a file", "a combination"],
)
def test_a_variable_that_set_an_option_is_named_wherever_that_is_wrong(
    variable: str, value: str, told: str, machine: Machine
) -> None:
    machine.loaded = read_config(machine.directory / "sidecar.toml", {variable: value})
    [(problem, _)] = machine.problems()
    assert problem.startswith(told)


def test_a_session_policy_that_cannot_be_read_is_told(machine: Machine) -> None:
    policy = machine.directory / "policy.json"
    file = machine.directory / "sidecar.toml"
    file.write_text(
        file.read_text()
        + f"""
        [roles.tenant]
        source = "assume-role"
        via = "default"
        role_arn = "arn:aws:iam::999999999999:role/tenant"
        policy_file = "{policy}"
        """
    )
    machine.loaded = read_config(file, {})
    (found,) = machine.problems()
    assert found[0] == (
        f"roles.tenant.policy_file: session policy {policy} cannot be read (FileNotFoundError)"
    )
    policy.write_text("{}")
    assert machine.prepare().warnings == ()


def _with_admin(machine: Machine, text: str) -> None:
    file = machine.directory / "with-admin.toml"
    file.write_text((machine.directory / "sidecar.toml").read_text() + text)
    machine.loaded = read_config(file, {})


def test_the_admin_door_has_no_token_unless_one_is_configured(machine: Machine) -> None:
    assert machine.prepare().admin_tokens is None
    token = machine.directory / "admin.token"
    token.write_text("canary-token-of-the-admin")
    token.chmod(0o644)
    _with_admin(machine, f'[admin]\nstatic_token_file = "{token}"\n')
    prepared = machine.prepare()
    assert prepared.admin_tokens is not None
    assert any(f"token file {token} has mode 0644" in each for each in prepared.warnings)
    token.write_text("canary-another-of-the-admin")
    prepared.admin_tokens.reload()
    assert prepared.admin_tokens.app_for(b"canary-token-of-the-admin") is None
    assert prepared.admin_tokens.app_for(b"canary-another-of-the-admin") is not None


def test_a_bad_token_of_the_admin_door_is_told(machine: Machine) -> None:
    _with_admin(machine, '[admin]\ntoken_env = "ADMIN_TOKEN"\n')
    assert [problem for problem, _ in machine.problems()] == [
        "admin.token_env: ADMIN_TOKEN is not set"
    ]
    _with_admin(machine, f'[admin]\nstatic_token_file = "{machine.token}"\n')
    assert [problem for problem, _ in machine.problems()] == [
        "admin: has the same token as app web"
    ]


def test_nothing_more_is_told_of_a_faulty_section_of_the_admin_door(machine: Machine) -> None:
    _with_admin(machine, '[admin]\ntoken_env = "ADMIN_TOKEN"\nstatic_token_file = ""\n')
    assert [where.split(":")[0] for where, _ in machine.problems()] == ["admin.static_token_file"]


def test_what_is_wrong_with_sinks_of_notices_is_told_all_at_once_and_no_secret_quoted(
    machine: Machine,
) -> None:
    url = machine.directory / "url"
    url.write_text("http://hooks.example/canary")
    key = machine.directory / "key"
    key.write_text("canary-short")
    text = (
        f'[notify.a]\ntype = "webhook"\nurl_file = "{url}"\nhmac_key_file = "{key}"\n'
        '[notify.b]\ntype = "slack"\nurl_env = "NOT_SET"\n'
        '[notify.c]\ntype = "emf"\ndestination = "/none/metrics"\n'
    )
    _with_admin(machine, text)
    assert [problem for problem, _ in machine.problems()] == [
        "notify.a.url_file: the URL is http://, and leaves this machine",
        "notify.a.hmac_key_file: the key has fewer than 32 characters",
        "notify.b.url_env: variable NOT_SET is not set",
        "notify.c.destination: file /none/metrics cannot be opened: No such file or directory",
    ]
    url.write_text("https://hooks.example/canary")
    key.write_text("canary-long-enough-for-an-hmac-key")
    _with_admin(machine, text.partition("[notify.b]")[0])
    assert machine.prepare().identity is not None


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o622, True), (0o640, False)])
def test_a_sink_s_file_that_every_user_may_use_is_warned_of_and_one_of_a_group_is_not(
    machine: Machine, *, mode: int, warned: bool
) -> None:
    url, key = machine.directory / "url", machine.directory / "key"
    url.write_text("https://hooks.example/canary")
    key.write_text("canary-long-enough-for-an-hmac-key")
    _with_admin(
        machine, f'[notify.a]\ntype = "webhook"\nurl_file = "{url}"\nhmac_key_file = "{key}"\n'
    )
    for path in (url, key):
        path.chmod(mode)
    warnings = machine.prepare().warnings
    for path in (url, key):
        told = f"file {path} of notify.a has mode {mode:04o}: every user may use it"
        assert any(told in each for each in warnings) is warned
    assert not any("canary" in each for each in warnings)
