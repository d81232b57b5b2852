"""`sidecar serve` as a process: its tokens after a restart, and those that a reload revokes."""

import json
import signal
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.access.own_token import OwnTokenRules, issue, peek
from sidecar.access.token_key import TokenKey
from tests.service.conftest import Doors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

    from tests.conftest import Aws, Eventually, Serve, Serving
    from tests.service.conftest import Until

LIFETIME: Final = 3600
RULES: Final = OwnTokenRules(
    audience="credential-sidecar",
    lifetime=timedelta(seconds=LIFETIME),
    grace=timedelta(seconds=LIFETIME),
)
APPS: Final = ("web", "batch")


@dataclass
class Site:
    """A sidecar's configuration with two apps whose tokens it writes; tests add lines to it."""

    directory: Path
    before: str
    key_file: bool = True
    tokens: list[str] = field(default_factory=list)
    web: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.directory / "sidecar.toml"

    @property
    def key(self) -> Path:
        return self.directory / "token.key"

    def file(self, app: str) -> Path:
        return self.directory / app / "token"

    def token(self, app: str) -> str:
        return self.file(app).read_text()

    def write(self) -> None:
        """Write the configuration as it is to be now."""
        lines = [self.before, "[tokens]", f"lifetime_seconds = {LIFETIME}", *self.tokens]
        lines += [f"key_file = {json.dumps(str(self.key))}"] if self.key_file else []
        for app in APPS:
            lines += [f"[apps.{app}]", 'roles = ["default"]']
            lines += [f"token_file = {json.dumps(str(self.file(app)))}"]
            lines += self.web if app == "web" else []
        self.config.write_text("\n".join([*lines, ""]))

    def issue_before(self, app: str, seconds: int) -> str:
        """Put down a token that was issued so long ago, as by the process before."""
        key = TokenKey.read(self.key.read_bytes(), "EdDSA")
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        token = issue(app, key, RULES, moment, f"an-id-of-{app}").reveal()
        self.file(app).parent.mkdir(mode=0o700, exist_ok=True)
        self.file(app).touch(mode=0o600)
        self.file(app).write_text(token)
        return token


@pytest.fixture
def site(aws: "Aws", tmp_path: Path) -> Site:
    """Give a configuration that is written, with a key and a token of each app, ten seconds old."""
    before, static, _ = aws.stage.config.read_text().partition("[apps.")
    assert static
    site = Site(tmp_path, before)
    site.key.touch(mode=0o600)
    site.key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    for app in APPS:
        site.issue_before(app, 10)
    site.write()
    return site


@dataclass(frozen=True)
class Running:
    """A running process and its doors."""

    process: "Serving"
    doors: Doors
    eventually: "Eventually"

    def reload(self, answer: str) -> str:
        """Send SIGHUP, and give the log's line with the answer to it."""
        before = len(self.process.log.read_text())
        self.process.process.send_signal(signal.SIGHUP)

        def told() -> str:
            lines = self.process.log.read_text()[before:].splitlines()
            return next((line for line in lines if answer in line), "")

        return str(self.eventually(told))

    async def statuses(self, *tokens: str) -> list[int]:
        return [(await self.doors.credentials(each))[0] for each in tokens]


Run = Callable[[], AbstractContextManager[Running]]


@pytest.fixture
def run(site: Site, serve: "Serve", http: "aiohttp.ClientSession", eventually: "Eventually") -> Run:
    """Give a function that runs the sidecar."""

    @contextmanager
    def running() -> "Iterator[Running]":
        with serve(site.directory, "--config", str(site.config)) as process:
            doors = Doors(process.doors(), http, site.file("web"))
            yield Running(process, doors, eventually)

    return running


async def test_after_a_restart_with_the_key_in_a_file_tokens_count_on_and_young_files_stay(
    site: Site, run: Run, until: "Until"
) -> None:
    tokens = [site.token(app) for app in APPS]
    marks = [site.file(app).stat().st_mtime_ns for app in APPS]
    for _ in range(2):
        with run() as running:
            await until(running.doors.ready)
            assert await running.statuses(*tokens) == [200, 200]
    assert [site.file(app).stat().st_mtime_ns for app in APPS] == marks


async def test_after_a_restart_without_a_key_file_old_tokens_are_refused_and_files_are_new(
    site: Site, run: Run, until: "Until"
) -> None:
    site.key_file = False
    site.write()
    seen = [site.token("web")]
    for _ in range(2):
        with run() as running:
            await until(running.doors.ready)
            assert await running.statuses(*seen) == [401] * len(seen)
            assert await running.statuses(site.token("web")) == [200]
            seen.append(site.token("web"))
    assert len(set(seen)) == 3


def by_id(site: Site) -> None:
    site.tokens.append(f"revoked = [{json.dumps(peek(site.token('web'))['jti'])}]")


def by_moment(site: Site) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=5)
    site.web.append(f"not_before = {moment.isoformat(timespec='seconds')}")


@pytest.mark.parametrize("revoke", [by_id, by_moment])
async def test_a_revoked_token_ends_with_the_reload_and_only_its_own_app_has_a_new_one(
    revoke: Callable[[Site], None], site: Site, run: Run, until: "Until"
) -> None:
    old, other = site.token("web"), site.token("batch")
    with run() as running:
        await until(running.doors.ready)
        assert await running.statuses(old, other) == [200, 200]
        revoke(site)
        site.write()
        running.reload("reloaded; apps are web, batch")
        new = site.token("web")
        assert await running.statuses(old, new, other) == [401, 200, 200]
        assert site.token("batch") == other
        assert stat.S_IMODE(site.file("web").stat().st_mode) == 0o600


async def test_one_moment_for_all_ends_every_older_token(
    site: Site, run: Run, until: "Until"
) -> None:
    old = [site.token(app) for app in APPS]
    with run() as running:
        await until(running.doors.ready)
        moment = datetime.now(UTC) - timedelta(seconds=5)
        site.tokens.append(f"not_before = {moment.isoformat(timespec='seconds')}")
        site.write()
        running.reload("reloaded")
        assert await running.statuses(*old) == [401, 401]
        assert await running.statuses(*(site.token(app) for app in APPS)) == [200, 200]


BROKEN: Final = [
    pytest.param('nonsense = "1"', "tokens.nonsense", id="an unknown option"),
    pytest.param("not_before = 2999-01-01T00:00:00Z", "tokens.not_before", id="a moment to come"),
    pytest.param('algorithm = "none"', "tokens.algorithm", id="a wrong value"),
    pytest.param("revoked = [", "sidecar.toml", id="no TOML"),
]


@pytest.mark.parametrize(("line", "said"), BROKEN)
async def test_a_broken_configuration_changes_nothing_and_the_log_says_why(
    line: str, said: str, site: Site, run: Run, until: "Until"
) -> None:
    with run() as running:
        await until(running.doors.ready)
        tokens = [site.token(app) for app in APPS]
        by_id(site)  # which is right, and yet must not count
        site.tokens.append(line)
        site.write()
        assert said in running.reload("not reloaded, and nothing has changed")
        assert await running.statuses(*tokens) == [200, 200]
        assert [site.token(app) for app in APPS] == tokens
    assert "Traceback" not in running.process.log.read_text()


def without_configuration(site: Site) -> None:
    site.config.unlink()


def without_key(site: Site) -> None:
    site.key.unlink()


def with_a_short_key(site: Site) -> None:
    site.key.write_bytes(b"-----BEGIN")


def with_an_open_directory(site: Site) -> None:
    site.file("web").parent.chmod(0o777)


@pytest.mark.parametrize(
    "damage", [without_configuration, without_key, with_a_short_key, with_an_open_directory]
)
async def test_what_the_configuration_names_and_is_not_right_changes_nothing_either(
    damage: Callable[[Site], None], site: Site, run: Run, until: "Until"
) -> None:
    with run() as running:
        await until(running.doors.ready)
        tokens = [site.token(app) for app in APPS]
        damage(site)
        running.reload("not reloaded, and nothing has changed")
        assert await running.statuses(*tokens) == [200, 200]
        assert [site.token(app) for app in APPS] == tokens
    assert "Traceback" not in running.process.log.read_text()


async def test_what_is_mended_is_taken_over_by_the_next_reload(
    site: Site, run: Run, until: "Until"
) -> None:
    old = site.token("web")
    with run() as running:
        await until(running.doors.ready)
        site.tokens.append("nonsense = 1")
        site.write()
        running.reload("not reloaded")
        site.tokens.clear()
        by_id(site)
        site.write()
        running.reload("reloaded; apps are")
        assert await running.statuses(old, site.token("web")) == [401, 200]
